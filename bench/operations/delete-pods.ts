/** deletePods: all pods of a namespace, at a rate when one is given. */
import { z } from 'zod';
import { pods } from '../../src/client/resources.ts';
import { createWidth, inParallel, intervalMs } from './parallel.ts';
import { defineOperation } from './types.ts';

export const deletePods = defineOperation({
  opcode: 'deletePods',
  schema: z.looseObject({
    namespace: z.string(),
    labelSelector: z.record(z.string(), z.string()).optional(),
    deletePodsPerSecond: z.number().optional(),
    skipWaitToCompletion: z.boolean().optional(),
  }),
  async run({ namespace, labelSelector = {}, deletePodsPerSecond, skipWaitToCompletion }, run) {
    const wanted = Object.entries(labelSelector);
    const doomed = [...run.tracker.pods(namespace)].filter((pod) =>
      wanted.every(([key, value]) => pod.labels[key] === value),
    );
    const remove = (name: string) => run.client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 });
    const all = async (signal?: AbortSignal) => {
      if (deletePodsPerSecond === undefined) {
        await inParallel(doomed.length, createWidth, async (index) => {
          await remove(doomed[index]?.name ?? '');
        });
        return;
      }
      for (const { name } of doomed) {
        if (signal?.aborted) return;
        await run.clock.sleep(intervalMs(deletePodsPerSecond));
        await remove(name);
      }
    };
    if (skipWaitToCompletion === true) {
      run.inBackground(all);
      return;
    }
    await all();
    await run.tracker.untilGone(doomed.map(({ uid }) => uid));
  },
});
