/**
 * How many threads fit: beyond the kernel's limit on memory maps the process is not refused another thread, it is aborted. So
 * what does not fit is refused before it starts.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';

/** Maps that a small worker thread takes (45 measured; one for each 256 KiB of its heap), and those of the rest of the process. */
const mapsPerThread = 48;
const mapsReserved = 4_000;
/** Maps that stay free when threads are booted, for the heaps of those that run already. */
const mapsSpare = 2_000;
/** The kernel's default, where it does not tell. */
const mapsMaxDefault = 65_530;
/** Memory of an idle bundled thread, with some room to work. */
const bytesPerThread = 12 * 1024 * 1024;

export interface ThreadBudget {
  /** Threads that make sense by default: 32 a core, at least 64, at most 512, and never above `bound`. */
  readonly recommended: number;
  /** Threads that this machine can hold. */
  readonly bound: number;
  /** Where the bound comes from, for people. */
  readonly cause: string;
}

/** The budget of this machine. */
export function threadBudget(): ThreadBudget {
  const mapsMax = memoryMapsMax();
  const byMaps = Math.max(0, Math.floor((mapsMax - mapsReserved) / mapsPerThread));
  const memory = memoryBytes();
  const byMemory = Math.floor(memory / bytesPerThread);
  const bound = Math.min(byMaps, byMemory);
  const recommended = Math.min(Math.max(32 * availableParallelism(), 64), 512, bound);
  const cause =
    byMaps <= byMemory
      ? `vm.max_map_count is ${mapsMax}, and a thread takes about ${mapsPerThread} memory maps`
      : `${Math.floor(memory / 2 ** 30)} GiB of memory, and a thread takes about ${bytesPerThread / 2 ** 20} MiB`;
  return { recommended, bound, cause };
}

/** More threads than the machine can hold. The message names the bound, its cause and the way out. */
export class ThreadBudgetError extends Error {
  override readonly name = 'ThreadBudgetError';
}

/** @throws ThreadBudgetError when `wanted` threads in all are more than `bound`, by default that of this machine. */
export function checkThreads(wanted: number, bound?: number, cause?: string): void {
  if (bound === undefined) {
    const budget = threadBudget();
    checkThreads(wanted, budget.bound, budget.cause);
    return;
  }
  if (wanted <= bound) return;
  throw new ThreadBudgetError(
    `${wanted} worker threads were asked for, but the bound is ${bound} (${cause}); ` +
      "place more actors in shared threads (--threads shared, placement: 'shared'), or spread them over several processes",
  );
}

/**
 * The net below {@link checkThreads}: the process is about to run out of memory maps, whatever its threads were thought to need,
 * and would be aborted. Reading the table takes milliseconds, so call it once for many threads.
 *
 * @param threads How many are about to be booted before the next call.
 * @throws ThreadBudgetError
 */
export function checkMaps(threads: number): void {
  let used: number;
  try {
    used = readFileSync('/proc/self/maps', 'latin1').split('\n').length;
  } catch {
    return;
  }
  const mapsMax = memoryMapsMax();
  if (used + threads * mapsPerThread + mapsSpare <= mapsMax) return;
  throw new ThreadBudgetError(
    `no more worker threads can be started: the process uses ${used} memory maps, and the kernel aborts it beyond ` +
      `vm.max_map_count, ${mapsMax}; place more actors in shared threads (--threads shared, placement: 'shared'), spread them over several ` +
      'processes, or raise the limit with sysctl',
  );
}

function memoryMapsMax(): number {
  try {
    return Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8'));
  } catch {
    return process.platform === 'linux' ? mapsMaxDefault : Number.POSITIVE_INFINITY;
  }
}

/** What the process may use: the machine's memory, or less where a control group constrains it. */
function memoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem();
}
