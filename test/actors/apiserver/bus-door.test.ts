/** Requests and watches over the bus. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requesterOf } from '../../../actors/apiserver/bus-door.ts';
import { isConflict, isNotFound } from '../../../src/api/index.ts';
import { apiChannels, configMaps, createBusClient, pods } from '../../../src/client/index.ts';
import { pack } from '../../../src/runtime/index.ts';
import { configMap, startServer, type TestServer } from './fixtures.ts';

describe('the bus door', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer();
  });
  afterEach(() => server.stop());

  it('creates, reads, changes and deletes an object', async () => {
    const { client } = server;
    const created = await client.create(configMaps, configMap('a', { k: '1' }));
    expect(created.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(created.metadata?.resourceVersion).toMatch(/^\d+$/);
    const read = await client.get(configMaps, { namespace: 'default', name: 'a' });
    expect(read).toEqual(created);
    const updated = await client.update(configMaps, { ...read, data: { k: '2' } });
    expect(Number(updated.metadata?.resourceVersion)).toBeGreaterThan(Number(read.metadata?.resourceVersion));
    await expect(client.update(configMaps, { ...read, data: { k: '3' } })).rejects.toSatisfy(isConflict);
    await client.delete(configMaps, { namespace: 'default', name: 'a' });
    await expect(client.get(configMaps, { namespace: 'default', name: 'a' })).rejects.toSatisfy(isNotFound);
  });

  it('knows an actor by the identity that it was given, and one without as nobody', async () => {
    const list = (address: string, identity?: unknown) =>
      createBusClient(server.system.connect(address, identity).bus).list(pods, { namespace: 'default' });
    await expect(list('stranger')).rejects.toThrow('User "system:anonymous" cannot list resource "pods"');
    const jane = { user: 'jane', groups: ['system:authenticated'], userAgent: 'jane' };
    await expect(list('jane', jane)).rejects.toThrow('User "jane" cannot list resource "pods"');
    expect((await list('root', { ...jane, groups: ['system:masters'] })).items).toEqual([]);
  });

  it('has one identity object for all requests of an actor, by which much is remembered', () => {
    const given = { user: 'jane', groups: ['g'], userAgent: 'agent' };
    const first = requesterOf({ address: 'jane', identity: given });
    expect(first).toEqual({ identity: { user: 'jane', groups: ['g'] }, userAgent: 'agent' });
    expect(requesterOf({ address: 'jane', identity: given }).identity).toBe(first.identity);
    const other = requesterOf({ address: 'jane', identity: { ...given, groups: ['h'] } });
    expect(other.identity.groups).toEqual(['h']);
    expect(requesterOf({ address: 'main', identity: undefined }).identity.groups).toContain('system:masters');
    expect(requesterOf({ address: 'x', identity: undefined }).identity.user).toBe('system:anonymous');
  });

  it('tells no warnings of a kind, which components have nobody to show to', async () => {
    const { bus } = server.system.connect('root', { user: 'root', groups: ['system:masters'], userAgent: 'root' });
    const base = { apiVersion: 'v1', kind: 'PodTemplate', metadata: { name: 'a', namespace: 'default' } };
    const spec = { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 1 }, { containerPort: 1 }] }] };
    const body = pack({ ...base, template: { metadata: {}, spec } });
    const request = { group: '', version: 'v1', resource: 'podtemplates', namespace: 'default', body };
    const response = await bus.call('apiserver', apiChannels.request, { verb: 'create', ...request });
    expect(response).toMatchObject({ code: 201 });
    expect(response.warnings ?? []).toEqual([]);
  });

  it('answers quiet writes with name and version alone, and refuses them as all others', async () => {
    const { client } = server;
    const quiet = { quiet: true };
    const brief = { metadata: { name: 'a', resourceVersion: expect.stringMatching(/^\d+$/) } };
    expect(await client.create(configMaps, configMap('a', { k: '1' }), quiet)).toEqual(brief);
    const key = { namespace: 'default', name: 'a' };
    expect(await client.patch(configMaps, key, 'merge', { data: { k: '2' } }, quiet)).toEqual(brief);
    const read = await client.get(configMaps, key);
    expect(read).toMatchObject({ data: { k: '2' } });
    const updated = await client.update(configMaps, { ...read, data: { k: '3' } }, quiet);
    expect(updated).toEqual(brief);
    await expect(client.update(configMaps, read, quiet)).rejects.toSatisfy(isConflict);
    const { data, metadata } = await client.get(configMaps, key);
    expect(data).toEqual({ k: '3' });
    expect(updated.metadata?.resourceVersion).toBe(metadata?.resourceVersion);
    await client.delete(configMaps, key, quiet);
    await expect(client.delete(configMaps, key, quiet)).rejects.toSatisfy(isNotFound);
  });

  it('does not write an update that changes nothing', async () => {
    const { client } = server;
    const created = await client.create(configMaps, configMap('a', { k: '1' }));
    const again = await client.update(configMaps, created);
    expect(again.metadata?.resourceVersion).toBe(created.metadata?.resourceVersion);
  });

  it('tells a watch what was there and what happens then', async () => {
    const { client } = server;
    await client.create(configMaps, configMap('a'));
    const seen: string[] = [];
    const subscription = client.watch(configMaps, { namespace: 'default' }).subscribe((event) => {
      if (event.type !== 'BOOKMARK') seen.push(`${event.type} ${event.object.metadata?.name}`);
    });
    await client.create(configMaps, configMap('b'));
    await client.patch(configMaps, { namespace: 'default', name: 'a' }, 'merge', { data: { x: 'y' } });
    await client.delete(configMaps, { namespace: 'default', name: 'b' });
    await server.system.settled();
    expect(seen).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED b']);
    subscription.unsubscribe();
  });

  it('binds a pod and routes it to the watch of its node', async () => {
    const { client } = server;
    await client.create(
      { ...configMaps, resource: 'serviceaccounts', kind: 'ServiceAccount' },
      {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'default', namespace: 'default' },
      },
    );
    const seen: string[] = [];
    const subscription = client.watch(pods, { fieldSelector: 'spec.nodeName=n1' }).subscribe((event) => {
      if (event.type !== 'BOOKMARK')
        seen.push(`${event.type} ${event.object.metadata?.name} ${event.object.spec?.nodeName}`);
    });
    for (const name of ['p1', 'p2']) {
      await client.create(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default' },
        spec: { containers: [{ name: 'c', image: 'nginx' }] },
      });
    }
    const bind = (name: string, node: string) =>
      client.post(pods, { namespace: 'default', name }, 'binding', {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name },
        target: { kind: 'Node', name: node },
      } as never);
    await bind('p1', 'n1');
    await bind('p2', 'n2');
    await expect(bind('p1', 'n2')).rejects.toSatisfy(isConflict);
    await server.system.settled();
    expect(seen).toEqual(['ADDED p1 n1']);
    const bound = await client.get(pods, { namespace: 'default', name: 'p1' });
    expect(bound.status?.conditions?.[0]).toMatchObject({ type: 'PodScheduled', status: 'True' });
    subscription.unsubscribe();
  });
});
