/** Claims of devices that are made for pods, reserved, given back, and taken away with tainted devices. */
import { afterEach, describe, expect, it } from 'vitest';
import { type DeviceTaint, isNotFound, type ResourceClaim, type ResourceSlice } from '../../../src/api/index.ts';
import {
  coreEvents,
  deviceTaintRules,
  pods,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
} from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
let cluster: TestCluster;
afterEach(() => cluster.stop());

const settled = () => cluster.system.settled();
const devices = { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] };
const podWith = (name: string, entry: object, spec: object = {}) => ({
  metadata: { name, namespace },
  spec: { containers: [{ name: 'c', image: 'pause:1' }], resourceClaims: [{ name: 'd', ...entry }], ...spec },
});
const makeClaim = (name: string, finalizers: string[] = []) =>
  cluster.client.create(resourceClaims, { metadata: { name, namespace, finalizers }, spec: { devices } });
const readClaim = (name: string) => cluster.client.get(resourceClaims, { namespace, name });
async function setStatus(name: string, status: object): Promise<void> {
  await cluster.client.patch(resourceClaims, { namespace, name }, 'merge', { status }, { subresource: 'status' });
  await settled();
}
const allocation = (tolerations?: object[]) => ({
  devices: {
    results: [
      {
        request: 'r',
        driver: 'gpu.example.com',
        pool: 'n1',
        device: 'gpu-0',
        ...(tolerations === undefined ? {} : { tolerations }),
      },
    ],
  },
});
async function eventsAbout(name: string): Promise<string[]> {
  await settled();
  const { items } = await cluster.client.list(coreEvents);
  return items
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ type, reason, message, source }) => `${type} ${reason} ${source?.component}: ${message}`);
}

describe('resourceclaim-controller', () => {
  const start = async () => {
    cluster = await startCluster(['resourceclaim-controller']);
    await cluster.client.create(resourceClaimTemplates, {
      metadata: { name: 't', namespace },
      spec: { metadata: { labels: { made: 'yes' } }, spec: { devices } },
    });
    await settled();
  };
  const made = async (): Promise<ResourceClaim[]> =>
    (await cluster.client.list(resourceClaims)).items.filter(({ metadata }) => metadata?.generateName !== undefined);

  it.each<[string, string, string]>([
    ['p', 'd', 'p-d-'],
    ['a'.repeat(40), 'b'.repeat(40), `${'a'.repeat(27)}-${'b'.repeat(27)}`],
  ])('names the claim of pod %s after it and its entry %s', async (podName, entryName, prefix) => {
    await start();
    await cluster.client.create(pods, podWith(podName, { name: entryName, resourceClaimTemplateName: 't' }));
    await settled();
    const [claim] = await made();
    expect(claim?.metadata?.generateName).toBe(prefix);
    expect(claim?.metadata?.labels).toEqual({ made: 'yes' });
    expect(claim?.metadata?.annotations).toEqual({ 'resource.kubernetes.io/pod-claim-name': entryName });
    const { status } = await cluster.client.get(pods, { namespace, name: podName });
    expect(status?.resourceClaimStatuses).toEqual([{ name: entryName, resourceClaimName: claim?.metadata?.name }]);
  });

  it('tells of a template that is not there', async () => {
    await start();
    await cluster.client.create(pods, podWith('p', { resourceClaimTemplateName: 'gone' }));
    expect(await eventsAbout('p')).toEqual([
      'Warning FailedResourceClaimCreation resource_claim: PodResourceClaim d: resource claim template "gone": resourceclaimtemplate.resource.k8s.io "gone" not found',
    ]);
  });

  it('reserves an allocated claim for a pod that came to its node past the scheduler', async () => {
    await start();
    await makeClaim('c');
    await setStatus('c', { allocation: allocation() });
    await cluster.client.create(pods, podWith('waits', { resourceClaimName: 'c' }));
    await settled();
    expect((await readClaim('c')).status?.reservedFor).toBeUndefined();
    await cluster.client.create(pods, podWith('p', { resourceClaimName: 'c' }, { nodeName: 'n1' }));
    await settled();
    const { uid } = (await cluster.client.get(pods, { namespace, name: 'p' })).metadata ?? {};
    expect((await readClaim('c')).status?.reservedFor).toEqual([{ resource: 'pods', name: 'p', uid }]);
  });

  it.each<[string, string[], boolean]>([
    ['by the scheduler is given back', ['resource.kubernetes.io/delete-protection'], false],
    ['by somebody else stays', [], true],
  ])('when its last pod ends, what was allocated %s', async (_what, finalizers, stays) => {
    await start();
    await makeClaim('c', finalizers);
    await setStatus('c', { allocation: allocation(), reservedFor: [{ resource: 'pods', name: 'gone', uid: 'x' }] });
    const { status, metadata } = await readClaim('c');
    expect([status?.allocation !== undefined, status?.reservedFor]).toEqual([stays, undefined]);
    expect(metadata?.finalizers).toBeUndefined();
  });

  it('gives back what a pod had that it saw go, without asking whether the pod is still there', async () => {
    await start();
    await makeClaim('c', ['resource.kubernetes.io/delete-protection']);
    await setStatus('c', { allocation: allocation() });
    await cluster.client.create(pods, podWith('p', { resourceClaimName: 'c' }, { nodeName: 'n1' }));
    await settled();
    expect((await readClaim('c')).status?.reservedFor).toHaveLength(1);
    await cluster.client.delete(pods, { namespace, name: 'p' }, { gracePeriodSeconds: 0 });
    await settled();
    const { status, metadata } = await readClaim('c');
    expect([status?.allocation, status?.reservedFor, metadata?.finalizers]).toEqual([undefined, undefined, undefined]);
    expect(await cluster.readsOf('pods')).toBe(0);
  });

  it('deletes a claim that was made for an earlier pod of the same name', async () => {
    await start();
    await cluster.client.create(pods, podWith('p', { resourceClaimTemplateName: 't' }));
    await settled();
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'earlier', controller: true };
    await cluster.client.create(resourceClaims, {
      metadata: { name: 'stale', namespace, ownerReferences: [owner] },
      spec: { devices },
    });
    await settled();
    await expect(readClaim('stale')).rejects.toSatisfy(isNotFound);
    expect(await made()).toHaveLength(1);
  });
});

describe('device-taint-eviction-controller', () => {
  const taint = { key: 'broken', effect: 'NoExecute' };
  const slice = (name: string, generation: number, taints: DeviceTaint[]): ResourceSlice => ({
    metadata: { name },
    spec: {
      driver: 'gpu.example.com',
      nodeName: 'n1',
      pool: { name: 'n1', generation, resourceSliceCount: 1 },
      devices: [{ name: 'gpu-0', ...(taints.length === 0 ? {} : { taints }) }],
    },
  });
  /** A pod that has the device, with these tolerations. */
  const start = async (tolerations: object[], reserved = true) => {
    cluster = await startCluster(['device-taint-eviction-controller']);
    await makeClaim('c');
    await cluster.client.create(pods, podWith('p', { resourceClaimName: 'c' }, { nodeName: 'n1' }));
    const { uid } = (await cluster.client.get(pods, { namespace, name: 'p' })).metadata ?? {};
    const reservedFor = [{ resource: 'pods', name: 'p', uid: reserved ? uid : 'other' }];
    await setStatus('c', { allocation: allocation(tolerations), reservedFor });
  };
  const isGoing = async () => {
    await settled();
    return (await cluster.client.get(pods, { namespace, name: 'p' })).metadata?.deletionTimestamp !== undefined;
  };
  const tolerating = (tolerationSeconds?: number) => ({
    key: 'broken',
    operator: 'Exists',
    effect: 'NoExecute',
    ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
  });

  it.each<[string, object[], boolean, boolean]>([
    ['deletes a pod that does not tolerate', [], true, true],
    ['leaves a pod that tolerates', [tolerating()], true, false],
    ['leaves a pod that tolerates for ever and for a time', [tolerating(), tolerating(0)], true, false],
    ['leaves a pod that does not hold the claim', [], false, false],
  ])('%s', async (_what, tolerations, reserved, going) => {
    await start(tolerations, reserved);
    await cluster.client.create(resourceSlices, slice('s', 1, [taint]));
    expect(await isGoing()).toBe(going);
    const told = ['Normal DeviceTaintManagerEviction device-taint-eviction-controller: Marking for deletion'];
    expect(await eventsAbout('p')).toEqual(going ? told : []);
  });

  it('does not heed slices of an earlier generation', async () => {
    await start([]);
    await cluster.client.create(resourceSlices, slice('new', 2, []));
    await cluster.client.create(resourceSlices, slice('old', 1, [taint]));
    expect(await isGoing()).toBe(false);
  });

  it('says that an eviction is off when the taint goes before it is due', async () => {
    await start([tolerating(60)]);
    await cluster.client.create(resourceSlices, slice('s', 1, [taint]));
    await cluster.system.advance(30_000);
    expect(await isGoing()).toBe(false);
    const spec = slice('s', 1, []).spec;
    await cluster.client.patch(resourceSlices, { name: 's' }, 'merge', { spec: { devices: spec.devices } });
    await settled();
    await cluster.system.advance(60_000);
    expect(await isGoing()).toBe(false);
    expect(await eventsAbout('p')).toEqual([
      'Normal DeviceTaintManagerEviction device-taint-eviction-controller: Cancelling deletion',
    ]);
  });

  describe('with DeviceTaintRules', () => {
    const startWithRules = async (tolerations: object[] = []) => {
      const runtimeConfig = { 'resource.k8s.io/v1beta2': 'true' };
      cluster = await startCluster(['device-taint-eviction-controller'], { runtimeConfig });
      await cluster.client.create(resourceSlices, slice('s', 1, []));
      await makeClaim('c');
      await cluster.client.create(pods, podWith('p', { resourceClaimName: 'c' }, { nodeName: 'n1' }));
      const { uid } = (await cluster.client.get(pods, { namespace, name: 'p' })).metadata ?? {};
      const reservedFor = [{ resource: 'pods', name: 'p', uid }];
      await setStatus('c', { allocation: allocation(tolerations), reservedFor });
    };
    const addRule = async (effect: string, deviceSelector?: object) => {
      const spec = { taint: { key: 'broken', effect }, ...(deviceSelector === undefined ? {} : { deviceSelector }) };
      await cluster.client.create(deviceTaintRules, { metadata: { name: 'rule' }, spec });
      await settled();
    };
    const said = async () => {
      const { status } = await cluster.client.get(deviceTaintRules, { name: 'rule' });
      return (status?.conditions ?? []).map(
        ({ type, status: is, reason, message }) => `${type} ${is} ${reason}: ${message}`,
      );
    };

    it.each<[string, object | undefined, boolean]>([
      ['all devices', {}, true],
      ['the driver', { driver: 'gpu.example.com' }, true],
      ['the device of the pool', { pool: 'n1', device: 'gpu-0' }, true],
      ['another pool', { pool: 'n2', device: 'gpu-0' }, false],
      ['another driver', { driver: 'other.example.com' }, false],
      ['no device, for want of a selector', undefined, false],
    ])('heeds a rule that selects %s', async (_what, selector, going) => {
      await startWithRules();
      await addRule('NoExecute', selector);
      expect(await isGoing()).toBe(going);
    });

    it('says what it evicts, and when it is done', async () => {
      await startWithRules([tolerating(30)]);
      await addRule('NoExecute', {});
      expect(await said()).toEqual([
        'EvictionInProgress True PodsPendingEviction: 1 pod needs to be evicted in 1 namespace.',
      ]);
      await cluster.system.advance(31_000);
      expect(await isGoing()).toBe(true);
      await cluster.system.advance(11_000);
      await settled();
      expect(await said()).toEqual([
        'EvictionInProgress False Completed: 1 pod evicted since starting the controller.',
      ]);
    });

    it('says what would go if the effect were NoExecute, and evicts nobody', async () => {
      await startWithRules();
      await addRule('None', { driver: 'gpu.example.com' });
      await cluster.system.advance(30_000);
      expect(await isGoing()).toBe(false);
      expect(await said()).toEqual([
        'EvictionInProgress False NoEffect: 1 published device selected. 1 allocated device selected. 1 pod would be evicted in 1 namespace if the effect was NoExecute. This information will not be updated again. Recreate the DeviceTaintRule to trigger an update.',
      ]);
    });

    it('lets a pod be when the rule goes before its time is up, and says of other effects that they evict nobody', async () => {
      await startWithRules([tolerating(30)]);
      await addRule('NoExecute', {});
      await cluster.system.advance(5_000);
      await cluster.client.patch(deviceTaintRules, { name: 'rule' }, 'merge', {
        spec: { taint: { effect: 'NoSchedule' } },
      });
      await cluster.system.advance(60_000);
      expect(await isGoing()).toBe(false);
      expect(await said()).toEqual([
        'EvictionInProgress False OtherEffect: Eviction only happens for the NoExecute effect.',
      ]);
    });
  });
});
