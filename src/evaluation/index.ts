/** @file Room `evaluation`, the part that runs everywhere: measures and reports. */
export * from './applicable-solvers.ts';
export type { ComparisonProgress } from './network-counter.ts';
export * from './rms-distance.ts';
export * from './schedule-report.ts';
export * from './searched-grid.ts';
export * from './sliced-wasserstein.ts';
export * from './solver-comparison.ts';
