/** createPods: pods through the API server, waited for until the scheduler has bound them. */
import { z } from 'zod';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../src/api/index.ts';
import { persistentVolumeClaims, persistentVolumes, pods } from '../../src/client/resources.ts';
import { BenchConfigError } from '../config.ts';
import type { MakeObject } from '../objects.ts';
import { createWidth, durationMs, inParallel } from './parallel.ts';
import { defineOperation, type Run, templateParams } from './types.ts';

const schema = z.looseObject({
  count: z.number().int().min(0),
  namespace: z.string().optional(),
  podTemplatePath: z.string().optional(),
  templateParams,
  persistentVolumeTemplatePath: z.string().optional(),
  persistentVolumeClaimTemplatePath: z.string().optional(),
  collectMetrics: z.boolean().optional(),
  skipWaitToCompletion: z.boolean().optional(),
  steadyState: z.boolean().optional(),
  duration: z.string().optional(),
  /** So many pods in a row are alike for the scheduler; the next ones differ from them in a label. */
  signatureBatchSize: z.number().int().min(0).optional(),
});
type CreatePods = z.infer<typeof schema>;

/** Upstream's pod when neither the operation nor the case names a template. */
const defaultPod: MakeObject = () =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'pod-' },
    spec: { containers: [{ name: 'pause', image: 'registry.k8s.io/pause:3.10.1' }] },
  }) as Pod;

const inNamespace = (object: Pod, namespace: string): Pod => ({
  ...object,
  metadata: { ...object.metadata, namespace },
});

function withSignature(pod: Pod, index: number, size: number): Pod {
  const labels = { ...pod.metadata?.labels, signature: `signature-label-${Math.floor(index / size)}` };
  return { ...pod, metadata: { ...pod.metadata, labels } };
}

async function createClaim(run: Run, operation: CreatePods, namespace: string, index: number): Promise<string> {
  const { persistentVolumeTemplatePath: volumePath = '', persistentVolumeClaimTemplatePath: claimPath = '' } =
    operation;
  const claim = run.objects(claimPath)(index, operation.count) as PersistentVolumeClaim;
  const volume = run.objects(volumePath)(index, operation.count) as PersistentVolume;
  // As upstream's harness names them: other pods of a workload refer to the claims by number.
  const claimName = `pvc-${index}`;
  const volumeName = `${namespace}-pv-${index}`;
  const source = volume.spec?.csi === undefined ? {} : { csi: { ...volume.spec.csi, volumeHandle: volumeName } };
  const disk = volume.spec?.awsElasticBlockStore;
  await run.client.create(persistentVolumes, {
    ...volume,
    metadata: { ...volume.metadata, name: volumeName },
    spec: {
      ...volume.spec,
      ...source,
      ...(disk === undefined ? {} : { awsElasticBlockStore: { ...disk, volumeID: volumeName } }),
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: claimName },
    },
  });
  await run.client.create(persistentVolumeClaims, {
    ...claim,
    metadata: {
      ...claim.metadata,
      namespace,
      name: claimName,
      annotations: { 'pv.kubernetes.io/bind-completed': 'true' },
    },
    spec: { ...claim.spec, volumeName },
  });
  // As upstream's harness, which stands in for the volume binder: both sides are bound before the pod comes.
  await run.client.patch(
    persistentVolumeClaims,
    { namespace, name: claimName },
    'merge',
    { status: { phase: 'Bound' } },
    { subresource: 'status' },
  );
  await run.client.patch(
    persistentVolumes,
    { name: volumeName },
    'merge',
    { status: { phase: 'Bound' } },
    { subresource: 'status' },
  );
  return claimName;
}

async function createAll(run: Run, operation: CreatePods, namespace: string): Promise<void> {
  const path = operation.podTemplatePath ?? run.defaultPodTemplatePath;
  const make = path === undefined ? defaultPod : run.objects(path, operation.templateParams);
  const { signatureBatchSize: alike = 0 } = operation;
  const withVolumes = operation.persistentVolumeTemplatePath !== undefined;
  await inParallel(operation.count, createWidth, async (index) => {
    const pod = inNamespace(make(index, operation.count) as Pod, namespace);
    if (withVolumes) {
      const claimName = await createClaim(run, operation, namespace, index);
      pod.spec = { ...pod.spec, volumes: [{ name: 'vol', persistentVolumeClaim: { claimName } }] } as NonNullable<
        Pod['spec']
      >;
    }
    await run.createPod(alike > 0 ? withSignature(pod, index, alike) : pod);
  });
}

/**
 * As upstream: `count` pods, and once all of them are bound they are deleted as a collection and as many new ones come at once,
 * until the duration is over. The pods of the last round stay, bound or not.
 */
async function steady(run: Run, operation: CreatePods, namespace: string): Promise<void> {
  const path = operation.podTemplatePath ?? run.defaultPodTemplatePath;
  const make = path === undefined ? defaultPod : run.objects(path, operation.templateParams);
  const duration = operation.duration ?? '0s';
  let isOver = false;
  const timeIsUp = run.clock.sleep(durationMs(duration)).then(() => {
    isOver = true;
  });
  const before = run.tracker.everBoundCount(namespace);
  const bound = () => run.tracker.everBoundCount(namespace) - before;
  let wanted = 0;
  // Only the wait for the scheduler is cut short by the time: what has been begun is finished, so that nothing goes on unseen.
  while (!isOver) {
    if (wanted > 0) {
      await run.client.deleteCollection(pods, { namespace, gracePeriodSeconds: 0, propagationPolicy: 'Background' });
    }
    await inParallel(operation.count, createWidth, async (index) => {
      await run.createPod(inNamespace(make(index, operation.count) as Pod, namespace));
    });
    wanted += operation.count;
    await Promise.race([run.tracker.until(() => bound() >= wanted), timeIsUp]);
  }
  if (bound() === 0) throw new BenchConfigError(`no pod at all was bound within ${duration}`);
}

async function createPodsIn(run: Run, operation: CreatePods, namespace: string): Promise<void> {
  await run.ensureNamespace(namespace);
  if (operation.collectMetrics === true) await run.startMeasuring({ name: namespace, namespaces: [namespace] });
  if (operation.steadyState === true) {
    await steady(run, operation, namespace);
  } else {
    const before = run.tracker.count(namespace);
    await createAll(run, operation, namespace);
    if (operation.skipWaitToCompletion !== true) await allBound(run, namespace, before + operation.count);
  }
  // Upstream cannot measure what it does not wait for either.
  if (operation.collectMetrics === true && operation.skipWaitToCompletion !== true) await run.stopMeasuring();
}

/** Resolves when the namespace has `count` pods and each has a node. Counts by change, not by scanning. */
async function allBound(run: Run, namespace: string, count: number): Promise<void> {
  await run.tracker.until(() => run.tracker.boundCount(namespace) >= count);
}

export const createPods = defineOperation({
  opcode: 'createPods',
  schema,
  run: (operation, run, index) => createPodsIn(run, operation, operation.namespace ?? `namespace-${index}`),
});
