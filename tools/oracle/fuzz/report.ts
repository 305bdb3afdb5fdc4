/** @file The table of a fuzz: outcomes by group, then the causes with examples. */

/** What can come of a configuration. The last three are faults. */
export const OUTCOMES = [
  'agrees',
  'departs, listed',
  'fails there',
  'differs',
  'refused here',
  'crashes here',
] as const;
export type Outcome = (typeof OUTCOMES)[number];
const FAULTS: readonly Outcome[] = ['differs', 'refused here', 'crashes here'];

/** One configuration, sorted. */
export interface Sorted<Spec> {
  readonly spec: Spec;
  readonly group: string;
  readonly outcome: Outcome;
  readonly cause: string;
  readonly detail?: string | undefined;
}

/** Whether something is neither equal nor listed. */
export function isFault<Spec>({ outcome }: Sorted<Spec>): boolean {
  return FAULTS.includes(outcome);
}

/** Prints the table, then the causes with `examples` of each fault. */
export function printReport<Spec>(sorted: readonly Sorted<Spec>[], examples: number): void {
  const groups = [...new Set(sorted.map(({ group }) => group))].sort();
  const width = Math.max(5, ...groups.map(({ length }) => length));
  const line = (name: string, of: readonly Sorted<Spec>[]) =>
    [name.padEnd(width), ...OUTCOMES.map((outcome) => cell(outcome, of))].join('  ');
  console.log([''.padEnd(width), ...OUTCOMES].join('  '));
  for (const group of groups) {
    console.log(
      line(
        group,
        sorted.filter((item) => item.group === group),
      ),
    );
  }
  console.log(line('all', sorted));
  for (const outcome of OUTCOMES.slice(1)) printCauses(outcome, sorted, examples);
}

function cell<Spec>(outcome: Outcome, of: readonly Sorted<Spec>[]): string {
  const count = of.filter((item) => item.outcome === outcome).length;
  return (count === 0 ? '·' : String(count)).padStart(outcome.length);
}

function printCauses<Spec>(outcome: Outcome, sorted: readonly Sorted<Spec>[], examples: number): void {
  const causes = new Map<string, Sorted<Spec>[]>();
  for (const item of sorted) {
    if (item.outcome !== outcome) continue;
    const key = FAULTS.includes(outcome) ? `${item.group}: ${item.cause}` : item.cause;
    causes.set(key, [...(causes.get(key) ?? []), item]);
  }
  if (causes.size === 0) return;
  console.log(`\n${outcome}`);
  for (const [cause, items] of [...causes].sort(([, a], [, b]) => b.length - a.length)) {
    console.log(`${String(items.length).padStart(5)}  ${cause}`);
    if (!FAULTS.includes(outcome)) continue;
    const shortest = items.sort((a, b) => JSON.stringify(a.spec).length - JSON.stringify(b.spec).length);
    for (const { spec, detail } of shortest.slice(0, examples)) {
      console.log(`         ${JSON.stringify(spec)}${detail === undefined ? '' : `\n           ${detail}`}`);
    }
  }
}
