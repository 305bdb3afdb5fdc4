/** @file Stages of diffusion as rows of pictures: one drawn sheet with its labels, or a table of a page. */

import { type Point, snr } from '../../diffusion/gaussian/index.ts';
import { bitmapText, GLYPH } from '../../formats/bitmap-text.ts';
import { enlarge, type Picture, pictureFromFloats } from '../../formats/images.ts';
import { pictureTable } from '../../formats/plots/index.ts';
import type { Stages } from '../diffusion-pictures.ts';
import { significant } from './numbers.ts';

/** One row: its name, and a picture per point. */
export interface StripRow {
  readonly name: string;
  readonly stages: Stages;
}

/** Rows of pictures at the same points. */
export interface Strip {
  /** `[C, H, W]`. */
  readonly shape: readonly [number, number, number];
  readonly points: readonly Point[];
  readonly rows: readonly StripRow[];
}

/** Edge of a shown picture, about. */
const SHOWN_EDGE = 80;
const GAP = 8;
const GROUND = 255;

/** The columns' labels: time and SNR. */
export function stripColumns({ points }: Strip): string[][] {
  return points.map((point) => [
    point.sigma === 0 ? 'data' : `t ${significant(point.t)}`,
    `SNR ${compact(snr(point))}`,
  ]);
}

/** Two digits, and infinities, in few characters. */
function compact(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '∞';
  if (value !== 0 && (value < 0.01 || value >= 1000)) return value.toExponential(0).replace('e+', 'e');
  return String(Number(value.toPrecision(2)));
}

function shownScale([, height, width]: Strip['shape']): number {
  return Math.max(1, Math.round(SHOWN_EDGE / Math.max(height, width)));
}

/** A sheet of the rows with names and labels drawn in, ready for a PNG. */
export function stripSheet(strip: Strip): Picture {
  const scale = shownScale(strip.shape);
  const [channels, height, width] = strip.shape;
  const [cellX, cellY] = [width * scale, height * scale];
  const columns = stripColumns(strip);
  const names = Math.max(...strip.rows.map(({ name }) => name.length)) * GLYPH.advance + 2 * GAP;
  const pitch = Math.max(cellX, Math.max(...columns.flat().map((text) => text.length)) * GLYPH.advance) + GAP;
  const head = 2 * GLYPH.line + 2 * GAP;
  const sheet = {
    width: names + columns.length * pitch + GAP,
    height: head + strip.rows.length * (cellY + GAP),
    channels: 3 as const,
  };
  const data = new Uint8Array(sheet.width * sheet.height * 3).fill(GROUND);
  const picture: Picture = { ...sheet, data };
  const write = (text: string, left: number, top: number): void => bitmapText(picture, text, { left, top, level: 60 });
  columns.forEach((lines, column) => {
    lines.forEach((text, line) => {
      const room = cellX - text.length * GLYPH.advance;
      write(text, names + column * pitch + Math.max(0, room >> 1), GAP + line * GLYPH.line);
    });
  });
  strip.rows.forEach(({ name, stages }, row) => {
    const top = head + row * (cellY + GAP);
    write(name, GAP, top + ((cellY - GLYPH.height) >> 1));
    stages.forEach((values, column) => {
      const cell = enlarge(pictureFromFloats(values, strip.shape), scale);
      place(picture, cell, names + column * pitch, top, channels);
    });
  });
  return picture;
}

function place(sheet: Picture, cell: Picture, left: number, top: number, channels: number): void {
  for (let y = 0; y < cell.height; y++) {
    for (let x = 0; x < cell.width; x++) {
      const to = ((top + y) * sheet.width + left + x) * 3;
      const from = (y * cell.width + x) * channels;
      for (let c = 0; c < 3; c++) sheet.data[to + c] = cell.data[from + (channels === 1 ? 0 : c)]!;
    }
  }
}

/** The rows as HTML; `address` turns a picture into a `data:` address. */
export async function stripHtml(strip: Strip, address: (picture: Picture) => Promise<string>): Promise<string> {
  const rows: { name: string; sources: string[] }[] = [];
  for (const { name, stages } of strip.rows) {
    const sources: string[] = [];
    for (const values of stages) sources.push(await address(pictureFromFloats(values, strip.shape)));
    rows.push({ name, sources });
  }
  return pictureTable({ columns: stripColumns(strip), rows, edge: SHOWN_EDGE });
}
