/**
 * Who spent how much processor time: this thread, and the others of the process, which are the server. Each thread is asked by itself
 * where the system tells: the time of the process less that of one thread comes from two clocks, and of a few requests less than nothing is left.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface ProcessorTime {
  /** Milliseconds of all threads but the calling one. */
  readonly othersMs: number;
  /** Milliseconds of the calling thread; 0 where the system does not tell, and `othersMs` is then of all threads. */
  readonly ownMs: number;
}

export function processorTime(): ProcessorTime {
  const own = ownThread();
  if (own === undefined) {
    const { user, system } = process.cpuUsage();
    return { othersMs: (user + system) / 1000, ownMs: 0 };
  }
  let othersMs = 0;
  for (const thread of readdirSync('/proc/self/task')) if (thread !== own) othersMs += threadMs(thread);
  return { othersMs, ownMs: threadMs(own) };
}

export function since(before: ProcessorTime): ProcessorTime {
  const now = processorTime();
  return { othersMs: now.othersMs - before.othersMs, ownMs: now.ownMs - before.ownMs };
}

/** The number of the calling thread; undefined where the system does not tell. */
function ownThread(): string | undefined {
  try {
    return readlinkSync('/proc/thread-self').split('/').at(-1);
  } catch {
    return undefined;
  }
}

/** 0 for a thread that has just ended. */
function threadMs(thread: string): number {
  try {
    return Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return 0;
  }
}
