/** churn: objects that keep coming (`create`), or coming and going (`recreate`), beside what is measured. */
import { z } from 'zod';
import type { KubernetesObject } from '../../src/client/index.ts';
import { resourceOf } from '../kinds.ts';
import { defineOperation, type Run } from './types.ts';

/** One template's objects: made, and removed again by name. */
function churned(run: Run, path: string, namespace: string) {
  const place = (object: KubernetesObject): KubernetesObject =>
    resourceOf(object).namespaced ? { ...object, metadata: { ...object.metadata, namespace } } : object;
  return {
    async create(round: number): Promise<KubernetesObject> {
      const object = place(run.objects(path)(round, 0));
      return run.client.create(resourceOf(object), object);
    },
    async remove(object: KubernetesObject): Promise<void> {
      const resource = resourceOf(object);
      const key = { name: object.metadata?.name ?? '', namespace: resource.namespaced ? namespace : undefined };
      await run.client.delete(resource, key, { gracePeriodSeconds: 0 });
    },
  };
}

export const churn = defineOperation({
  opcode: 'churn',
  schema: z
    .looseObject({
      mode: z.enum(['create', 'recreate']),
      number: z.number().int().min(0).default(0),
      intervalMilliseconds: z.number().int().min(0).default(500),
      namespace: z.string().optional(),
      templatePaths: z.array(z.string()).min(1),
    })
    .refine(({ mode, number }) => mode === 'create' || number > 0, 'number cannot be 0 when mode is recreate'),
  async run({ mode, number, intervalMilliseconds, namespace: given, templatePaths }, run, index) {
    const namespace = given ?? `namespace-${index}`;
    await run.ensureNamespace(namespace);
    const kinds = templatePaths.map((path) => churned(run, path, namespace));
    run.inBackground(async (signal) => {
      // As upstream: in the mode recreate a place is filled in one round and emptied in the round `number` later.
      const slots: (KubernetesObject[] | undefined)[] = [];
      for (let round = 0; mode === 'recreate' || number === 0 || round < number; round++) {
        await run.clock.sleep(intervalMilliseconds || 500, { signal }).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
        if (signal.aborted) return;
        const slot = mode === 'recreate' ? round % number : 0;
        const before = mode === 'recreate' ? slots[slot] : undefined;
        if (before === undefined) {
          const made: KubernetesObject[] = [];
          for (const kind of kinds) made.push(await kind.create(round));
          slots[slot] = made;
        } else {
          for (const [at, kind] of kinds.entries()) await kind.remove(before[at]!);
          slots[slot] = undefined;
        }
      }
    });
  },
});
