/** The heap of all threads while a stretch is measured, every half second, as upstream's harness samples its process. */
import { getHeapStatistics } from 'node:v8';
import type { ActorInspection } from '../src/runtime/index.ts';
import { type Distribution, distribution } from './collector.ts';

export interface HeapFigures extends Distribution {
  readonly max: number;
  /** Mebibytes a minute from the first to the last sample. */
  readonly growthPerMinute: number;
}

/** Mebibytes in use in all threads. */
export function heapMiB(rows: readonly ActorInspection[]): number {
  const byThread = new Map(rows.map(({ threadId, heapBytes }) => [threadId, heapBytes]));
  byThread.set(0, getHeapStatistics().used_heap_size);
  return [...byThread.values()].reduce((sum, bytes) => sum + bytes, 0) / 2 ** 20;
}

interface Sample {
  readonly atMs: number;
  readonly mebibytes: number;
}

export class HeapSampler {
  private readonly samples: Sample[] = [];

  constructor(private readonly now: () => number) {}

  add(rows: readonly ActorInspection[]): void {
    this.samples.push({ atMs: this.now(), mebibytes: heapMiB(rows) });
  }

  figures(): HeapFigures {
    const values = this.samples.map(({ mebibytes }) => mebibytes);
    const first = this.samples[0];
    const last = this.samples.at(-1);
    const minutes = ((last?.atMs ?? 0) - (first?.atMs ?? 0)) / 60_000;
    const growth = (last?.mebibytes ?? 0) - (first?.mebibytes ?? 0);
    return {
      ...distribution(values),
      max: Math.max(0, ...values),
      growthPerMinute: minutes > 0 ? growth / minutes : 0,
    };
  }
}
