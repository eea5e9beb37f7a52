/** createAny, createResourceClaims and updateAny: objects of any kind from templates; waitForPodGroups. */
import { z } from 'zod';
import type { KubernetesObject } from '../../src/client/index.ts';
import { podGroups, resourceOf } from '../kinds.ts';
import { createWidth, inParallel, intervalMs } from './parallel.ts';
import { defineOperation, templateParams } from './types.ts';

const schema = z.looseObject({
  namespace: z.string().optional(),
  count: z.number().int().min(0).default(1),
  templatePath: z.string(),
  templateParams,
  updatePerSecond: z.number().optional(),
  subresources: z.array(z.string()).optional(),
});

const place = (object: KubernetesObject, namespace: string | undefined): KubernetesObject =>
  resourceOf(object).namespaced && namespace !== undefined
    ? { ...object, metadata: { ...object.metadata, namespace } }
    : object;

export const createAny = defineOperation({
  opcode: 'createAny',
  schema,
  async run(operation, run) {
    const make = run.objects(operation.templatePath, operation.templateParams);
    if (operation.namespace !== undefined) await run.ensureNamespace(operation.namespace);
    await inParallel(operation.count, createWidth, async (index) => {
      const object = place(make(index, operation.count), operation.namespace);
      if (object.kind === 'Pod') await run.createPod(object);
      else await run.client.create(resourceOf(object), object);
    });
  },
});

/** createAny for pod groups, and the wait for them in one. */
export const createPodGroups = defineOperation({
  opcode: 'createPodGroups',
  schema: schema.extend({ namespace: z.string() }),
  async run(operation, run, index) {
    await createAny.run(operation, run, index);
    await waitForPodGroups.run(operation, run, index);
  },
});

/** Upstream's older way to create claims: createAny for one kind, in a namespace. */
export const createResourceClaims = defineOperation({
  opcode: 'createResourceClaims',
  schema: z.looseObject({ namespace: z.string(), count: z.number().int().min(0), templatePath: z.string() }),
  async run({ namespace, count, templatePath }, run) {
    const make = run.objects(templatePath);
    await run.ensureNamespace(namespace);
    await inParallel(count, createWidth, async (index) => {
      const claim = place(make(index, count), namespace);
      await run.client.create(resourceOf(claim), claim);
    });
  },
});

/** Pod groups are made by a controller out of workloads; pods come when they are there. */
export const waitForPodGroups = defineOperation({
  opcode: 'waitForPodGroups',
  schema: z.looseObject({ namespace: z.string(), count: z.number().int().min(0) }),
  async run({ namespace, count }, run) {
    for (;;) {
      const { items } = await run.client.list(podGroups, { namespace });
      if (items.length >= count) return;
      await run.clock.sleep(100);
    }
  },
});

export const updateAny = defineOperation({
  opcode: 'updateAny',
  schema,
  async run(operation, run) {
    const make = run.objects(operation.templatePath, operation.templateParams);
    const update = async (index: number) => {
      const object = place(make(index, operation.count), operation.namespace);
      const resource = resourceOf(object);
      if (operation.subresources?.length) {
        for (const subresource of operation.subresources) await run.client.update(resource, object, { subresource });
        return;
      }
      // As upstream: a status in the template is written through its subresource, the rest through the object.
      await run.client.update(resource, object);
      if ('status' in object) await run.client.update(resource, object, { subresource: 'status' });
    };
    if (operation.updatePerSecond === undefined) {
      await inParallel(operation.count, createWidth, update);
      return;
    }
    for (let index = 0; index < operation.count; index++) {
      await run.clock.sleep(intervalMs(operation.updatePerSecond));
      await update(index);
    }
  },
});
