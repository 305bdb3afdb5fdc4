/** @file The rows of `metadata.jsonl` and `metadata.csv`; what is broken in them becomes sentences. */
import Papa from 'papaparse';
import { parsePythonJson } from '../formats/python-json.ts';
import { listed } from './listed.ts';

/** One row: values by column. */
export type MetadataRow = Readonly<Record<string, string>>;

/** What a file of rows holds. */
export interface MetadataRows {
  readonly columns: readonly string[];
  readonly rows: readonly MetadataRow[];
  /** What was ignored, and why. */
  readonly problems: readonly string[];
}

/** Reads the rows of a `.csv` file, or else of JSON Lines. */
export function parseMetadata(text: string, file: string): MetadataRows {
  return /\.csv$/i.test(file) ? parseCsv(text) : parseJsonLines(text);
}

const DELIMITERS = [',', ';', '\t', '|'];

/** Separated by what separates the names of the columns. A quote that goes wrong ends the file, since all after it may be text. */
function parseCsv(text: string): MetadataRows {
  const [names = ''] = text.split(/\r\n|\r|\n/, 1);
  const countIn = (delimiter: string): number => names.split(delimiter).length;
  const delimiter = DELIMITERS.reduce((best, one) => (countIn(one) > countIn(best) ? one : best));
  const { data, errors } = Papa.parse<string[]>(text, { delimiter });
  const problems: string[] = [];
  const quote = errors.find(({ type }) => type === 'Quotes');
  if (quote) {
    const line = lines(text.slice(0, quote.index));
    problems.push(
      `the quote opened in line ${line} is not closed before the next comma or line, so that row and all after it were ignored`,
    );
  }
  const columns = (data[0] ?? []).map((name) => name.trim());
  const rows: MetadataRow[] = [];
  const long: number[] = [];
  let line = 1;
  for (const [index, fields] of data.slice(0, quote?.row).entries()) {
    const at = line;
    line += fields.reduce((sum, field) => sum + lines(field) - 1, 1);
    if (index === 0 || (fields.length === 1 && fields[0] === '')) continue;
    if (fields.length > columns.length) long.push(at);
    else rows.push(Object.fromEntries(fields.map((field, i) => [columns[i]!, field])));
  }
  if (long.length > 0) {
    problems.push(
      `${atLines(long)} more fields than there are columns, ignored; a text with "${delimiter}" in it needs quotes`,
    );
  }
  return { columns, rows, problems };
}

/** Objects one a line, or one array of them; values other than text, numbers and truth are left out. */
function parseJsonLines(text: string): MetadataRows {
  const whole = text.trimStart().startsWith('[') ? parseJson(text) : undefined;
  const values: readonly unknown[] = Array.isArray(whole)
    ? whole
    : text.split('\n').map((line) => (line.trim() === '' ? {} : parseJson(line)));
  const rows: MetadataRow[] = [];
  const broken: number[] = [];
  for (const [index, value] of values.entries()) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) broken.push(index + 1);
    else if (Object.keys(value).length > 0) rows.push(scalarsOf(value));
  }
  const problems = broken.length > 0 ? [`${atLines(broken)} no JSON object of one row, ignored`] : [];
  return { columns: [...new Set(rows.flatMap((row) => Object.keys(row)))], rows, problems };
}

function scalarsOf(value: object): MetadataRow {
  const scalars = Object.entries(value).filter(([, field]) => ['string', 'number', 'boolean'].includes(typeof field));
  return Object.fromEntries(scalars.map(([name, field]) => [name, String(field)]));
}

/** Undefined for text that is no JSON. */
function parseJson(text: string): unknown {
  try {
    return parsePythonJson(text);
  } catch {
    return undefined;
  }
}

const lines = (text: string): number => text.split(/\r\n|\r|\n/).length;

/** `line 3 has`, `lines 3, 4, 9 and 12 more have`. */
function atLines(numbers: readonly number[]): string {
  return numbers.length === 1 ? `line ${numbers[0]} has` : `lines ${listed(numbers)} have`;
}
