/** @file Room `evaluation`, the part that runs everywhere: measures and reports. */
export * from './schedule-report.ts';
