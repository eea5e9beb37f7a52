/**
 * How long a Job waits before it replaces failed pods: ten seconds after the first failure, twice as long after each further one,
 * ten minutes at most; a success begins anew. Pure functions.
 *
 * @see kubernetes/pkg/controller/job/backoff_utils.go
 */
import type { Pod } from '../api/index.ts';
import { finishedMs, indexFailuresOf, type JobTally } from './job-pods.ts';

const firstMs = 10_000;
const mostMs = 600_000;

/** Failures in a row, and when the last one was. */
export interface JobFailures {
  readonly count: number;
  readonly lastMs: number;
}

const latest = (times: readonly number[]): number => times.reduce((last, ms) => Math.max(last, ms), 0);

/** The failures after what has finished since `known`. */
export function failuresAfter(known: JobFailures | undefined, counts: JobTally): JobFailures {
  const failedMs = counts.failed.map(finishedMs);
  if (counts.succeeded.length > 0) {
    const succeededMs = latest(counts.succeeded.map(finishedMs));
    const after = failedMs.filter((ms) => ms > succeededMs);
    return { count: after.length, lastMs: latest(after) };
  }
  const { count, lastMs } = known ?? { count: 0, lastMs: 0 };
  return failedMs.length === 0 ? { count, lastMs } : { count: count + failedMs.length, lastMs: latest(failedMs) };
}

/** Milliseconds that are left to wait. */
export function backOffMs({ count, lastMs }: JobFailures, nowMs: number): number {
  if (count === 0) return 0;
  const delayMs = Math.min(firstMs * 2 ** (count - 1), mostMs);
  return Math.max(0, Math.min(lastMs, nowMs) + delayMs - nowMs);
}

/** Each index has a back-off of its own, which its last failed pod tells. */
export function indexBackOffMs(last: Pod | undefined, nowMs: number): number {
  return last === undefined ? 0 : backOffMs({ count: indexFailuresOf(last) + 1, lastMs: finishedMs(last) }, nowMs);
}
