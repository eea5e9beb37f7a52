import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isNotFound } from '../../../src/api/index.ts';
import { apiServices, configMaps, namespaces, pods } from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const name = 'team';

describe('namespace-controller', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await startCluster(['namespace-controller', 'serviceaccount-controller']);
    await cluster.client.create(namespaces, { metadata: { name } });
    await cluster.system.settled();
  });
  afterEach(() => cluster.stop());
  const get = () => cluster.client.get(namespaces, { name });
  const condition = async (type: string) => (await get()).status?.conditions?.find((item) => item.type === type);

  it('empties a deleted namespace and lets it go', async () => {
    await cluster.client.create(configMaps, { metadata: { name: 'a', namespace: name } });
    await cluster.client.delete(namespaces, { name });
    expect((await get()).status?.phase).toBe('Terminating');
    await cluster.system.settled();
    await expect(get()).rejects.toSatisfy(isNotFound);
    expect((await cluster.client.list(configMaps, { namespace: name })).items).toEqual([]);
  });

  it('says which finalizers keep it, and goes when they are gone', async () => {
    await cluster.client.create(configMaps, {
      metadata: { name: 'a', namespace: name, finalizers: ['example.com/hold'] },
    });
    await cluster.client.delete(namespaces, { name });
    await cluster.system.settled();
    expect(await condition('NamespaceContentRemaining')).toMatchObject({
      status: 'True',
      reason: 'SomeResourcesRemain',
      message: 'Some resources are remaining: configmaps. has 1 resource instances',
    });
    expect(await condition('NamespaceFinalizersRemaining')).toMatchObject({
      status: 'True',
      reason: 'SomeFinalizersRemain',
      message: 'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
    });
    await cluster.client.patch(configMaps, { namespace: name, name: 'a' }, 'merge', { metadata: { finalizers: null } });
    await cluster.system.advance(10_000);
    await cluster.system.settled();
    await expect(get()).rejects.toSatisfy(isNotFound);
  });

  it('stays while the server of an APIService cannot be asked what it has there', async () => {
    const group = 'wardle.example.com';
    await cluster.client.create(apiServices, {
      metadata: { name: `v1.${group}` },
      spec: {
        group,
        version: 'v1',
        groupPriorityMinimum: 1,
        versionPriority: 1,
        insecureSkipTLSVerify: true,
        service: { namespace: 'nowhere', name: 'nobody' },
      },
    });
    await cluster.client.delete(namespaces, { name });
    await cluster.system.settled();
    expect(await condition('NamespaceDeletionDiscoveryFailure')).toMatchObject({
      status: 'True',
      reason: 'DiscoveryFailed',
      message: `Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: ${group}/v1: stale GroupVersion discovery: ${group}/v1`,
    });
    expect(await condition('NamespaceContentRemaining')).toMatchObject({ status: 'False' });
    await cluster.client.delete(apiServices, { name: `v1.${group}` });
    await cluster.system.advance(10_000);
    await cluster.system.settled();
    await expect(get()).rejects.toSatisfy(isNotFound);
  });

  it('deletes pods first and goes on as soon as the last of them is gone', async () => {
    await cluster.client.create(pods, {
      metadata: { name: 'p', namespace: name },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'pause:1' }] },
    });
    await cluster.client.create(configMaps, { metadata: { name: 'a', namespace: name } });
    await cluster.client.delete(namespaces, { name });
    await cluster.system.settled();
    const pod = await cluster.client.get(pods, { namespace: name, name: 'p' });
    expect(pod.metadata?.deletionGracePeriodSeconds).toBe(30);
    await cluster.client.get(configMaps, { namespace: name, name: 'a' });
    await cluster.finishDeletions(name);
    await expect(get()).rejects.toSatisfy(isNotFound);
  });

  it('wonders at pods that are there after their time', async () => {
    await cluster.client.create(pods, {
      metadata: { name: 'p', namespace: name },
      spec: { nodeName: 'n1', terminationGracePeriodSeconds: 20, containers: [{ name: 'c', image: 'pause:1' }] },
    });
    await cluster.client.delete(namespaces, { name });
    await cluster.system.settled();
    expect(await condition('NamespaceDeletionContentFailure')).toMatchObject({ status: 'False' });
    await cluster.system.advance(30_000);
    await cluster.system.settled();
    expect(await condition('NamespaceDeletionContentFailure')).toMatchObject({
      status: 'True',
      reason: 'ContentDeletionFailed',
      message:
        'Failed to delete all resource types, 1 remaining: unexpected items still remain in namespace: team for gvr: /v1, Resource=pods',
    });
    await cluster.finishDeletions(name);
    await cluster.system.advance(10_000);
    await cluster.system.settled();
    await expect(get()).rejects.toSatisfy(isNotFound);
  });
});
