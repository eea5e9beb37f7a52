/**
 * Retrying after a lost race: read, change and write again a few times. For code that owns only a part of an object that
 * others write too.
 */
import { isConflict } from '../api/index.ts';
import type { Clock } from '../runtime/index.ts';

/**
 * Calls `attempt` until it does not reject with a Conflict, at most `attemptsMax` times (default 5), 10 ms apart.
 * `attempt` must read the object anew each time. The last Conflict is passed on.
 */
export async function retryOnConflict<Result>(
  clock: Clock,
  attempt: () => Promise<Result>,
  attemptsMax = 5,
): Promise<Result> {
  for (let left = attemptsMax; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error) || left <= 1) throw error;
      await clock.sleep(10);
    }
  }
}
