/** @file Room `formats`, the part that runs everywhere: files and pictures as bytes. */
export * from './bitmap-text.ts';
export * from './images.ts';
export * from './lfs-pointer.ts';
export * from './npy.ts';
export { htmlPage, type PageSection, type PlotOptions, type PlotSeries, svgPlot } from './plots/index.ts';
export * from './png-text.ts';
export * from './python-json.ts';
export * from './safetensors.ts';
export * from './safetensors-dtype.ts';
export * from './terminal-image.ts';
