import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError, fromNumbers, ndArray, ShapeError, zeros } from '../tensor/index.ts';
import { enlarge, floatsFromPicture, makeGrid, type Picture, pictureFromFloats, tile, toLevel } from './images.ts';

describe('levels', () => {
  test('map -1 to 0, 1 to 255, and clamp what lies outside', () => {
    expect([-1, 0, 1, -7, 7, Number.NaN].map(toLevel)).toEqual([0, 128, 255, 0, 255, 0]);
  });

  test('survive the way to floats and back, all 256 of them', () => {
    const all: Picture = { width: 16, height: 16, channels: 1, data: Uint8Array.from({ length: 256 }, (_, i) => i) };
    expect(pictureFromFloats(floatsFromPicture(all), [1, 16, 16])).toEqual(all);
  });
});

test('channels first become channels last, and back', () => {
  const picture = pictureFromFloats([9, -1, 1, -1, 1, -1, 1], [3, 1, 2], 1);
  expect(picture).toEqual({ width: 2, height: 1, channels: 3, data: Uint8Array.of(0, 0, 0, 255, 255, 255) });
  fc.assert(
    fc.property(
      fc.constantFrom(1 as const, 3 as const, 4 as const),
      fc.integer({ min: 1, max: 5 }),
      (channels, width) => {
        const data = Uint8Array.from({ length: width * 2 * channels }, (_, i) => (i * 37) % 256);
        const original: Picture = { width, height: 2, channels, data };
        expect(pictureFromFloats(floatsFromPicture(original), [channels, 2, width])).toEqual(original);
      },
    ),
  );
});

test('enlarging repeats pixels', () => {
  const picture: Picture = { width: 2, height: 1, channels: 1, data: Uint8Array.of(1, 2) };
  expect([...enlarge(picture, 2).data]).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
  expect(() => enlarge(picture, 1.5)).toThrow(ConfigError);
});

describe('grids', () => {
  const images = ndArray(Float32Array.of(-1, -0.2, 0.2), [3, 1, 1, 1]);

  test('fill rows from the left, padded inside and around, with a plain background', () => {
    const { width, height, channels, data } = makeGrid(images, { columns: 2, scale: 1, padding: 1, background: 9 });
    expect([width, height, channels]).toEqual([5, 5, 1]);
    const [dark, middle, light] = [0, 102, 153];
    expect([...data]).toEqual([9, 9, 9, 9, 9, 9, dark, 9, middle, 9, 9, 9, 9, 9, 9, 9, light, 9, 9, 9, 9, 9, 9, 9, 9]);
  });

  test('are as square as can be by default', () => {
    const { width, height } = makeGrid(zeros([64, 3, 4, 4]), { scale: 3 });
    expect([width, height]).toEqual([96, 96]);
    expect(makeGrid(zeros([5, 3, 1, 1]))).toMatchObject({ width: 3, height: 2 });
  });

  test('enlarge each picture by whole pixels', () => {
    const { width, data } = makeGrid(fromNumbers([[[[-1, 1]]]]), { scale: 3 });
    expect(width).toBe(6);
    expect([...data.subarray(0, 6)]).toEqual([0, 0, 0, 255, 255, 255]);
  });

  test('refuse other shapes, unequal pictures and impossible options', () => {
    expect(() => makeGrid(zeros([3, 4, 4]))).toThrow(ShapeError);
    expect(() => makeGrid(zeros([0, 3, 4, 4]))).toThrow(ShapeError);
    expect(() => makeGrid(zeros([1, 2, 4, 4]))).toThrow('a picture has the shape [1, 3 or 4, H, W], got [2, 4, 4]');
    expect(() => makeGrid(zeros([1, 3, 4, 4], 'uint8'))).toThrow('got uint8');
    expect(() => makeGrid(images, { columns: 0 })).toThrow(ConfigError);
    expect(() => makeGrid(images, { padding: -1 })).toThrow(ConfigError);
    expect(() => makeGrid(images, { scale: 40000 })).toThrow('use a smaller scale or fewer pictures');
    const grey: Picture = { width: 1, height: 1, channels: 1, data: Uint8Array.of(0) };
    expect(() => tile([grey, enlarge(grey, 2)])).toThrow('all pictures of a grid must have the same size');
    expect(() => tile([])).toThrow(ShapeError);
  });
});
