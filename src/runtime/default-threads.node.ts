/** @file How many threads a CPU session takes when nobody says. */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const TOPOLOGY = '/sys/devices/system/cpu';

/**
 * Physical cores, as far as the process may use them: arithmetic gains nothing from a core's second thread. ONNX Runtime's own
 * default is every core of the machine, in a container too, and pins its threads, which other threads on those cores then hold up.
 * `topology`: the folder in which Linux describes its processors.
 */
export function defaultThreads(topology = TOPOLOGY): number {
  return Math.max(1, Math.min(availableParallelism(), physicalCores(topology) ?? Number.POSITIVE_INFINITY));
}

function physicalCores(topology: string): number | undefined {
  try {
    const processors = readdirSync(topology).filter((name) => /^cpu\d+$/.test(name));
    // processors of one core list the same siblings
    const cores = processors.map((name) =>
      readFileSync(`${topology}/${name}/topology/thread_siblings_list`, 'utf8').trim(),
    );
    return cores.length > 0 ? new Set(cores).size : undefined;
  } catch {
    // another system, or processors that are switched off
    return undefined;
  }
}
