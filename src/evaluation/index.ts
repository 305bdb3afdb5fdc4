/** @file Room `evaluation`, the part that runs everywhere: measures, reports and their pages. */
export * from './applicable-solvers.ts';
export * from './data-floor.ts';
export * from './diffusion-pictures.ts';
export * from './grid-verdict.ts';
export type { ComparisonProgress } from './network-counter.ts';
export * from './pages/picture-strip.ts';
export * from './pages/schedule-page.ts';
export * from './pages/solver-page.ts';
export * from './recommendation.ts';
export * from './resampling.ts';
export * from './rms-distance.ts';
export * from './sample-measures.ts';
export * from './schedule-report.ts';
export * from './searched-grid.ts';
export * from './sliced-wasserstein.ts';
export * from './solver-comparison.ts';
