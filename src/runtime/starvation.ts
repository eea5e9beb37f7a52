/**
 * Tells a thread that loops from one that waits for a processor. With a thousand threads on a few cores a healthy thread may
 * be silent for long; Linux says how much processor time it has had since. Elsewhere every silence counts as a loop.
 */
import { readFileSync, readlinkSync } from 'node:fs';

/** A silent thread that had less than this share of the time was starved... */
const shareMin = 0.3;
/** ...but after so many times the allowed silence it is ended all the same: it may be blocked for ever. */
const patience = 10;
/** Linux counts in hundredths of a second here. */
const tickMs = 10;

/** Where Linux tells how much processor time the calling thread has had; undefined elsewhere. */
export function processorTimePath(): string | undefined {
  try {
    return `/proc/${readlinkSync('/proc/thread-self')}/stat`;
  } catch {
    return undefined;
  }
}

export class StarvationProbe {
  private readonly path: string;
  private markedMs: number | undefined;

  /** @param path What {@link processorTimePath} gave in the thread. */
  constructor(path: string) {
    this.path = path;
  }

  /** Remembers how much processor time the thread has had by now. */
  mark(): void {
    this.markedMs = this.usedMs();
  }

  /** Whether the thread was silent for lack of processor time since the mark, `silentMs` ago. */
  starved(silentMs: number, missedMs: number): boolean {
    const usedMs = this.usedMs();
    if (silentMs > missedMs * patience || usedMs === undefined || this.markedMs === undefined) return false;
    return usedMs - this.markedMs < silentMs * shareMin;
  }

  private usedMs(): number | undefined {
    try {
      const text = readFileSync(this.path, 'latin1');
      // After the name in parentheses, which may hold anything, user and system time are the 12th and 13th fields.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * tickMs;
    } catch {
      return undefined;
    }
  }
}
