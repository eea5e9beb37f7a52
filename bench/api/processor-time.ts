/** Who spent how much processor time: this thread, and the whole process of which the other threads are the server. */
import { readFileSync } from 'node:fs';

export interface ProcessorTime {
  /** Milliseconds of all threads but the calling one. */
  readonly othersMs: number;
  /** Milliseconds of the calling thread; 0 where the system does not tell, and `othersMs` is then of all threads. */
  readonly ownMs: number;
}

export function processorTime(): ProcessorTime {
  const ownMs = threadMs();
  const { user, system } = process.cpuUsage();
  return { othersMs: (user + system) / 1000 - ownMs, ownMs };
}

export function since(before: ProcessorTime): ProcessorTime {
  const now = processorTime();
  return { othersMs: now.othersMs - before.othersMs, ownMs: now.ownMs - before.ownMs };
}

function threadMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return 0;
  }
}
