/** churn: objects that keep coming (`create`), or coming and going (`recreate`), beside what is measured. */
import { z } from 'zod';
import type { KubernetesObject } from '../../src/client/index.ts';
import { resourceOf, served } from './create-any.ts';
import { defineOperation, type Run } from './types.ts';

const namespace = 'churn';

const place = (given: KubernetesObject): KubernetesObject => {
  const object = served(given);
  return resourceOf(object).namespaced ? { ...object, metadata: { ...object.metadata, namespace } } : object;
};

async function createRound(run: Run, paths: readonly string[], round: number): Promise<KubernetesObject[]> {
  const made: KubernetesObject[] = [];
  for (const path of paths) {
    const object = place(run.objects(path)(round, 0));
    made.push(await run.client.create(resourceOf(object), object));
  }
  return made;
}

export const churn = defineOperation({
  opcode: 'churn',
  schema: z.looseObject({
    mode: z.enum(['create', 'recreate']),
    number: z.number().int().min(0).default(0),
    intervalMilliseconds: z.number().int().min(1).default(500),
    templatePaths: z.array(z.string()),
  }),
  async run({ mode, number, intervalMilliseconds, templatePaths }, run) {
    await run.ensureNamespace(namespace);
    run.inBackground(async (signal) => {
      const rounds: KubernetesObject[][] = [];
      for (let round = 0; !signal.aborted && (mode === 'recreate' || number === 0 || round < number); round++) {
        rounds.push(await createRound(run, templatePaths, round));
        if (mode === 'recreate' && rounds.length > Math.max(1, number)) {
          for (const object of rounds.shift() ?? []) {
            const { name = '' } = object.metadata ?? {};
            const resource = resourceOf(object);
            await run.client.delete(
              resource,
              { name, namespace: resource.namespaced ? namespace : undefined },
              { gracePeriodSeconds: 0 },
            );
          }
        }
        await run.clock.sleep(intervalMilliseconds, { signal }).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
      }
    });
  },
});
