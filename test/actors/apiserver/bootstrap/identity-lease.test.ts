/** The Lease of an API server: made, renewed, put back when it is taken away; and taken away when nobody renews it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leases } from '../../../../src/client/index.ts';
import { startServer, type TestServer } from '../fixtures.ts';

const namespace = 'kube-system';
/** The first 16 bytes of the SHA-256 of `node-a` in base 32. */
const own = 'apiserver-mzlq74c2eb2aimee2swksqut54';
const identityLabel = 'apiserver.kubernetes.io/identity';
const start = Date.parse('2026-01-01T00:00:00Z');
const virtual = { clock: 'virtual', startTime: start } as const;
let server: TestServer;
afterEach(() => server.stop());
const names = async () => (await server.client.list(leases, { namespace })).items.map(({ metadata }) => metadata?.name);

describe('a server with a name', () => {
  beforeEach(async () => {
    server = await startServer({ hostname: 'node-a' }, virtual);
    await server.system.settled();
  });

  it('has a Lease that says who it is', async () => {
    const lease = await server.client.get(leases, { namespace, name: own });
    expect(lease.metadata?.labels).toEqual({ [identityLabel]: 'kube-apiserver', 'kubernetes.io/hostname': 'node-a' });
    expect(lease.spec).toEqual({
      holderIdentity: expect.stringMatching(`^${own}_[0-9a-f-]{36}$`),
      leaseDurationSeconds: 3600,
      renewTime: '2026-01-01T00:00:00.000000Z',
    });
  });

  it('renews it every ten seconds, with whatever others wrote into it', async () => {
    const key = { namespace, name: own };
    const note = { metadata: { labels: { note: 'mine', [identityLabel]: null } } };
    await server.client.patch(leases, key, 'merge', note);
    await server.system.advance(10_500);
    const { metadata, spec } = await server.client.get(leases, key);
    expect(metadata?.labels).toMatchObject({ note: 'mine', [identityLabel]: 'kube-apiserver' });
    expect(spec?.renewTime).toBe('2026-01-01T00:00:10.000000Z');
  });

  it('makes it again when somebody takes it away', async () => {
    await server.client.delete(leases, { namespace, name: own });
    expect(await names()).toEqual([]);
    await server.system.advance(10_500);
    expect(await names()).toEqual([own]);
  });

  it('takes away those of servers that went an hour ago, and no others', async () => {
    const labels = { [identityLabel]: 'kube-apiserver' };
    const renewed = (minute: number) => new Date(start + minute * 60_000).toISOString().replace('Z', '000Z');
    const make = (name: string, spec: object, more: object = { labels }) =>
      server.client.create(leases, { metadata: { name, namespace, ...more }, spec });
    await make('gone', { renewTime: renewed(-10), leaseDurationSeconds: 3600 });
    await make('lately-gone', { renewTime: renewed(30), leaseDurationSeconds: 3600 });
    await make('says-nothing', { holderIdentity: 'x' });
    await make('kube-scheduler', { renewTime: renewed(-10), leaseDurationSeconds: 15 }, {});
    await server.system.advance(3_600_500);
    expect((await names()).sort()).toEqual([own, 'kube-scheduler', 'lately-gone'].sort());
  });
});

it('without a name has none', async () => {
  server = await startServer({}, virtual);
  await server.system.advance(20_000);
  expect(await names()).toEqual([]);
});
