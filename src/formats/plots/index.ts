/** @file Plots and pages: SVG and HTML that need nothing but themselves. */
export * from './axis.ts';
export * from './html-page.ts';
export * from './svg-plot.ts';
