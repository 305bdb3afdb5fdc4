/**
 * @file What every fuzz beside an original implementation shares: configurations drawn from a seed, run on both sides, sorted.
 *
 * A fuzz is an object (see `Fuzz`) handed to `runFuzz`, and a Python file that ends in `serve(run)` of `serve.py`. To add
 * one: those two files (`scheduler-fuzz.ts` and `scheduler_fuzz.py` are an example), a list of its departures, and a line in
 * package.json. Nothing here knows what is compared.
 */
import { parseArgs } from 'node:util';
import { InkwashError } from '../../../src/tensor/index.ts';
import { Original } from './original.ts';
import { Random } from './random.ts';
import { printReport, type Sorted } from './report.ts';

/** How both sides differ though both ran. `cause` groups: the same words for the same kind; `detail`: numbers of one case. */
export interface Difference {
  readonly cause: string;
  readonly detail?: string;
}

/** What came of a configuration that the original runs to a finite end: what it gave, and ours, or why ours refused. */
export interface Found<Answer, Here> {
  readonly answer: Answer;
  readonly here?: Here | undefined;
  readonly refused?: InkwashError | undefined;
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

async function sorted<Spec, Answer, Here>(
  fuzz: Fuzz<Spec, Answer, Here>,
  original: Original,
  spec: Spec,
): Promise<Sorted<Spec>> {
  const base = { spec, group: fuzz.group(spec) };
  const { value: answer, error } = await original.ask<Answer>(spec);
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
  if (answer === undefined || !fuzz.usable(answer)) {
    return { ...base, outcome: 'fails there', cause: error ?? 'its end is not finite' };
  }
  const differs =
    here === undefined
      ? undefined
      : await fuzz.compare(spec, here, answer, async (changed) => (await original.ask<Answer>(changed)).value);
  if (refused === undefined && differs === undefined) return { ...base, outcome: 'agrees', cause: '' };
  const departure = fuzz.departures.find(({ explains }) => explains?.(spec, { answer, here, refused }));
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
 * `--spec '{…}'` (one configuration), `--examples 3`, `--json`. Exit code 1 when something is neither equal nor listed.
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
  for (const spec of specs) {
    all.push(await sorted(fuzz, original, spec));
    if (process.stderr.isTTY) process.stderr.write(`\r${all.length} of ${count}\r`);
  }
  original.close();
  const faults = printReport(all, { examples: Number(values.examples), json: values.json });
  process.exitCode = faults > 0 ? 1 : 0;
}
