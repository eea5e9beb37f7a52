import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isStatusError } from '../../../../src/api/index.ts';
import { configMaps } from '../../../../src/client/index.ts';
import { configMap, startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;
const namespace = '/api/v1/namespaces/default';

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false });
});
afterAll(() => server.stop());

async function quota(name: string, hard: Record<string, string>, used: Record<string, string>): Promise<void> {
  const path = `${namespace}/resourcequotas`;
  await server.http('POST', path, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name, namespace: 'default' },
    spec: { hard },
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
});
