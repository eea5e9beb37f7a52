import { afterEach, describe, expect, it } from 'vitest';
import { ipAddresses, serviceCidrs, services } from '../../../../src/client/index.ts';
import { startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;
afterEach(() => server.stop());

const service = (name: string, spec: object = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: { ports: [{ port: 80 }], ...spec },
});
const of = (name: string) => ({ namespace: 'default', name });
const addressNames = async () => (await server.client.list(ipAddresses)).items.map(({ metadata }) => metadata?.name);

describe('Services of a dual-stack cluster', () => {
  it('hold an address of each family, give one back, and take it again', async () => {
    server = await startServer({ serviceCidr: '10.96.0.0/16,fd00:10:96::/112' });
    const { client } = server;
    const made = await client.create(services, service('web', { ipFamilyPolicy: 'PreferDualStack' }));
    const [first = '', second = ''] = made.spec?.clusterIPs ?? [];
    expect(made.spec?.clusterIP).toBe(first);
    expect(first).toMatch(/^10\.96\./);
    expect(second).toMatch(/^fd00:10:96::/);
    expect(await addressNames()).toEqual(expect.arrayContaining([first, second]));
    const family = (await client.get(ipAddresses, { name: second })).metadata?.labels;
    expect(family).toMatchObject({ 'ipaddress.kubernetes.io/ip-family': 'IPv6' });

    const narrowed = await client.patch(services, of('web'), 'merge', { spec: { ipFamilyPolicy: 'SingleStack' } });
    expect(narrowed.spec).toMatchObject({ clusterIP: first, clusterIPs: [first], ipFamilies: ['IPv4'] });
    expect(await addressNames()).not.toContain(second);

    const widened = await client.patch(services, of('web'), 'merge', { spec: { ipFamilyPolicy: 'RequireDualStack' } });
    expect(widened.spec?.clusterIPs).toEqual([first, expect.stringMatching(/^fd00:10:96::/)]);

    const external = { type: 'ExternalName', externalName: 'a.example', ports: null };
    await client.patch(services, of('web'), 'merge', { spec: external });
    expect(await addressNames()).not.toContain(first);
  });

  it('take an address however it is written, and no second time', async () => {
    server = await startServer({ serviceCidr: 'fd00::/112,10.96.0.0/24' });
    const { client } = server;
    const made = await client.create(services, service('a', { clusterIP: 'fd00::0:9' }));
    expect(made.spec).toMatchObject({ clusterIPs: ['fd00::0:9'], ipFamilies: ['IPv6'] });
    await expect(client.create(services, service('b', { clusterIP: 'fd00::9' }))).rejects.toThrow(
      'failed to allocate IP fd00::9: provided IP is already allocated',
    );
    expect((await client.get(services, of('kubernetes'))).spec).toMatchObject({ clusterIP: 'fd00::1' });
  });
});

describe('further ranges of Service addresses', () => {
  it('are used as soon as they are written, and no more when they go', async () => {
    server = await startServer({ serviceCidr: '10.96.0.0/29' });
    const { client } = server;
    for (let index = 0; index < 5; index++) await client.create(services, service(`s-${index}`));
    await expect(client.create(services, service('late'))).rejects.toThrow(
      'failed to allocate a serviceIP: range is full',
    );
    await expect(client.create(services, service('late', { clusterIP: '10.97.0.9' }))).rejects.toThrow(
      'failed to allocate IP 10.97.0.9: the provided network does not match the current range',
    );
    await client.create(serviceCidrs, { metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/24'] } });
    expect((await client.create(services, service('late', { clusterIP: '10.97.0.9' }))).spec?.clusterIP).toBe(
      '10.97.0.9',
    );
    expect((await client.create(services, service('later'))).spec?.clusterIP).toMatch(/^10\.97\.0\./);
    await client.delete(serviceCidrs, { name: 'more' });
    await expect(client.create(services, service('last'))).rejects.toThrow('range is full');
  });
});

describe('a dry run', () => {
  it('takes nothing, and shows what upstream shows', async () => {
    server = await startServer();
    const { client } = server;
    const spec = {
      type: 'NodePort',
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 81 },
      ],
    };
    const shown = await client.create(services, service('web', spec), { dryRun: true });
    expect(shown.spec?.clusterIP).toBe('10.96.0.0');
    expect(shown.spec?.ports?.map(({ nodePort }) => nodePort)).toEqual([32769, 32770]);
    expect(await addressNames()).toEqual(['10.96.0.1']);
  });
});
