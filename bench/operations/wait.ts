/** barrier and sleep. */
import { z } from 'zod';
import { durationMs } from './parallel.ts';
import { defineOperation } from './types.ts';

export const barrier = defineOperation({
  opcode: 'barrier',
  schema: z.looseObject({
    namespaces: z.array(z.string()).optional(),
    labelSelector: z.record(z.string(), z.string()).optional(),
    stageRequirement: z.enum(['Attempted', 'Scheduled']).default('Scheduled'),
  }),
  async run({ namespaces = [], labelSelector = {}, stageRequirement }, run) {
    const wanted = Object.entries(labelSelector);
    // What still has to get there; pods leave the set as they do, so that each change costs little.
    const waiting = new Set<string>();
    for (const pod of run.tracker.pods()) {
      const isMeant =
        (namespaces.length === 0 || namespaces.includes(pod.namespace)) &&
        wanted.every(([key, value]) => pod.labels[key] === value);
      if (isMeant) waiting.add(pod.uid);
    }
    await run.tracker.until(() => {
      for (const uid of waiting) {
        const pod = run.tracker.byUid.get(uid);
        const isThere = pod === undefined || (stageRequirement === 'Scheduled' ? pod.bound : pod.attempted);
        if (!isThere) return false;
        waiting.delete(uid);
      }
      return true;
    });
  },
});

export const sleep = defineOperation({
  opcode: 'sleep',
  schema: z.looseObject({ duration: z.string() }),
  run: ({ duration }, run) => run.clock.sleep(durationMs(duration)),
});
