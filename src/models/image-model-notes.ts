/** @file What a trained image model carries beside its network and scheduler. */

/** Facts that diffusers' layout has no place for. */
export interface ImageModelNotes {
  /** Names of the classes, in the order of their labels. */
  readonly classNames?: readonly string[] | undefined;
  /** Pictures of each class in the data: how often a class is shown when none is asked for. */
  readonly classCounts?: readonly number[] | undefined;
  /** Label that stands for no class: the network's unconditional half of classifier-free guidance. */
  readonly nullLabel?: number | undefined;
  /** What the model was trained on. */
  readonly data?: string | undefined;
  /** Steps the weights were trained for. */
  readonly trainedSteps?: number | undefined;
  /** How it is sampled unless asked otherwise. */
  readonly sampling?: { readonly solver: string; readonly steps: number; readonly guidance: number } | undefined;
}
