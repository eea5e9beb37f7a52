/** Named subsets for clients on the bus: what they get, what an object that leaves them means, and that HTTP knows none. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isBadRequest } from '../../../src/api/index.ts';
import { type Interest, jobs, pods } from '../../../src/client/index.ts';
import { pod, startServer, type TestServer } from './fixtures.ts';

let server: TestServer;

beforeEach(async () => {
  server = await startServer({ serviceAccountAdmission: false, http: { host: '127.0.0.1', port: 0 } });
});
afterEach(() => server.stop());

const ownedBy = (kind: string) => ({
  ownerReferences: [{ apiVersion: 'v1', kind, name: 'owner', uid: `uid-${kind}`, controller: true }],
});

const create = (name: string, metadata: object = {}, spec: object = {}) =>
  server.client.create(pods, pod(name, { metadata: { name, namespace: 'default', ...metadata }, spec }) as never);

async function namesOf(interest: Interest): Promise<(string | undefined)[]> {
  const { items } = await server.client.list(pods, { interest });
  return items.map(({ metadata }) => metadata?.name);
}

test('a list holds what is of interest: of one controlling kind or of nobody, with claims, on a node or at its end', async () => {
  await create('of-job', ownedBy('Job'));
  await create('of-set', ownedBy('ReplicaSet'));
  await create('of-nobody');
  await create('with-claim', ownedBy('ReplicaSet'), {
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }],
  });
  await create('held', { ...ownedBy('ReplicaSet'), finalizers: ['example.com/hold'] });
  await server.client.delete(pods, { namespace: 'default', name: 'held' }, { gracePeriodSeconds: 0 });
  expect(await namesOf('controlled-by:Job')).toEqual(['of-job', 'of-nobody']);
  expect(await namesOf('claiming')).toEqual(['with-claim']);
  expect(await namesOf('assignment')).toEqual(['held']);
});

test('a watch shows an object that a controller of another kind adopts as deleted', async () => {
  const seen: string[] = [];
  const { resourceVersion } = await server.client.list(pods);
  const subscription = server.client
    .watch(pods, { interest: 'controlled-by:Job', resourceVersion })
    .subscribe((event) => event.type !== 'BOOKMARK' && seen.push(`${event.type} ${event.object.metadata?.name}`));
  await create('of-set', ownedBy('ReplicaSet'));
  await create('free');
  await server.client.patch(pods, { namespace: 'default', name: 'free' }, 'merge', { metadata: ownedBy('ReplicaSet') });
  await server.system.settled();
  subscription.unsubscribe();
  expect(seen).toEqual(['ADDED free', 'DELETED free']);
});

/** What a watch with the interest brings while `act` happens. */
async function seenBy(interest: Interest, act: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  const { resourceVersion } = await server.client.list(pods);
  const subscription = server.client
    .watch(pods, { interest, resourceVersion })
    .subscribe((event) => event.type !== 'BOOKMARK' && seen.push(`${event.type} ${event.object.metadata?.name}`));
  await act();
  await server.system.settled();
  subscription.unsubscribe();
  return seen;
}

const patch = (name: string, change: object, subresource?: string) =>
  server.client.patch(pods, { namespace: 'default', name }, 'merge', change, subresource ? { subresource } : {});

test('who follows ownership hears of owners, finalizers and what they hold, and of no other update', async () => {
  const seen = await seenBy('ownership', async () => {
    await create('web', { finalizers: ['example.com/hold'] });
    await patch('web', { metadata: { labels: { a: 'b' } } });
    await patch('web', { status: { phase: 'Running' } }, 'status');
    await patch('web', { metadata: ownedBy('Job') });
    await server.client.delete(pods, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 });
    await patch('web', { metadata: { labels: { a: 'c' } } });
    await patch('web', { metadata: { finalizers: null } });
  });
  expect(seen).toEqual(['ADDED web', 'MODIFIED web', 'MODIFIED web', 'DELETED web']);
});

test('who follows assignment hears of a pod when it gets a node, ends, or goes', async () => {
  const seen = await seenBy('assignment', async () => {
    await create('web');
    await patch('web', { metadata: { labels: { a: 'b' } } });
    await server.client.post(pods, { namespace: 'default', name: 'web' }, 'binding', {
      metadata: { name: 'web' },
      target: { kind: 'Node', name: 'n1' },
    } as never);
    await patch('web', { status: { phase: 'Running' } }, 'status');
    await patch('web', { status: { phase: 'Failed' } }, 'status');
    await server.client.delete(pods, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 });
  });
  expect(seen).toEqual(['ADDED web', 'MODIFIED web', 'DELETED web']);
});

test('who follows what expires gets the Jobs that go some time after their end, and no others', async () => {
  const spec = { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'pause:1' }] } } };
  const create = (name: string, more: object) =>
    server.client.create(jobs, { metadata: { name, namespace: 'default' }, spec: { ...spec, ...more } });
  await create('stays', {});
  await create('goes', { ttlSecondsAfterFinished: 0 });
  const { items } = await server.client.list(jobs, { interest: 'expiring' });
  expect(items.map(({ metadata }) => metadata?.name)).toEqual(['goes']);
});

test('an unknown interest is refused on the bus; over HTTP the parameter means nothing', async () => {
  const refused = await server.client.list(pods, { interest: 'everything' as Interest }).catch((error) => error);
  expect(isBadRequest(refused)).toBe(true);
  await create('of-set', ownedBy('ReplicaSet'));
  const { body } = await server.http('GET', '/api/v1/namespaces/default/pods?interest=claiming');
  expect(body.items).toHaveLength(1);
});
