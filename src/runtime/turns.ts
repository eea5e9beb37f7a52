/**
 * The queue of a host: envelopes between actors of the same host, and callbacks that wait for their turn. One entry is
 * delivered at a time, and all promises settle before the next one, so that with a virtual clock and a seed the order of
 * everything is the same in every run. Delivery is never re-entrant.
 *
 * How the promises are drained: each entry runs in a `process.nextTick` callback that was asked for from a microtask. Node
 * empties the microtask queue before it runs ticks again, so the next entry waits for every promise of the one before.
 */
import { onNextTurn } from './clock.ts';
import type { Envelope } from './envelope.ts';

export type Task = () => void;

/** After this many entries the event loop gets its turn, so that sockets and timers are not starved. */
const entriesPerTurn = 256;

export interface TurnsOptions {
  deliver(message: Envelope): void;
  /** Called when a turn ends: links send what was gathered. */
  flush(): void;
  /** Called when the queue is empty and all promises settled; true when it did something (such as moving virtual time). */
  idle(): boolean;
}

export class Turns {
  private readonly options: TurnsOptions;
  private entries: (Envelope | Task)[] = [];
  private head = 0;
  /** Tasks that wait until the event loop has come round. */
  private later: Task[] = [];
  private scheduled = false;
  private left = 0;

  constructor(options: TurnsOptions) {
    this.options = options;
  }

  /** Entries that wait. */
  get length(): number {
    return this.entries.length - this.head + this.later.length;
  }

  push(entry: Envelope | Task): void {
    this.entries.push(entry);
    this.wake();
  }

  /** For the next turn of the event loop: what is pushed in this one is delivered before, and sockets are looked at. */
  pushAfterInput(task: Task): void {
    this.later.push(task);
    this.wake();
  }

  /** Makes sure that a turn comes: for what is to be flushed, or for a change that `idle` is to look at. */
  wake(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    onNextTurn(this.begin);
  }

  private readonly begin = (): void => {
    this.left = entriesPerTurn;
    if (this.later.length > 0) {
      for (const task of this.later) this.entries.push(task);
      this.later = [];
    }
    this.step();
  };

  private readonly step = (): void => {
    try {
      if (this.length === 0 && !this.options.idle() && this.length === 0) {
        this.scheduled = false;
        this.options.flush();
        return;
      }
      // What is left is for the next turn.
      if (this.head === this.entries.length && this.later.length > 0) this.left = 0;
      else this.deliverNext();
    } finally {
      if (this.scheduled) {
        if (--this.left > 0) queueMicrotask(this.again);
        else {
          this.options.flush();
          onNextTurn(this.begin);
        }
      }
    }
  };

  private readonly again = (): void => {
    process.nextTick(this.step);
  };

  private deliverNext(): void {
    if (this.head === this.entries.length) return;
    const entry = this.entries[this.head]!;
    if (++this.head === this.entries.length) {
      this.entries.length = 0;
      this.head = 0;
    } else if (this.head > 4096 && this.head * 2 > this.entries.length) {
      this.entries.splice(0, this.head);
      this.head = 0;
    }
    if (typeof entry === 'function') entry();
    else this.options.deliver(entry);
  }
}
