/** The revisions of a DaemonSet: one for each template, with a label each, and no more than it wants to keep. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ControllerRevision, DaemonSet } from '../../../src/api/index.ts';
import { controllerRevisions, daemonSets, pods } from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
const key = { namespace, name: 'web' };
const labels = { app: 'web' };
const hashLabel = 'controller-revision-hash';
const templateOf = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: 'c', image }] } });
let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startCluster(['daemonset-controller', 'node-lifecycle-controller']);
});
afterEach(() => cluster.stop());

const settled = () => cluster.system.settled();
async function makeSet(revisionHistoryLimit = 10): Promise<DaemonSet> {
  await cluster.addNode('n1');
  await settled();
  const made = await cluster.client.create(daemonSets, {
    metadata: key,
    spec: {
      selector: { matchLabels: labels },
      template: templateOf('a'),
      updateStrategy: { type: 'OnDelete' },
      revisionHistoryLimit,
    },
  });
  await settled();
  return made;
}
async function setImage(image: string): Promise<void> {
  await cluster.client.patch(daemonSets, key, 'merge', { spec: { template: templateOf(image) } });
  await settled();
}
const history = async (): Promise<ControllerRevision[]> =>
  (await cluster.client.list(controllerRevisions, { namespace })).items.sort((a, b) => a.revision - b.revision);
const imagesIn = (revisions: readonly ControllerRevision[]) =>
  revisions.map(({ data }) => JSON.stringify(data).replace(/.*"image":"(\w+)".*/, '$1'));

it('keeps, beside the current revision, as many as the limit says, those of pods among them', async () => {
  await makeSet(2);
  for (const image of ['b', 'c', 'd']) await setImage(image);
  // The pod still has the first one, which counts: of the two others the older goes.
  expect(imagesIn(await history())).toEqual(['a', 'c', 'd']);
});

it('takes a revision over that has no label of its hash, and labels it by its name', async () => {
  await makeSet();
  await cluster.client.create(controllerRevisions, {
    metadata: { name: 'found', namespace, labels },
    data: { spec: { template: { ...templateOf('old'), $patch: 'replace' } } },
    revision: 7,
  });
  await settled();
  await setImage('b');
  const found = await cluster.client.get(controllerRevisions, { namespace, name: 'found' });
  expect(found.metadata?.labels?.[hashLabel]).toBe('found');
  // The current one became the newest when the other was taken over.
  expect((await history()).map(({ revision }) => revision)).toEqual([7, 8, 9]);
});

it('makes the current revision again when somebody deletes it', async () => {
  await makeSet();
  const [first] = await history();
  await cluster.client.delete(controllerRevisions, { namespace, name: first?.metadata?.name ?? '' });
  await settled();
  expect((await history()).map(({ metadata }) => metadata?.name)).toEqual([first?.metadata?.name]);
});

it('keeps the newest of several revisions of its template, and makes pods of the others its own', async () => {
  await makeSet();
  const [first] = await history();
  const {
    name: _name,
    uid: _uid,
    resourceVersion: _version,
    creationTimestamp: _time,
    ...metadata
  } = first?.metadata ?? {};
  await cluster.client.create(controllerRevisions, {
    ...first!,
    metadata: { ...metadata, name: 'twin', labels: { ...labels, [hashLabel]: 'twin' } },
    revision: 5,
  });
  await settled();
  await cluster.client.patch(daemonSets, key, 'merge', { metadata: { annotations: { look: 'again' } } });
  await settled();
  expect((await history()).map((revision) => [revision.metadata?.name, revision.revision])).toEqual([['twin', 5]]);
  const { items } = await cluster.client.list(pods, { namespace });
  expect(items.map((pod) => pod.metadata?.labels?.[hashLabel])).toEqual(['twin']);
});
