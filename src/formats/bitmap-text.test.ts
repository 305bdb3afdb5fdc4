import { expect, test } from 'vitest';
import { bitmapText, GLYPH } from './bitmap-text.ts';

function written(text: string, { width = 12, height = 7, left = 0 } = {}): string[] {
  const data = new Uint8Array(width * height).fill(255);
  bitmapText({ width, height, channels: 1, data }, text, { left, top: 0 });
  return Array.from({ length: height }, (_, y) =>
    Array.from(data.subarray(y * width, (y + 1) * width), (level) => (level === 0 ? '#' : '.')).join(''),
  );
}

test('writes letters dot by dot, one advance apart', () => {
  expect(written('t7').join('\n')).toMatchInlineSnapshot(`
    ".#....#####.
    .#........#.
    ###......#..
    .#......#...
    .#.....#....
    .#..#..#....
    ..##...#...."
  `);
  expect(GLYPH.advance).toBe(6);
});

test('cuts off what lies outside and boxes what it does not know', () => {
  expect(written('SS', { width: 8, left: -2 })).toHaveLength(7);
  expect(written('字', { width: 5 })[0]).toBe('#####');
  expect(written(' ', { width: 5 }).join('')).not.toContain('#');
});
