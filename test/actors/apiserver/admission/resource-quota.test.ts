import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isStatusError } from '../../../../src/api/index.ts';
import { configMaps } from '../../../../src/client/index.ts';
import { configMap, pod, startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;
const namespace = '/api/v1/namespaces/default';

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false });
});
afterAll(() => server.stop());

async function quota(
  name: string,
  hard: Record<string, string>,
  used: Record<string, string>,
  where = 'default',
  scopes: readonly string[] = [],
): Promise<void> {
  const path = `/api/v1/namespaces/${where}/resourcequotas`;
  await server.http('POST', path, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name, namespace: where },
    spec: scopes.length === 0 ? { hard } : { hard, scopes },
  });
  const { status } = await server.http(
    'PATCH',
    `${path}/${name}/status`,
    { status: { hard, used } },
    { 'content-type': 'application/merge-patch+json' },
  );
  expect(status).toBe(200);
}

describe('ResourceQuota', () => {
  it('never lets a thousand creates at once exceed a quota, and lets as many through as there is room for', async () => {
    await quota('maps', { 'count/configmaps': '40' }, { 'count/configmaps': '0' });
    await quota('also', { configmaps: '60' }, { configmaps: '0' });
    // Over both doors: more connections at once than these few hundred say more of the machine than of the quota.
    const overBus = async (name: string) => {
      try {
        await server.client.create(configMaps, configMap(name));
        return { status: 201, message: '' };
      } catch (error) {
        if (!isStatusError(error)) throw error;
        return { status: error.code, message: error.message };
      }
    };
    const overHttp = async (name: string) => {
      const { status, body } = await server.http('POST', `${namespace}/configmaps`, configMap(name));
      return { status, message: String(body.message) };
    };
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => (index % 5 === 0 ? overHttp : overBus)(`m-${index}`)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(40);
    const refused = answers.filter(({ status }) => status === 403);
    expect(refused).toHaveLength(960);
    expect(refused[0]?.message).toMatch(
      /^configmaps "m-\d+" is forbidden: exceeded quota: maps, requested: count\/configmaps=1, used: count\/configmaps=40, limited: count\/configmaps=40$/,
    );
    const list = await server.http('GET', `${namespace}/configmaps`);
    expect(
      list.body.items.filter(({ metadata }: { metadata: { name: string } }) => metadata.name.startsWith('m-')),
    ).toHaveLength(40);
    const maps = await server.http('GET', `${namespace}/resourcequotas/maps`);
    expect(maps.body.status.used).toEqual({ 'count/configmaps': '40' });
    const also = await server.http('GET', `${namespace}/resourcequotas/also`);
    expect(also.body.status.used).toEqual({ configmaps: '40' });
  });

  it('charges nothing for a trial, and refuses while it does not know what is used', async () => {
    await quota('secrets', { 'count/secrets': '1' }, { 'count/secrets': '0' });
    const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' } });
    expect((await server.http('POST', `${namespace}/secrets?dryRun=All`, secret('trial'))).status).toBe(201);
    expect((await server.http('POST', `${namespace}/secrets`, secret('real'))).status).toBe(201);
    expect((await server.http('POST', `${namespace}/secrets?dryRun=All`, secret('more'))).status).toBe(403);
    await quota('services', { services: '5' }, {});
    const { body } = await server.http('POST', `${namespace}/services`, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', namespace: 'default' },
      spec: { ports: [{ port: 80 }] },
    });
    expect(body.message).toBe('services "s" is forbidden: status unknown for quota: services, resources: services');
  });

  it('says that there is no room for what is there already, and charges nothing for it', async () => {
    const path = '/api/v1/namespaces/full';
    await server.http('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'full' },
    });
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } };
    expect((await server.http('POST', `${path}/secrets`, secret)).status).toBe(201);
    await quota('secrets', { secrets: '2' }, { secrets: '1' }, 'full');
    expect((await server.http('POST', `${path}/secrets`, secret)).status).toBe(409);
    const { body } = await server.http('GET', `${path}/resourcequotas/secrets`);
    expect(body.status.used).toEqual({ secrets: '1' });
    await quota('none', { secrets: '1' }, { secrets: '1' }, 'full');
    expect((await server.http('POST', `${path}/secrets`, secret)).body.message).toBe(
      'secrets "s" is forbidden: exceeded quota: none, requested: secrets=1, used: secrets=1, limited: secrets=1',
    );
  });

  it('charges a pod to another quota when it is given a time limit, and nothing when it is merely changed', async () => {
    const path = '/api/v1/namespaces/timed';
    const merge = { 'content-type': 'application/merge-patch+json' };
    await server.http('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'timed' },
    });
    expect((await server.http('POST', `${path}/pods`, pod('p', { metadata: { namespace: 'timed' } }))).status).toBe(
      201,
    );
    await quota('limited', { pods: '1' }, { pods: '0' }, 'timed', ['Terminating']);
    const label = await server.http('PATCH', `${path}/pods/p`, { metadata: { labels: { a: 'b' } } }, merge);
    expect(label.status).toBe(200);
    const usedOf = async () => (await server.http('GET', `${path}/resourcequotas/limited`)).body.status.used;
    expect(await usedOf()).toEqual({ pods: '0' });
    const timed = await server.http('PATCH', `${path}/pods/p`, { spec: { activeDeadlineSeconds: 60 } }, merge);
    expect(timed.status).toBe(200);
    expect(await usedOf()).toEqual({ pods: '1' });
    expect((await server.http('POST', `${path}/pods`, pod('q', { metadata: { namespace: 'timed' } }))).status).toBe(
      201,
    );
    const beyond = await server.http('PATCH', `${path}/pods/q`, { spec: { activeDeadlineSeconds: 60 } }, merge);
    expect(beyond.body.message).toBe(
      'pods "q" is forbidden: exceeded quota: limited, requested: pods=1, used: pods=1, limited: pods=1',
    );
  });

  it('tells what it does not know before what there is no room for, of updates, too', async () => {
    const path = '/api/v1/namespaces/unknown';
    const merge = { 'content-type': 'application/merge-patch+json' };
    await server.http('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'unknown' },
    });
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } };
    expect((await server.http('POST', `${path}/services`, service)).status).toBe(201);
    await quota('a-full', { services: '1' }, { services: '1' }, 'unknown');
    await quota('b-unknown', { services: '1' }, {}, 'unknown');
    const forbidden = 'is forbidden: status unknown for quota: b-unknown, resources: services';
    const created = await server.http('POST', `${path}/services`, { ...service, metadata: { name: 't' } });
    expect(created.body.message).toBe(`services "t" ${forbidden}`);
    const updated = await server.http('PATCH', `${path}/services/s`, { metadata: { labels: { a: 'b' } } }, merge);
    expect(updated.body.message).toBe(`services "s" ${forbidden}`);
  });
});
