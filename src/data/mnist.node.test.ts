import { beforeAll, describe, expect, test } from 'vitest';
import type { DataSplits } from './dataset.ts';
import { openMnist } from './mnist.node.ts';

describe('mnist', () => {
  let mnist: DataSplits;
  beforeAll(async () => {
    mnist = await openMnist();
  });

  test('has 9,000 digits to train on and 1,000 held out, of ten classes', () => {
    expect(mnist.train.length).toBe(9000);
    expect(mnist.heldOut.length).toBe(1000);
    expect(mnist.train.imageShape).toEqual([1, 32, 32]);
    expect(mnist.train.classNames).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  });

  test('shows every digit in any stretch, with a label that its caption repeats', () => {
    const labels = new Set(mnist.heldOut.labels!.slice(0, 100));
    expect(labels.size).toBe(10);
    expect(mnist.train.caption(7)).toBe(`the digit ${mnist.train.labels![7]}`);
  });

  test('has as many of each digit as the package', () => {
    const counts = new Array<number>(10).fill(0);
    for (const { labels } of [mnist.train, mnist.heldOut]) for (const label of labels!) counts[label]!++;
    expect(counts).toEqual([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
  });

  test('is white ink on a black margin of two pixels', () => {
    let brightest = -1;
    for (let i = 0; i < 50; i++) {
      const { image } = mnist.train.item(i);
      for (let y = 0; y < 32; y++) {
        for (let x = 0; x < 32; x++) {
          const value = image[y * 32 + x]!;
          if (Math.min(x, y, 31 - x, 31 - y) < 2) expect(value).toBe(-1);
          brightest = Math.max(brightest, value);
        }
      }
    }
    expect(brightest).toBeGreaterThan(0.97);
  });

  test('a one is thinner than a zero', () => {
    const ink = (digit: number): number => {
      const rows = Array.from(mnist.train.labels!.keys()).filter((row) => mnist.train.labels![row] === digit);
      const sums = rows.slice(0, 200).map((row) => mnist.train.item(row).image.reduce((a, b) => a + b + 1, 0));
      return sums.reduce((a, b) => a + b) / sums.length;
    };
    expect(ink(1)).toBeLessThan(ink(0) * 0.6);
  });
});
