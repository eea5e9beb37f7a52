/** Deletion: grace periods, finalizers, propagation, namespaces, eviction. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, pod, startServer, type TestServer } from '../fixtures.ts';

const PODS = '/api/v1/namespaces/default/pods';
const CMS = '/api/v1/namespaces/default/configmaps';
const MERGE = { 'content-type': 'application/merge-patch+json' };
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false });
});
afterAll(() => server.stop());

describe('pods', () => {
  it('on a node are marked first, and go when the kubelet says so', async () => {
    await server.http(
      'POST',
      PODS,
      pod('graceful', { spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] } }),
    );
    const marked = await server.http('DELETE', `${PODS}/graceful`);
    expect(marked.body.metadata).toMatchObject({ deletionGracePeriodSeconds: 30, generation: 2 });
    const again = await server.http('DELETE', `${PODS}/graceful`);
    expect(again.body.metadata.resourceVersion).toBe(marked.body.metadata.resourceVersion);
    const shorter = await server.http('DELETE', `${PODS}/graceful?gracePeriodSeconds=5`);
    expect(shorter.body.metadata.deletionGracePeriodSeconds).toBe(5);
    await server.http('DELETE', `${PODS}/graceful?gracePeriodSeconds=0`);
    expect((await server.http('GET', `${PODS}/graceful`)).status).toBe(404);
  });

  it('keep all but metadata when they are marked, and everything when that is only tried', async () => {
    const spec = { nodeName: 'n', containers: [{ name: 'c', image: 'i', env: [{ name: 'A', value: 'b' }] }] };
    const { body: made } = await server.http('POST', PODS, pod('marked', { spec }));
    const tried = await server.http('DELETE', `${PODS}/marked?dryRun=All`);
    expect(tried.body.metadata.deletionTimestamp).toBeDefined();
    expect((await server.http('GET', `${PODS}/marked`)).body).toEqual(made);
    await server.http('DELETE', `${PODS}/marked`);
    const { metadata, ...rest } = (await server.http('GET', `${PODS}/marked`)).body;
    const { metadata: metadataMade, ...restMade } = made;
    expect(rest).toEqual(restMade);
    expect(metadata).toEqual({
      ...metadataMade,
      generation: 2,
      resourceVersion: metadata.resourceVersion,
      deletionTimestamp: metadata.deletionTimestamp,
      deletionGracePeriodSeconds: 30,
    });
    await server.http('DELETE', `${PODS}/marked?gracePeriodSeconds=0`);
  });

  it('without a node go at once', async () => {
    await server.http('POST', PODS, pod('pending'));
    expect((await server.http('DELETE', `${PODS}/pending`)).body.metadata.deletionGracePeriodSeconds).toBe(0);
    expect((await server.http('GET', `${PODS}/pending`)).status).toBe(404);
  });
});

describe('finalizers', () => {
  it('keep an object until the last one is gone', async () => {
    await server.http('POST', CMS, { ...configMap('held'), metadata: { name: 'held', finalizers: ['e.com/a'] } });
    const deleted = await server.http('DELETE', `${CMS}/held`, {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy: 'Foreground',
    });
    expect(deleted.body.metadata.finalizers).toEqual(['e.com/a', 'foregroundDeletion']);
    await server.http('PATCH', `${CMS}/held`, { metadata: { finalizers: ['e.com/a'] } }, MERGE);
    expect((await server.http('GET', `${CMS}/held`)).status).toBe(200);
    await server.http('PATCH', `${CMS}/held`, { metadata: { finalizers: null } }, MERGE);
    expect((await server.http('GET', `${CMS}/held`)).status).toBe(404);
  });

  it('of a namespace are its own, and nothing new gets into it meanwhile', async () => {
    await server.http('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'going' },
    });
    const deleted = await server.http('DELETE', '/api/v1/namespaces/going');
    expect(deleted.body.status.phase).toBe('Terminating');
    const refused = await server.http('POST', '/api/v1/namespaces/going/configmaps', {
      ...configMap('x'),
      metadata: { name: 'x' },
    });
    expect(refused.body).toMatchObject({ code: 403, details: { causes: [{ reason: 'NamespaceTerminating' }] } });
    await server.http('PUT', '/api/v1/namespaces/going/finalize', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'going' },
      spec: {},
    });
    expect((await server.http('GET', '/api/v1/namespaces/going')).status).toBe(404);
    expect((await server.http('DELETE', '/api/v1/namespaces/kube-system')).body.reason).toBe('Forbidden');
  });
});

describe('preconditions', () => {
  it('are checked', async () => {
    const { body } = await server.http('POST', CMS, configMap('pre'));
    const wrong = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'x' } };
    expect((await server.http('DELETE', `${CMS}/pre`, wrong)).status).toBe(409);
    const right = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: body.metadata.uid } };
    expect((await server.http('DELETE', `${CMS}/pre`, right)).status).toBe(200);
  });
});

describe('eviction', () => {
  it('is refused when the budget has nothing left, and charges it otherwise', async () => {
    const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
    await server.http('POST', budgets, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'b' },
      spec: { selector: { matchLabels: { e: 'x' } }, minAvailable: 1 },
    });
    const status = (disruptionsAllowed: number) => ({
      status: { observedGeneration: 1, disruptionsAllowed, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 },
    });
    for (const name of ['e1', 'e2']) {
      await server.http('POST', PODS, pod(name, { metadata: { labels: { e: 'x' } } }));
      const running = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
      await server.http('PATCH', `${PODS}/${name}/status`, running, MERGE);
    }
    const evict = (name: string) =>
      server.http('POST', `${PODS}/${name}/eviction`, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name },
      });
    await server.http('PATCH', `${budgets}/b/status`, status(0), MERGE);
    expect((await evict('e1')).body).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
    });
    await server.http('PATCH', `${budgets}/b/status`, status(1), MERGE);
    expect((await evict('e1')).status).toBe(201);
    const { body: charged } = await server.http('GET', `${budgets}/b`);
    expect(charged.status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { e1: expect.any(String) } });
    const written = { manager: 'kube-apiserver', operation: 'Update', subresource: 'status' };
    expect(charged.metadata.managedFields).toContainEqual(expect.objectContaining(written));
    expect((await evict('e2')).status).toBe(429);
  });

  const runningPod = async (name: string) => {
    const spec = { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] };
    await server.http('POST', PODS, pod(name, { metadata: { labels: { e: name } }, spec }));
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    await server.http('PATCH', `${PODS}/${name}/status`, { status }, MERGE);
  };
  const evict = (name: string, deleteOptions?: object, query = '') =>
    server.http('POST', `${PODS}/${name}/eviction${query}`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name },
      deleteOptions,
    });

  const failed = (reason: string, message: string) => [
    { type: 'DisruptionAllowed', status: 'False', reason, message, lastTransitionTime: '2026-01-01T00:00:00Z' },
  ];
  const none = 'The disruption budget why-%d does not allow evicting pods currently';
  const rows: readonly [object, string][] = [
    [{ observedGeneration: 0 }, 'The disruption budget why-%d is still being processed by the server.'],
    [{ conditions: failed('SyncFailed', 'no scale') }, `${none} because it failed sync: no scale`],
    [{ desiredHealthy: 2 }, 'The disruption budget why-%d needs 2 healthy pods and has 2 currently'],
    [{ conditions: failed('InsufficientPods', 'few') }, `${none} (InsufficientPods): few`],
    [{ conditions: failed('InsufficientPods', '') }, none],
  ];
  it.each(rows.map(([status, message], at) => [at, status, message] as const))(
    'is refused with its reason (%i)',
    async (at, status, message) => {
      const name = `why-${at}`;
      const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
      await server.http('POST', budgets, {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name },
        spec: { selector: { matchLabels: { e: name } }, minAvailable: 1 },
      });
      await runningPod(name);
      const usual = {
        observedGeneration: 1,
        disruptionsAllowed: 0,
        currentHealthy: 2,
        desiredHealthy: 1,
        expectedPods: 2,
      };
      await server.http('PATCH', `${budgets}/${name}/status`, { status: { ...usual, ...status } }, MERGE);
      const { body } = await evict(name);
      expect(body).toMatchObject({ code: 429, details: { causes: [{ reason: 'DisruptionBudget' }] } });
      expect(body.details.causes[0].message).toBe(message.replace('%d', String(at)));
      expect((await server.http('GET', `${PODS}/${name}`)).body.status.conditions).toHaveLength(1);
    },
  );

  it('tells the pod why it goes, unless it is only tried', async () => {
    await runningPod('told');
    const target = async () => {
      const { body } = await server.http('GET', `${PODS}/told`);
      return body.status.conditions.find(({ type }: { type: string }) => type === 'DisruptionTarget');
    };
    expect((await evict('told', undefined, '?dryRun=All')).status).toBe(201);
    expect(await target()).toBeUndefined();
    const { body: before } = await server.http('GET', `${PODS}/told`);
    const { resourceVersion } = before.metadata;
    expect((await evict('told', { preconditions: { resourceVersion: '1' } })).status).toBe(409);
    expect((await evict('told', { preconditions: { resourceVersion } })).status).toBe(201);
    expect(await target()).toMatchObject({
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
    });
    expect((await server.http('GET', `${PODS}/told`)).body.metadata.deletionTimestamp).toBeDefined();
  });

  it('does not delete what cannot be read', async () => {
    await runningPod('unread');
    const { body } = await evict('unread', { ignoreStoreReadErrorWithClusterBreakingPotential: true });
    expect(body).toMatchObject({
      code: 422,
      message:
        'Eviction.policy "unread" is invalid: deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential: Invalid value: true: ' +
        'can not be set for pod eviction, try after removing the option',
    });
  });
});
