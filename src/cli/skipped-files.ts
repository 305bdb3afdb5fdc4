/** @file Files that were skipped, as few lines: one for each reason, with its files. */
import type { SkippedFile } from '../data/index.ts';
import { listed } from '../data/listed.ts';

/** `3 files, a.heic, b.heic, c.heic: HEIC, …`, the most frequent reason first, with at most `most` names each. */
export function skippedByReason(skipped: readonly SkippedFile[], most = Number.POSITIVE_INFINITY): string[] {
  const groups = new Map<string, string[]>();
  for (const { file, reason } of skipped) {
    const group = groups.get(reason);
    if (group) group.push(file);
    else groups.set(reason, [file]);
  }
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([reason, files]) => {
      const count = files.length === 1 ? '' : `${files.length} files, `;
      return `${count}${listed(files, most)}: ${reason}`;
    });
}
