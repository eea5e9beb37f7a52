/** createAny, createResourceClaims and updateAny: objects of any kind from templates; waitForPodGroups. */
import { z } from 'zod';
import type { KubernetesObject, Resource } from '../../src/client/index.ts';
import * as resources from '../../src/client/resources.ts';
import { BenchConfigError } from '../config.ts';
import { createWidth, inParallel, intervalMs } from './parallel.ts';
import { defineOperation, templateParams } from './types.ts';

const byKind = new Map<string, Resource>(
  Object.values(resources)
    .filter((value): value is Resource<never> => typeof value === 'object')
    .map((resource) => [[resource.group, resource.version, resource.kind].filter(Boolean).join('/'), resource]),
);

/** Versions that other releases serve, with objects of the same shape. */
const sameShape: Readonly<Record<string, string>> = { 'resource.k8s.io/v1beta2': 'resource.k8s.io/v1' };

/** The object in the version that is served. */
export function served<Object extends { apiVersion?: string | undefined }>(object: Object): Object {
  const version = sameShape[object.apiVersion ?? ''];
  return version === undefined ? object : { ...object, apiVersion: version };
}

export function isServed(object: { apiVersion?: string | undefined; kind?: string | undefined }): boolean {
  const { apiVersion, kind } = served(object);
  return byKind.has(`${apiVersion}/${kind}`);
}

/** The resource of an object by its apiVersion and kind. @throws BenchConfigError for a kind that is not served */
export function resourceOf(object: KubernetesObject) {
  const resource = byKind.get(`${object.apiVersion}/${object.kind}`);
  if (resource === undefined) throw new BenchConfigError(`no kind ${object.kind} in ${object.apiVersion} is served`);
  return resource;
}

const schema = z.looseObject({
  namespace: z.string().optional(),
  count: z.number().int().min(0).default(1),
  templatePath: z.string(),
  templateParams,
  updatePerSecond: z.number().optional(),
  subresources: z.array(z.string()).optional(),
});

const place = (given: KubernetesObject, namespace: string | undefined): KubernetesObject => {
  const object = served(given);
  return resourceOf(object).namespaced && namespace !== undefined
    ? { ...object, metadata: { ...object.metadata, namespace } }
    : object;
};

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
    const groups = [...byKind.values()].find(({ kind }) => kind === 'PodGroup');
    if (groups === undefined) throw new BenchConfigError('waitForPodGroups: no kind PodGroup is served');
    for (;;) {
      const { items } = await run.client.list(groups, { namespace });
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
