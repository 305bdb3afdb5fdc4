/** @file Runs docs/how-it-works.md: every block of code, in order, prints what the page says it prints. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const page = readFileSync(new URL('../docs/how-it-works.md', import.meta.url), 'utf8');
const folder = fileURLToPath(new URL('../.cache/how-it-works/', import.meta.url));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Block {
  readonly code: string;
  /** The text block that follows, '' when there is none. */
  readonly prints: string;
  readonly line: number;
}

/** Blocks of TypeScript, each with the output printed below it. */
function blocksOf(markdown: string): Block[] {
  const found = markdown.matchAll(/^```ts\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms);
  return [...found].map(({ 1: code, 2: prints, index }) => ({
    code: code!,
    prints: (prints ?? '').trimEnd(),
    line: markdown.slice(0, index).split('\n').length,
  }));
}

/** The page as one module, which reports where each block begins; the package's entries are its sources. */
function moduleOf(blocks: readonly Block[]): string {
  const source = (name: string): string => new URL(`../src/${name}`, import.meta.url).pathname;
  const body = blocks.map(({ code }, i) => `beginBlock(${i});\n${code}`).join('\n');
  return `import { beginBlock, console } from './output.ts';\n${body}`
    .replaceAll("from 'inkwash/node'", `from '${source('node.ts')}'`)
    .replaceAll("from 'inkwash'", `from '${source('index.ts')}'`);
}

const OUTPUT = `export const printed: string[][] = [];
export const beginBlock = (block: number): void => {
  printed[block] = [];
};
export const console = { log: (line: string): void => void printed.at(-1)!.push(line) };
`;

test('every block of the page prints what stands below it', async () => {
  const blocks = blocksOf(page);
  expect(blocks.length).toBeGreaterThan(10);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}output.ts`, OUTPUT);
  writeFileSync(`${folder}page.ts`, moduleOf(blocks));
  await import(pathToFileURL(`${folder}page.ts`).href);
  const { printed } = (await import(pathToFileURL(`${folder}output.ts`).href)) as { printed: string[][] };
  blocks.forEach(({ prints, line }, i) => {
    expect(printed[i]!.join('\n'), `the block at line ${line}`).toBe(prints);
  });
});
