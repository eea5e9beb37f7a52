/** The pods of a DaemonSet on nodes that change under them: which are misplaced, which are replaced, and which go. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DaemonSetSpec, DaemonSetStatus, Pod } from '../../../src/api/index.ts';
import { daemonSets, nodes, pods } from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
const key = { namespace, name: 'web' };
const labels = { app: 'web' };
const templateOf = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: 'c', image }] } });
let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startCluster(['daemonset-controller', 'node-lifecycle-controller']);
  await cluster.addNode('n1');
  await cluster.addNode('n2');
  await cluster.system.settled();
});
afterEach(() => cluster.stop());

const settled = () => cluster.system.settled();
async function makeSet(more: Partial<DaemonSetSpec> = {}): Promise<void> {
  await cluster.client.create(daemonSets, {
    metadata: key,
    spec: { selector: { matchLabels: labels }, template: templateOf('a'), ...more },
  });
  await settled();
  await runAll();
}
const listPods = async (): Promise<Pod[]> => (await cluster.client.list(pods, { namespace })).items;
const nodeOf = ({ spec }: Pod): string =>
  spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]
    ?.values?.[0] ?? '';
/** Binds the pods to the nodes that they are for, and runs them. */
async function runAll(): Promise<void> {
  for (const pod of await listPods()) {
    if (pod.spec?.nodeName) continue;
    const target = { apiVersion: 'v1', kind: 'Node', name: nodeOf(pod) };
    const name = pod.metadata?.name ?? '';
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name }, target };
    await cluster.client.post(pods, { namespace, name }, 'binding', binding);
  }
  await settled();
  await cluster.runPods(namespace);
}
const status = async (): Promise<DaemonSetStatus | undefined> => (await cluster.client.get(daemonSets, key)).status;
async function taint(name: string, taints: object[] | null): Promise<void> {
  await cluster.client.patch(nodes, { name }, 'merge', { spec: { taints } });
  await settled();
}
const noSchedule = [{ key: 'k', effect: 'NoSchedule' }];
async function setImage(image: string): Promise<void> {
  await cluster.client.patch(daemonSets, key, 'merge', { spec: { template: templateOf(image) } });
  await settled();
}
const places = async () =>
  (await listPods())
    .filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
    .map((pod) => `${nodeOf(pod)} ${pod.spec?.containers[0]?.image}`)
    .sort();

it('counts a pod that may stay where it would not be put as misplaced when it looks again, and no more once it may', async () => {
  await makeSet();
  await taint('n2', noSchedule);
  expect(await status()).toMatchObject({ desiredNumberScheduled: 2, numberMisscheduled: 0, numberReady: 2 });
  await cluster.client.patch(daemonSets, key, 'merge', { metadata: { annotations: { look: 'again' } } });
  await settled();
  expect(await status()).toMatchObject({ desiredNumberScheduled: 1, numberMisscheduled: 1, numberReady: 1 });
  expect(await places()).toEqual(['n1 a', 'n2 a']);
  await taint('n2', null);
  expect(await status()).toMatchObject({ desiredNumberScheduled: 2, numberMisscheduled: 0, numberReady: 2 });
});

it('takes the pod of a node that it may not stay on, and makes one when it may run there again', async () => {
  await makeSet();
  await taint('n2', [{ key: 'k', effect: 'NoExecute' }]);
  await cluster.finishDeletions(namespace);
  expect(await places()).toEqual(['n1 a']);
  await taint('n2', null);
  expect(await places()).toEqual(['n1 a', 'n2 a']);
});

it('does not replace a pod of the old template where none would be put', async () => {
  await makeSet();
  await taint('n2', noSchedule);
  for (let turn = 0; turn < 3; turn++) {
    if (turn === 0) await setImage('b');
    await cluster.finishDeletions(namespace);
    await runAll();
  }
  expect(await places()).toEqual(['n1 b']);
  expect(await status()).toMatchObject({ desiredNumberScheduled: 1, numberMisscheduled: 0, numberAvailable: 1 });
});

it('counts old pods that are not available among those that an update may miss', async () => {
  await makeSet();
  const [sick] = (await listPods()).filter((pod) => nodeOf(pod) === 'n2');
  await cluster.client.patch(
    pods,
    { namespace, name: sick?.metadata?.name ?? '' },
    'merge',
    { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
    { subresource: 'status' },
  );
  await settled();
  await setImage('b');
  // One may be missing, and one is: the pod that is well stays.
  expect(await places()).toEqual(['n1 a']);
});

it('surges past nodes where no pod would be put, and clears them when enough others are available', async () => {
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  await makeSet({ updateStrategy });
  await taint('n2', noSchedule);
  await setImage('b');
  expect(await places()).toEqual(['n1 a', 'n1 b']);
  await runAll();
  await cluster.finishDeletions(namespace);
  await runAll();
  expect(await places()).toEqual(['n1 b']);
});

it('gives a node a new pod while one that has ended is held by a finalizer', async () => {
  await makeSet();
  const [held] = (await listPods()).filter((pod) => nodeOf(pod) === 'n1');
  const name = held?.metadata?.name ?? '';
  await cluster.client.patch(pods, { namespace, name }, 'merge', { metadata: { finalizers: ['example.com/hold'] } });
  await cluster.client.delete(pods, { namespace, name });
  await settled();
  expect(await places()).toEqual(['n2 a']);
  const ended = { status: { phase: 'Succeeded' } };
  await cluster.client.patch(pods, { namespace, name }, 'merge', ended, { subresource: 'status' });
  await settled();
  expect(await places()).toEqual(['n1 a', 'n2 a']);
});
