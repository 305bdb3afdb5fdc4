/** @file Room `diffusion/gaussian`: forward processes, parameterisations, grids, solvers and guidance. */
export * from './beta-schedules.ts';
export * from './denoiser.ts';
export * from './discrete.ts';
export * from './grids/timesteps.ts';
export * from './noise-sources.ts';
export * from './parameterisation.ts';
export * from './process.ts';
export * from './scheduler-config/index.ts';
export * from './solver.ts';
export * from './solvers/ddim.ts';
export * from './solvers/ddpm.ts';
export * from './state.ts';
