/** @file The kind of file that `--out` asks for. */
import { extname } from 'node:path';
import { UsageError } from './usage-error.ts';

/** The extension of `out`, without the dot; undefined without `out`. Throws `UsageError` for one that is not in `kinds`. */
export function outKind(out: string | undefined, kinds: readonly string[]): string | undefined {
  if (out === undefined) return undefined;
  const kind = extname(String(out)).slice(1);
  if (kinds.includes(kind)) return kind;
  const names = kinds.map((name) => `.${name}`).join(' or ');
  throw new UsageError(`--out ${out} is no kind of file that is written here`, `end its name in ${names}`);
}
