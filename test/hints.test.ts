import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as inkwash from '../src/node.ts';

const SRC = 'src';

/** Files without tests, as room/file → text without comments. */
const files = new Map(
  readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name))
    .map((name) => [name, withoutComments(readFileSync(join(SRC, name), 'utf8'))] as const),
);
/** What is the command line, or a page that shows it. */
const inCli = (name: string): boolean => name.startsWith('cli') || name.startsWith(join('evaluation', 'pages'));

function withoutComments(text: string): string {
  return text.replaceAll(/^\s*(\/\*\*.*?\*\/|\/\/.*)$/gms, '');
}

/** The expressions that follow `key:` in a file, up to the end of their text. */
function hintsOf(text: string, key: 'api' | 'cli'): string[] {
  const value = /\s*((?:\S+ (?:===|!==) \S+ \? )?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`))/y;
  return [...text.matchAll(new RegExp(`\\b${key}:`, 'g'))].flatMap((match) => {
    value.lastIndex = match.index + match[0].length;
    const found = value.exec(text)?.[1];
    return found === undefined ? [] : [found];
  });
}

const kebab = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Flags by verb, read from the declarations. */
const declared = new Map(
  [...files].flatMap(([name, text]) => {
    if (!inCli(name)) return [];
    const body = /(?:const flags|[A-Z]+_FLAGS|COMMON) = \{\n([\s\S]*?)\n\} satisfies Flags/.exec(text)?.[1] ?? '';
    return [[name, [...body.matchAll(/^ {2}(\w+):/gm)].map(([, key]) => kebab(key!))] as const];
  }),
);
const everyFlag = new Set([...declared.values()].flat());
const verbs = [...files].flatMap(([name, text]) =>
  inCli(name) ? [...text.matchAll(/defineVerb\(\{\s*name: '(\w+)'/g)].map(([, verb]) => verb!) : [],
);
const flagsIn = (text: string): string[] => [...text.matchAll(/--([a-z][a-z-]*)/g)].map(([, flag]) => flag!);
const verbsIn = (text: string): string[] =>
  [...text.matchAll(/\binkwash ([a-z]+)\b(?= [-$<]| [a-z]+\/)/g)].map(([, verb]) => verb!);

test('the declarations of flags are found', () => {
  expect([...everyFlag]).toEqual(
    expect.arrayContaining(['resume', 'scheduler', 'ignore-extra', 'threads', 'size', 'json']),
  );
  expect(verbs).toEqual(expect.arrayContaining(['train', 'sample', 'export', 'inspect', 'explain', 'solvers']));
});

test('a remedy for the command line names flags and verbs that exist', () => {
  for (const [name, text] of files) {
    for (const hint of hintsOf(text, 'cli')) {
      for (const flag of flagsIn(hint)) expect([...everyFlag], `${name}: ${hint}`).toContain(flag);
      for (const verb of verbsIn(hint)) expect(verbs, `${name}: ${hint}`).toContain(verb);
    }
  }
});

test('only remedies for the command line name flags, outside of the command line', () => {
  const told = [...files].flatMap(([name, text]) => {
    if (inCli(name)) return [];
    const rest = hintsOf(text, 'cli').reduce((left, hint) => left.replace(hint, ''), text);
    const named = rest.matchAll(
      /['"`\s]--[a-z]+[a-z-]*(?=[\s'"`,;]|$)|\binkwash (?:train|sample|export|solvers) [^'"`]*/gm,
    );
    return [...named].map(([part]) => `${name}: ${part.trim()}`);
  });
  expect(told).toEqual([]);
});

test('remedies that call functions are for programs alone, and the functions exist', () => {
  const rooms = /^(formats|models|nn|diffusion|data|training|evaluation|pipelines)\//;
  for (const [name, text] of files) {
    for (const hint of hintsOf(text, 'api')) {
      for (const [, called] of hint.matchAll(/(?<![.\w])(\w+)\((?!\w*:)/g)) {
        if (called === 'forward') continue;
        expect(Object.keys(inkwash), `${name}: ${hint}`).toContain(called);
      }
    }
    if (!rooms.test(name)) continue;
    // the second argument of an error, where it is one text
    const plain = /new \w+Error\(\s*(?:'[^']*'|"[^"]*"|`[^`]*`),\s*('[^']*'|"[^"]*"|`[^`]*`)/g;
    const calls = [...text.matchAll(plain)].filter(([, hint]) =>
      /(?<![.$]\{?)\b[a-z]+[A-Z]?\w*\([\w{'[]/.test(hint!.replaceAll(/\$\{[^}]*\}/g, '')),
    );
    expect(calls.map(([, hint]) => `${name}: ${hint}`).filter((one) => !one.includes('save_pretrained'))).toEqual([]);
  }
});
