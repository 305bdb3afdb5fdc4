/** @file Which process this is, in a way that another process can check later: machine, boot, process, start. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';

/** Checks a stored `ProcessIdentity`. */
export const processIdentitySchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** Of the machine's last start and of the container; empty where the system does not say. */
  system: z.string(),
  /** When the process started, in the system's own count; empty where the system does not say. */
  started: z.string(),
});

/** Tells a process from all others, also from a later one with its number. */
export type ProcessIdentity = z.output<typeof processIdentitySchema>;

/** The identity of this process. */
export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, host: hostname(), system: systemIdentity(), started: processStat(process.pid).started };
}

/** Whether the process still runs; `unknown` when it ran elsewhere, or the system cannot tell it from a later one. */
export function processState({ pid, host, system, started }: ProcessIdentity): 'alive' | 'dead' | 'unknown' {
  if (host !== hostname() || system !== systemIdentity()) return 'unknown';
  try {
    process.kill(pid, 0);
  } catch (error) {
    // a process of another user may not be signalled, but is there
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'dead';
  }
  const now = processStat(pid);
  if (now.ended) return 'dead';
  if (started === '' || now.started === '') return 'unknown';
  return now.started === started ? 'alive' : 'dead';
}

/** Linux: the id of this boot and of the namespace that numbers the processes. */
function systemIdentity(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

/** Linux: the start of a process in clock ticks since boot (field 22 of `stat`), and whether only its record is left. */
function processStat(pid: number): { readonly started: string; readonly ended: boolean } {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the name of the program, in brackets, may hold anything
    const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { started: fields[18] ?? '', ended: state === 'Z' || state === 'X' };
  } catch {
    return { started: '', ended: false };
  }
}
