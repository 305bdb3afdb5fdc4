/**
 * @file What every fuzz beside an original implementation shares: configurations drawn from a seed, run on both sides, sorted.
 *
 * A fuzz is an object (see `Fuzz`) handed to `runFuzz`, and a Python file that ends in `serve(run)` of `serve.py`. To add
 * one: those two files (`scheduler-fuzz.ts` and `scheduler_fuzz.py` are an example), a list of its departures, and a line in
 * package.json. Nothing here knows what is compared.
 */
import { parseArgs } from 'node:util';
import { InkwashError } from '../../../src/tensor/index.ts';
import { Original, type OriginalAnswer } from './original.ts';
import { Random } from './random.ts';
import { isFault, printReport, type Sorted } from './report.ts';

/** How both sides differ though both ran. `cause` groups: the same words for the same kind; `detail`: numbers of one case. */
export interface Difference {
  readonly cause: string;
  readonly detail?: string;
  /** Index of the first part of the results that differs, where they have parts. */
  readonly part?: number;
}

/** What came of a configuration that the original runs to a finite end: what it gave, and ours, or why ours refused. */
export interface Found<Answer, Here> {
  readonly answer: Answer;
  readonly here?: Here | undefined;
  readonly refused?: InkwashError | undefined;
  readonly differs?: Difference | undefined;
}

/** A departure from the original that is meant, as a row of a document's table shows it. */
export interface Departure<Spec, Answer, Here> {
  readonly row: readonly [subject: string, original: string, here: string, why: string];
  /**
   * Whether this is it: as narrow as can be, and where possible by checking that all else agrees. Absent for departures
   * that no configuration of the fuzz can show.
   */
  readonly explains?: (spec: Spec, found: Found<Answer, Here>) => boolean;
}

/** What one fuzz is about. `Spec` and `Answer` are JSON. */
export interface Fuzz<Spec, Answer, Here> {
  /** Python file, beside this one. */
  readonly script: string;
  /** One configuration. */
  draw(random: Random): Spec;
  /** Row of the table it counts in. */
  group(spec: Spec): string;
  /** Whether the answer is something to compare with; otherwise the original counts as failing. */
  usable(answer: Answer): boolean;
  /** Runs `spec` here; throws an `InkwashError` where it is refused. */
  run(spec: Spec): Promise<Here>;
  /** Undefined where both agree. `again` asks the original about a changed spec. */
  compare(
    spec: Spec,
    here: Here,
    answer: Answer,
    again: (changed: Spec) => Promise<Answer | undefined>,
  ): Promise<Difference | undefined>;
  readonly departures: readonly Departure<Spec, Answer, Here>[];
}

/** A configuration, and the original's answer on its way. */
interface Asked<Spec, Answer> {
  readonly spec: Spec;
  readonly asked: Promise<OriginalAnswer<Answer>>;
}

async function sorted<Spec, Answer, Here>(
  fuzz: Fuzz<Spec, Answer, Here>,
  original: Original,
  { spec, asked }: Asked<Spec, Answer>,
): Promise<Sorted<Spec>> {
  const base = { spec, group: fuzz.group(spec) };
  let here: Here | undefined;
  let refused: InkwashError | undefined;
  try {
    here = await fuzz.run(spec);
  } catch (thrown) {
    if (!(thrown instanceof InkwashError)) {
      return { ...base, outcome: 'crashes here', cause: String(thrown), detail: (thrown as Error).stack };
    }
    refused = thrown;
  }
  const { value: answer, error } = await asked;
  if (answer === undefined || !fuzz.usable(answer)) {
    return { ...base, outcome: 'fails there', cause: error ?? 'its end is not finite' };
  }
  const differs =
    here === undefined
      ? undefined
      : await fuzz.compare(spec, here, answer, async (changed) => (await original.ask<Answer>(changed)).value);
  if (refused === undefined && differs === undefined) return { ...base, outcome: 'agrees', cause: '' };
  const departure = fuzz.departures.find(({ explains }) => explains?.(spec, { answer, here, refused, differs }));
  if (departure !== undefined) return { ...base, outcome: 'departs, listed', cause: departure.row[0] };
  if (refused !== undefined) return { ...base, outcome: 'refused here', cause: refused.message.split('\n')[0]! };
  return { ...base, outcome: 'differs', cause: differs!.cause, detail: differs!.detail };
}

function* specsOf<Spec, Answer, Here>(
  fuzz: Fuzz<Spec, Answer, Here>,
  { seed, count, only }: { readonly seed: number; readonly count: number; readonly only: string },
): Generator<Spec> {
  const random = new Random(seed);
  for (let left = count; left > 0; ) {
    const spec = fuzz.draw(random);
    if (!fuzz.group(spec).startsWith(only)) continue;
    left--;
    yield spec;
  }
}

/**
 * Runs a fuzz from the command line: `--seed 1 --count 2000`, `--only DDIM` (groups by the beginning of their name),
 * `--spec '{…}'` (one configuration), `--examples 3`, `--json` (a line for each that does not agree, as they come). Exit code 1 when something is neither equal nor listed.
 */
export async function runFuzz<Spec, Answer, Here>(
  fuzz: Fuzz<Spec, Answer, Here>,
  argv = process.argv.slice(2),
): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '2000' },
      only: { type: 'string', default: '' },
      spec: { type: 'string' },
      examples: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
    },
  });
  const [seed, count] = [Number(values.seed), Number(values.count)];
  const specs =
    values.spec === undefined ? specsOf(fuzz, { seed, count, only: values.only }) : [JSON.parse(values.spec) as Spec];
  const original = new Original(new URL(fuzz.script, import.meta.url));
  const all: Sorted<Spec>[] = [];
  // the original works on the next one while we are at this one
  const waiting: Asked<Spec, Answer>[] = [];
  const next = async () => {
    const item = await sorted(fuzz, original, waiting.shift()!);
    all.push(item);
    if (values.json && item.outcome !== 'agrees') console.log(JSON.stringify(item));
    if (process.stderr.isTTY) process.stderr.write(`${all.length} of ${count}\r`);
  };
  for (const spec of specs) {
    waiting.push({ spec, asked: original.ask<Answer>(spec) });
    if (waiting.length > 1) await next();
  }
  while (waiting.length > 0) await next();
  original.close();
  if (!values.json) printReport(all, Number(values.examples));
  const faults = all.filter(isFault).length;
  process.exitCode = faults > 0 ? 1 : 0;
}
