/** @file The document lists the departures from diffusers' networks that the fuzz allows, and no others. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { drawNetwork } from '../tools/oracle/fuzz/network-configs.ts';
import { NETWORK_DEPARTURES } from '../tools/oracle/fuzz/network-departures.ts';
import { Random } from '../tools/oracle/fuzz/random.ts';

const document = readFileSync(new URL('../docs/networks.md', import.meta.url), 'utf8');

describe('departures from the networks of diffusers', () => {
  it('are the rows of the table in docs/networks.md, in order', () => {
    const rows = document.split('\n').filter((line) => line.startsWith('| '));
    expect(rows.slice(1)).toEqual(NETWORK_DEPARTURES.map(({ row }) => `| ${row.join(' | ')} |`));
  });
});

describe('the fuzz of networks', () => {
  const drawn = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 300 }, () => drawNetwork(random));
  };

  it('draws the same configurations from the same seed', () => {
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)).not.toEqual(drawn(2));
  });

  it('draws every kind of block, of class and of saving', () => {
    const specs = drawn(3);
    const types = new Set(specs.flatMap(({ config }) => config.down_block_types as string[]));
    for (const name of ['DownBlock2D', 'AttnDownBlock2D', 'ResnetDownsampleBlock2D', 'SkipDownBlock2D']) {
      expect(types).toContain(name);
    }
    expect(new Set(specs.map(({ labels }) => labels)).size).toBe(4);
    expect(new Set(specs.map(({ save }) => save)).size).toBe(4);
    expect(new Set(specs.map(({ compare }) => compare)).size).toBe(3);
  });
});
