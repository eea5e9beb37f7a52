/** ReplicaSets beside pods that have ended or are about to go, and where their writes are refused. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Pod, PodTemplateSpec } from '../../../src/api/index.ts';
import {
  coreEvents,
  namespaces,
  pods,
  replicaSets,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
} from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
const labels = { app: 'web' };
const selector = { matchLabels: labels };
const template: PodTemplateSpec = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'pause:1' }] } };
const key = { namespace, name: 'web' };

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startCluster(['replicaset-controller']);
});
afterEach(() => cluster.stop());

const list = async (): Promise<Pod[]> => (await cluster.client.list(pods, { namespace })).items;
const settled = () => cluster.system.settled();
const isOwned = (pod: Pod | undefined) => pod?.metadata?.ownerReferences?.length === 1;
const end = (name: string) =>
  cluster.client.patch(pods, { namespace, name }, 'merge', { status: { phase: 'Failed' } }, { subresource: 'status' });
const label = (name: string, app: string) =>
  cluster.client.patch(pods, { namespace, name }, 'merge', { metadata: { labels: { app } } });
const scale = (replicas: number) => cluster.client.patch(replicaSets, key, 'merge', { spec: { replicas } });
const status = async () => (await cluster.client.get(replicaSets, key)).status;

async function create(replicas: number, more: object = {}): Promise<void> {
  await cluster.client.create(replicaSets, { metadata: { ...key, ...more }, spec: { replicas, selector, template } });
  await settled();
}

async function createPod(name: string, nodeName = 'n1'): Promise<void> {
  const metadata = { name, namespace, labels };
  const spec = { nodeName, containers: [{ name: 'c', image: 'pause:1' }] };
  await cluster.client.create(pods, { metadata, spec } as Pod);
}

describe('pods that have ended', () => {
  it('are not adopted', async () => {
    await createPod('ended');
    await createPod('lone');
    await end('ended');
    await create(2);
    const byName = new Map((await list()).map((pod) => [pod.metadata?.name, pod]));
    expect(byName.size).toBe(3);
    expect([isOwned(byName.get('ended')), isOwned(byName.get('lone'))]).toEqual([false, true]);
  });

  it('are not released when they stop matching', async () => {
    await create(1);
    const [first] = await list();
    const name = first?.metadata?.name ?? '';
    await end(name);
    await settled();
    await label(name, 'other');
    await settled();
    expect((await list()).map(isOwned)).toEqual([true, true]);
  });
});

describe('pods that are about to go', () => {
  it('count as terminating as long as they match, and are not released', async () => {
    await create(2);
    await cluster.runPods(namespace);
    const names = (await list()).map(({ metadata }) => metadata?.name ?? '');
    for (const name of names) {
      await cluster.client.patch(pods, { namespace, name }, 'merge', { metadata: { finalizers: ['example.com/x'] } });
      await cluster.client.delete(pods, { namespace, name });
    }
    await settled();
    expect(await status()).toMatchObject({ replicas: 2, terminatingReplicas: 2 });
    await label(names[0] ?? '', 'other');
    await settled();
    expect(await status()).toMatchObject({ replicas: 2, terminatingReplicas: 1 });
    expect((await list()).every(isOwned)).toBe(true);
  });
});

describe('which pods go first', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd', controller: true };
  /** Of two pods on one node and one on another, which was ready last. */
  const cases: readonly [what: string, owners: object[], keepsLast: boolean][] = [
    ['are those that share a node, in a ReplicaSet of a Deployment', [owner], true],
    ['are those that were ready last, in a ReplicaSet by itself', [], false],
  ];
  for (const [what, ownerReferences, keepsLast] of cases) {
    it(what, async () => {
      for (const [name, node] of Object.entries({ first: 'n1', second: 'n1', last: 'n2' })) await createPod(name, node);
      await create(3, { ownerReferences });
      await cluster.runPods(namespace, ({ metadata }) => metadata?.name !== 'last');
      await cluster.system.advance(600_000);
      await cluster.runPods(namespace);
      await scale(2);
      await settled();
      await cluster.finishDeletions(namespace);
      const left = (await list()).map(({ metadata }) => metadata?.name);
      expect([left.length, left.includes('last')]).toEqual([2, keepsLast]);
    });
  }
});

describe('what is refused', () => {
  it('of deletions is told by an event and the condition', async () => {
    await create(1);
    const resourceRules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['pods'] }];
    await cluster.client.create(validatingAdmissionPolicies, {
      metadata: { name: 'keep' },
      spec: { matchConstraints: { resourceRules }, validations: [{ expression: 'false', message: 'not this one' }] },
    });
    await cluster.client.create(validatingAdmissionPolicyBindings, {
      metadata: { name: 'keep' },
      spec: { policyName: 'keep', validationActions: ['Deny'] },
    });
    await settled();
    await scale(0);
    await cluster.system.advance(100);
    const name = (await list())[0]?.metadata?.name;
    const why = `pods "${name}" is forbidden: ValidatingAdmissionPolicy 'keep' with binding 'keep' denied request: not this one`;
    expect((await status())?.conditions).toMatchObject([
      { type: 'ReplicaFailure', status: 'True', reason: 'FailedDelete', message: `unable to delete pods: ${why}` },
    ]);
    const { items } = await cluster.client.list(coreEvents, { namespace });
    expect(items.find(({ reason }) => reason === 'FailedDelete')?.message).toBe(`Error deleting: ${why}`);
  });

  it('in a namespace that is being deleted is not tried again', async () => {
    await create(1);
    const metadata = { name: 'gone', finalizers: ['example.com/x'] };
    await cluster.client.create(namespaces, { metadata });
    await cluster.client.create(replicaSets, {
      metadata: { name: 'web', namespace: 'gone' },
      spec: { replicas: 0, selector, template },
    });
    await cluster.client.delete(namespaces, { name: 'gone' });
    const parts = ['apiserver_request_total{', 'verb="CREATE"', 'resource="pods"', 'code="403"'];
    const refused = async () =>
      (await cluster.system.metricsText())
        .split('\n')
        .filter((line) => parts.every((part) => line.includes(part)))
        .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
    await cluster.client.patch(replicaSets, { namespace: 'gone', name: 'web' }, 'merge', { spec: { replicas: 1 } });
    await settled();
    expect(await refused()).toBe(1);
    for (const a of ['1', '2']) {
      const annotations = { metadata: { annotations: { a } } };
      await cluster.client.patch(replicaSets, { namespace: 'gone', name: 'web' }, 'merge', annotations);
      await settled();
    }
    expect(await refused()).toBe(1);
  });
});
