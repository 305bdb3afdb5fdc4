import { expect, test } from 'vitest';
import type { Picture } from './images.ts';
import { terminalImage } from './terminal-image.ts';

const esc = '\u001b[';

test('puts two rows of pixels into a line of half blocks', () => {
  const picture: Picture = { width: 1, height: 2, channels: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  expect(terminalImage(picture)).toBe(`${esc}38;2;1;2;3;48;2;4;5;6m▀${esc}0m`);
});

test('leaves the lower half of an odd last row to the terminal, and repeats no colours', () => {
  const picture: Picture = { width: 2, height: 1, channels: 1, data: Uint8Array.of(7, 7) };
  expect(terminalImage(picture)).toBe(`${esc}38;2;7;7;7;49m▀▀${esc}0m`);
});

test('shows transparency as white', () => {
  const picture: Picture = { width: 1, height: 1, channels: 4, data: Uint8Array.of(0, 0, 0, 0) };
  expect(terminalImage(picture)).toContain('38;2;255;255;255');
});

test('averages a picture down to the width allowed', () => {
  const data = Uint8Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? 100 : 200));
  const lines = terminalImage({ width: 8, height: 8, channels: 1, data }, { maxWidth: 4 }).split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toBe(`${esc}38;2;150;150;150;48;2;150;150;150m▀▀▀▀${esc}0m`);
});
