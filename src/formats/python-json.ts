/** @file JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` besides the numbers of the standard. */

/** Arrays and objects in one another at most; more is no file that a person or a program meant. */
const MAX_DEPTH = 1000;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const SPACE = /[ \t\r\n]*/y;
const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['null', null],
  ['true', true],
  ['false', false],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/**
 * Parses JSON as Python's `json` does: `NaN`, `Infinity` and `-Infinity` are numbers, a byte order mark is skipped.
 * Throws `SyntaxError` that says line, column and what was expected there.
 */
export function parsePythonJson(text: string): unknown {
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    return JSON.parse(body);
  } catch {
    // either Python's words are in it, or it is no JSON: the slow way finds out which, and where
    return new Reader(body).document();
  }
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) this.#fail('the end of the file');
    return value;
  }

  #value(depth: number): unknown {
    this.#space();
    if (depth > MAX_DEPTH) this.#fail(`at most ${MAX_DEPTH} levels`);
    const next = this.#text[this.#at];
    if (next === '{') return this.#object(depth);
    if (next === '[') return this.#array(depth);
    if (next === '"') return this.#string();
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    const number = this.#match(NUMBER);
    return number === undefined ? this.#fail('a value') : Number(number);
  }

  #object(depth: number): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    this.#items('}', () => {
      const key = this.#string();
      this.#space();
      if (!this.#take(':')) this.#fail("':'");
      entries.push([key, this.#value(depth + 1)]);
    });
    // own properties, whatever they are called
    return Object.fromEntries(entries);
  }

  #array(depth: number): unknown[] {
    const values: unknown[] = [];
    this.#items(']', () => values.push(this.#value(depth + 1)));
    return values;
  }

  /** What stands between brackets, separated by commas. */
  #items(close: string, item: () => void): void {
    this.#at++;
    this.#space();
    if (this.#take(close)) return;
    do {
      this.#space();
      item();
      this.#space();
    } while (this.#take(','));
    if (!this.#take(close)) this.#fail(`',' or '${close}'`);
  }

  #string(): string {
    const start = this.#at;
    const token = this.#match(STRING);
    if (token === undefined)
      this.#fail(this.#text[start] === '"' ? "the '\"' that ends this text" : 'a text in quotes');
    try {
      return JSON.parse(token) as string;
    } catch {
      this.#at = start;
      return this.#fail('a text without line breaks, its escapes those of JSON');
    }
  }

  #space(): void {
    this.#match(SPACE);
  }

  #take(character: string): boolean {
    const found = this.#text[this.#at] === character;
    if (found) this.#at++;
    return found;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #fail(expected: string): never {
    const before = this.#text.slice(0, this.#at).split('\n');
    const found = this.#at < this.#text.length ? `'${[...this.#text.slice(this.#at, this.#at + 2)][0]}'` : 'the end';
    throw new SyntaxError(
      `line ${before.length}, column ${before.at(-1)!.length + 1}: expected ${expected}, found ${found}`,
    );
  }
}

/** `value` as Python's `json.dumps(value, indent=indent)` writes it: two spaces by default, infinities by name. */
export function formatPythonJson(value: unknown, indent = 2): string {
  return format(value, indent, '\n');
}

function format(value: unknown, indent: number, line: string): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const inner = line + ' '.repeat(indent);
  const enclosed = ([open, close]: string, items: readonly string[]): string =>
    items.length === 0 ? `${open}${close}` : `${open}${inner}${items.join(`,${inner}`)}${line}${close}`;
  if (Array.isArray(value))
    return enclosed(
      '[]',
      value.map((one) => format(one, indent, inner)),
    );
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return enclosed(
    '{}',
    entries.map(([key, one]) => `${JSON.stringify(key)}: ${format(one, indent, inner)}`),
  );
}
