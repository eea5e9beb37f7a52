import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kubeProxyActor } from '../../../actors/kube-proxy/index.ts';
import { endpointSlices, services } from '../../../src/client/index.ts';
import { proxyChannels, type RouteRequest } from '../../../src/network/index.ts';
import { startCluster, type TestCluster } from '../kubelet/fixtures.ts';

describe('kube-proxy', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await startCluster();
    await cluster.system.start(
      [1, 2].map((ordinal) => ({
        definition: kubeProxyActor,
        address: `kube-proxy/node-${ordinal}`,
        options: { nodeName: `node-${ordinal}` },
        identity: { user: 'system:kube-proxy', groups: ['system:masters'], userAgent: 'kube-proxy' },
      })),
    );
    await cluster.client.create(services, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ name: 'http', port: 80, nodePort: 30_080 }] },
    });
    await cluster.client.create(endpointSlices, slice(['10.1.0.1', '10.1.0.2']));
    await cluster.system.settled();
  });
  afterEach(() => cluster.stop());

  const route = (request: RouteRequest, node = 'node-1') =>
    cluster.system.bus.call(`kube-proxy/${node}`, proxyChannels.route, request);

  it('says where a connection to a Service goes, by name, by port and by address', async () => {
    const byName = await route({ service: 'default/web' });
    expect(byName).toMatchObject({ outcome: 'endpoint', service: 'default/web', portName: 'http', candidates: 2 });
    expect(await route({ service: 'default/web', port: 'http' })).toMatchObject({ outcome: 'endpoint' });
    expect(await route({ service: 'default/web', port: 80 })).toMatchObject({ outcome: 'endpoint' });
    expect(await route({ address: '172.16.0.2', port: 30_080 })).toMatchObject({
      outcome: 'endpoint',
      entry: 'node port',
    });
    expect(await route({ address: '172.16.0.3', port: 30_080 })).toMatchObject({ outcome: 'none' });
    expect(await route({ address: '172.16.0.3', port: 30_080 }, 'node-2')).toMatchObject({ entry: 'node port' });
  });

  it('reaches every endpoint in the end, and follows changes', async () => {
    const targets = new Set<string>();
    for (let round = 0; round < 40; round++) {
      const answer = await route({ service: 'default/web' });
      if (answer.outcome === 'endpoint') targets.add(answer.endpoint.ip);
    }
    expect([...targets].sort()).toEqual(['10.1.0.1', '10.1.0.2']);
    await cluster.client.patch(endpointSlices, { namespace: 'default', name: 'web-1' }, 'merge', slice(['10.1.0.9']));
    await cluster.system.settled();
    expect(await route({ service: 'default/web' }, 'node-2')).toMatchObject({
      endpoint: { ip: '10.1.0.9' },
      candidates: 1,
    });
    await cluster.client.delete(endpointSlices, { namespace: 'default', name: 'web-1' });
    await cluster.system.settled();
    expect(await route({ service: 'default/web' })).toMatchObject({ outcome: 'reject' });
    await cluster.client.delete(services, { namespace: 'default', name: 'web' });
    await cluster.system.settled();
    expect(await route({ service: 'default/web' })).toMatchObject({ outcome: 'none' });
  });

  it('tells what it does not know', async () => {
    expect(await route({ service: 'default/nobody' })).toEqual({
      outcome: 'none',
      reason: 'Service default/nobody has no cluster IP or does not exist',
    });
    expect(await route({ service: 'default/web', port: 81 })).toMatchObject({
      reason: 'Service default/web has no port 81',
    });
  });

  it('prints its rules in each form', async () => {
    const rules = async (mode: 'iptables' | 'ipvs' | 'nftables') =>
      (await cluster.system.bus.call('kube-proxy/node-1', proxyChannels.rules, { mode })).text;
    expect(await rules('iptables')).toContain('--to-destination 10.1.0.1:8080');
    expect(await rules('ipvs')).toContain('-a -t 172.16.0.2:30080 -r 10.1.0.2:8080 -m -w 1');
    expect(await rules('nftables')).toContain('dnat to 10.1.0.2:8080');
  });
});

function slice(addresses: string[]) {
  return {
    metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  };
}
