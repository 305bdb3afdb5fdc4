/** @file Pictures in a terminal: two pixels a character cell, as upper half blocks in 24-bit colour. */
import type { Picture } from './images.ts';

/** Options of `terminalImage`. */
export interface TerminalImageOptions {
  /** Widest picture, in character cells; wider ones are shown smaller. */
  readonly maxWidth?: number;
}

const RESET = '\u001b[0m';

/**
 * The picture as lines of `▀`: the foreground colours the upper pixel, the background the lower. Every line ends by
 * resetting the colours. Transparency shows white; pictures wider than `maxWidth` are averaged down.
 */
export function terminalImage(picture: Picture, options: TerminalImageOptions = {}): string {
  const { maxWidth = 80 } = options;
  const step = Math.max(1, Math.ceil(picture.width / maxWidth));
  const width = Math.ceil(picture.width / step);
  const height = Math.ceil(picture.height / step);
  const lines: string[] = [];
  for (let y = 0; y < height; y += 2) {
    let line = '';
    let last = '';
    for (let x = 0; x < width; x++) {
      const upper = blockColour(picture, x * step, y * step, step);
      const lower = y + 1 < height ? blockColour(picture, x * step, (y + 1) * step, step) : undefined;
      const colours = `\u001b[38;2;${upper};${lower ? `48;2;${lower}` : '49'}m`;
      line += colours === last ? '▀' : `${colours}▀`;
      last = colours;
    }
    lines.push(line + RESET);
  }
  return lines.join('\n');
}

/** Mean colour of the `step`×`step` block at (left, top) on white, as `r;g;b`. */
function blockColour({ width, height, channels, data }: Picture, left: number, top: number, step: number): string {
  const right = Math.min(width, left + step);
  const bottom = Math.min(height, top + step);
  const sum = [0, 0, 0];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const at = (y * width + x) * channels;
      const alpha = channels === 4 ? data[at + 3]! / 255 : 1;
      for (let c = 0; c < 3; c++) sum[c]! += data[at + (channels === 1 ? 0 : c)]! * alpha + 255 * (1 - alpha);
    }
  }
  const count = (right - left) * (bottom - top);
  return sum.map((total) => Math.round(total / count)).join(';');
}
