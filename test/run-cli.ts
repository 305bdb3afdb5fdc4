/** @file Runs the built command line in a process of its own, and draws pictures for it to learn. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { fillUniform } from '../src/tensor/index.ts';

/** The committed launcher. */
export const BIN = fileURLToPath(new URL('../bin/inkwash.js', import.meta.url));

/** A finished command. */
export interface CliResult {
  /** Exit code, or the signal that ended it. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of stdout as JSON; for commands run with `--json`. */
  json(): unknown[];
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with every complete line of stdout. */
  readonly onLine?: (line: string, child: ChildProcess) => void;
}

/** Runs `inkwash …args` to its end. */
export function runCli(args: readonly string[], { cwd, env, onLine }: CliOptions = {}): Promise<CliResult> {
  const child = spawn(process.execPath, [BIN, ...args], { cwd, env: { ...process.env, NO_COLOR: '1', ...env } });
  let [stdout, stderr, seen] = ['', '', 0];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    const lines = stdout.split('\n');
    for (; seen < lines.length - 1; seen++) onLine?.(lines[seen]!, child);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const json = (): unknown[] =>
        stdout
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line));
      resolve({ code: code ?? signal ?? 'unknown', stdout, stderr, json });
    });
  });
}

/** Writes `count` pictures of 8×8 into `folder`: a light square somewhere on a dark ground. */
export async function drawSquares(folder: string, count: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const [u = 0, v = 0] = fillUniform(new Float32Array(2), { seed: i });
    const pixels = new Uint8Array(8 * 8 * 3).fill(20);
    const [left, top] = [Math.floor(u * 5), Math.floor(v * 5)];
    for (let y = top; y < top + 3; y++) pixels.fill(250, (y * 8 + left) * 3, (y * 8 + left + 3) * 3 - 1);
    await sharp(pixels, { raw: { width: 8, height: 8, channels: 3 } })
      .png()
      .toFile(join(folder, `${i}.png`));
  }
}

/** Flags of a run that takes a second. */
export const TINY = [
  ...['--size', '8', '--batch', '8', '--threads', '1'],
  ...['--set', 'model={"block_out_channels":[8,8],"norm_num_groups":4,"attention_head_dim":4}'],
  ...['--set', 'sampling.steps=2', '--set', 'warmupSteps=2'],
];
