/**
 * Doing many equal things without flooding: a first one alone, then batches of doubled size as long as all succeed. When
 * the first pod of a ReplicaSet is refused (a quota), the other thousand are not tried.
 */

/** What came of a run: how many succeeded, and the first failure. */
export interface BatchOutcome {
  readonly succeeded: number;
  readonly failure: unknown;
}

/**
 * Calls `act` up to `count` times, with 0, 1, 2, …, in batches of `initial`, 2×, 4×, … up to `most`; a batch runs at once, and the
 * first batch with a failure is the last. Never rejects.
 */
export async function slowStart(
  count: number,
  initial: number,
  act: (index: number) => Promise<void>,
  most = Infinity,
): Promise<BatchOutcome> {
  let succeeded = 0;
  let size = Math.min(count, initial);
  while (size > 0) {
    const first = succeeded;
    const results = await Promise.allSettled(Array.from({ length: size }, (_, at) => act(first + at)));
    const failed = results.filter((result) => result.status === 'rejected');
    succeeded += size - failed.length;
    if (failed[0] !== undefined) return { succeeded, failure: failed[0].reason };
    size = Math.min(2 * size, count - succeeded, most);
  }
  return { succeeded, failure: undefined };
}
