import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultThreads } from './default-threads.node.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inkwash-topology-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function processors(siblings: readonly string[]): void {
  siblings.forEach((list, i) => {
    mkdirSync(join(folder, `cpu${i}`, 'topology'), { recursive: true });
    writeFileSync(join(folder, `cpu${i}`, 'topology', 'thread_siblings_list'), `${list}\n`);
  });
  mkdirSync(join(folder, 'cpufreq'));
}

describe('defaultThreads', () => {
  it('counts two threads of a core once', () => {
    processors(['0,1', '0,1']);
    expect(defaultThreads(folder)).toBe(1);
  });

  it('is at most what the process may use', () => {
    processors(Array.from({ length: availableParallelism() + 3 }, (_, i) => `${i}`));
    expect(defaultThreads(folder)).toBe(availableParallelism());
  });

  it('goes by what the process may use where the topology is not described', () => {
    expect(defaultThreads(join(folder, 'nothing'))).toBe(availableParallelism());
  });
});
