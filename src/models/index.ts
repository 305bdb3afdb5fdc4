/** @file Room `models`: whole networks, with diffusers' names and configurations. */
export * from './attention-block.ts';
export * from './image-model-notes.ts';
export * from './network-program.ts';
export * from './parse-config.ts';
export * from './resample.ts';
export * from './resnet-block.ts';
export * from './unet-blocks.ts';
export * from './unet-skip-blocks.ts';
export * from './unet2d.ts';
export * from './unet2d-config.ts';
