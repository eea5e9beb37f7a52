/**
 * Drives a virtual clock for a system whose actors are all inline: time moves only when nothing is queued and every promise
 * has settled, one timer at a time, and only while somebody asked for it (`advance`, `settled`, or a start or stop under way).
 */
import type { ActorHost } from './actor-host.ts';
import { afterRealTime, type VirtualClock } from './clock.ts';

/** What a request for time wants next: a step of time, nothing but patience, or nothing any more. */
type Wish = 'step' | 'wait' | 'done';

/** Looks at the event loop before time is moved past a call that nobody answers: the answer may depend on it. */
const patiencePolls = 100;
const pollMs = 1;

export class VirtualTime {
  private readonly clock: VirtualClock;
  private readonly host: ActorHost;
  private readonly requests: { readonly wish: () => Wish; readonly done: () => void }[] = [];
  private polls = 0;
  private pendingCalls = 0;

  constructor(clock: VirtualClock, host: ActorHost) {
    this.clock = clock;
    this.host = host;
    host.onIdle = () => this.step();
  }

  /** Moves time by `delayMs`, firing everything that is due in it, in order. */
  advance(delayMs: number): Promise<void> {
    const end = this.clock.monotonic() + delayMs;
    return this.request(() => {
      const next = this.clock.nextDelay();
      if (next !== undefined && this.clock.monotonic() + next <= end) return 'step';
      this.clock.moveBy(end - this.clock.monotonic());
      return 'done';
    });
  }

  /** Moves time until nothing is left to do; `busy` says what the caller knows to be under way. */
  settled(busy: () => boolean): Promise<void> {
    return this.request(() => {
      if (this.clock.foreground > 0) return 'step';
      if (this.host.pendingCalls > 0) return this.patient();
      return this.host.busy || busy() ? 'wait' : 'done';
    });
  }

  /** Moves time as far as it takes until `work` is done; gives back its outcome. */
  async drive<Result>(work: Promise<Result>): Promise<Result> {
    let over = false;
    const watched = work.finally(() => {
      over = true;
      this.host.wake();
    });
    watched.catch(() => {});
    await this.request(() => {
      if (over) return 'done';
      if (this.clock.foreground > 0) return 'step';
      return this.host.pendingCalls > 0 ? this.patient() : 'wait';
    });
    return watched;
  }

  private request(wish: () => Wish): Promise<void> {
    return new Promise((resolve) => {
      this.requests.push({ wish, done: resolve });
      this.host.wake();
    });
  }

  /** Nothing but timers in the background can help; those are due only when the event loop has brought nothing for a while. */
  private patient(): Wish {
    const { pendingCalls } = this.host;
    if (pendingCalls !== this.pendingCalls) {
      this.pendingCalls = pendingCalls;
      this.polls = 0;
    }
    return this.polls >= patiencePolls && this.clock.nextDelay() !== undefined ? 'step' : 'wait';
  }

  private step(): boolean {
    const request = this.requests[0];
    if (request === undefined) return false;
    const wish = this.host.outside > 0 ? 'wait' : request.wish();
    if (wish === 'wait') {
      this.polls++;
      afterRealTime(pollMs, () => this.host.wake());
      return false;
    }
    if (wish === 'step') this.clock.fireNext();
    else {
      this.requests.shift();
      this.polls = 0;
      request.done();
    }
    return true;
  }
}
