/**
 * Compaction in two parts. The *policy* decides by itself when history is old or long enough to go; the *sweep* drops what nobody
 * can read any more, a bounded piece at a time, so that no transaction waits long for it.
 * @see upstream `staging/src/k8s.io/apiserver/pkg/storage/etcd3/compact.go`
 */
import type { Clock, Timer } from '../runtime/index.ts';
import type { History } from './history.ts';
import type { KeyIndex } from './key-index.ts';
import type { LogRecord } from './record.ts';

/** So many records are swept in one go. */
const sweepRecordsMax = 1000;

/** When history goes by itself. */
export interface CompactionPolicy {
  /**
   * Every so often, what is older than one such interval goes: history reaches between one and two intervals back.
   * Default 300 000 ms, as kube-apiserver's `--etcd-compaction-interval`; 0 turns this off.
   */
  readonly intervalMs?: number;
  /** More changes than this are never kept for long: the oldest go. Default 500 000; 0 turns this off. */
  readonly recordsMax?: number;
  /** More bytes of values than this in history (live keys not counted apart) are not kept either. Default 512 MiB; 0 turns this off. */
  readonly bytesMax?: number;
}

/** What the policy decides by, and how it acts. */
export interface CompactionTarget {
  readonly clock: Clock;
  readonly history: History;
  /** Bytes of everything kept beyond what is live. */
  historyBytes(): number;
  committedRevision(): number;
  compactRevision(): number;
  /** Whether the last compaction is still being swept up. */
  isSweeping(): boolean;
  /** Compacts to `revision`, which is above the compact revision and at most the committed one. */
  compact(revision: number): void;
}

/** Starts compacting by age; {@link AutoCompaction.afterCommit} does it by size. */
export class AutoCompaction {
  readonly #target: CompactionTarget;
  readonly #recordsMax: number;
  readonly #bytesMax: number;
  readonly #timer: Timer | undefined;
  #revisionLastTime: number;

  constructor(target: CompactionTarget, policy: Required<CompactionPolicy>) {
    this.#target = target;
    this.#recordsMax = policy.recordsMax || Number.POSITIVE_INFINITY;
    this.#bytesMax = policy.bytesMax || Number.POSITIVE_INFINITY;
    this.#revisionLastTime = target.committedRevision();
    const { intervalMs } = policy;
    this.#timer =
      intervalMs > 0 ? target.clock.every(intervalMs, () => this.#byAge(), { background: true }) : undefined;
  }

  /** Compacts when history has outgrown its bounds: to three quarters of them, so that it does not happen at each commit. */
  afterCommit(): void {
    const { history } = this.#target;
    const isLong = history.length > this.#recordsMax;
    const isBig = this.#target.historyBytes() > this.#bytesMax;
    if ((!isLong && !isBig) || this.#target.isSweeping()) return;
    const kept = Math.floor(Math.min(history.length, this.#recordsMax) * 0.75);
    this.#compactTo(history.get(history.length - kept - 1)?.revision ?? 0);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #byAge(): void {
    const revision = this.#revisionLastTime;
    this.#revisionLastTime = this.#target.committedRevision();
    this.#compactTo(revision);
  }

  #compactTo(revision: number): void {
    const target = Math.min(revision, this.#target.committedRevision());
    if (target > this.#target.compactRevision()) this.#target.compact(target);
  }
}

/** What the sweep works on. */
export interface SweepTarget {
  readonly clock: Clock;
  readonly history: History;
  readonly index: KeyIndex;
  /** Takes records that were dropped from the index, to drop them from the log. */
  dropped(records: readonly LogRecord[]): void;
}

/** Drops unreadable records up to the compact revision, piece by piece. */
export class Sweep {
  readonly #target: SweepTarget;
  #revision = 0;
  #sweptRevision = 0;
  #isScheduled = false;
  #pauses = 0;
  #waiting: (() => void)[] = [];

  constructor(target: SweepTarget) {
    this.#target = target;
  }

  /** Whether everything up to the compact revision is swept. */
  get isIdle(): boolean {
    return this.#sweptRevision >= this.#revision;
  }

  /** Sweeps up to `revision`, from the next turn on. */
  start(revision: number): void {
    this.#revision = revision;
    this.#schedule();
  }

  /** Nothing is dropped until the function that this returns is called: for a reader of everything. */
  pause(): () => void {
    this.#pauses++;
    return () => {
      this.#pauses--;
      this.#schedule();
    };
  }

  /** Resolves when everything is swept. */
  finished(): Promise<void> {
    return this.isIdle ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Ends sweeping; those who wait for it are told, and find the store closed. */
  stop(): void {
    this.#pauses = Number.POSITIVE_INFINITY;
    this.#release();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#pauses > 0) return;
    if (this.isIdle) {
      this.#release();
      return;
    }
    this.#isScheduled = true;
    this.#target.clock.afterInput(() => {
      this.#isScheduled = false;
      if (this.#pauses === 0) this.#sweepPiece();
      this.#schedule();
    });
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #sweepPiece(): void {
    const { history, index } = this.#target;
    const dropped: LogRecord[] = [];
    const sweep = (record: LogRecord): void => {
      for (const each of index.compact(record.key, this.#revision)) dropped.push(each);
    };
    let count = 0;
    let record = history.get(0);
    for (; record !== undefined && record.revision < this.#revision && count < sweepRecordsMax; ) {
      sweep(record);
      record = history.get(++count);
    }
    history.dropFirst(count);
    if (record === undefined || record.revision >= this.#revision) {
      // The changes of the compact revision itself stay readable; what they replaced does not.
      for (let at = 0; record !== undefined && record.revision === this.#revision; record = history.get(++at))
        sweep(record);
      this.#sweptRevision = this.#revision;
    }
    if (dropped.length > 0) this.#target.dropped(dropped);
  }
}
