/** @file Room `autodiff`: gradients of graphs. */
export { gradients, pullback } from './gradients.ts';
export type { VjpRule, VjpRules } from './rule.ts';
