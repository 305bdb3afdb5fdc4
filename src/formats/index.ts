/** @file Room `formats`, the part that runs everywhere: files and pictures as bytes. */
export * from './images.ts';
export * from './safetensors.ts';
export * from './safetensors-dtype.ts';
