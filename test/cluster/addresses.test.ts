import { describe, expect, it } from 'vitest';
import { deployments, endpointSlices, nodes, pods, services } from '../../src/client/index.ts';
import { Cluster, type ClusterOptions } from '../../src/cluster/index.ts';

const inline = { threads: 'inline', clock: 'virtual', https: false } as const;

const web = {
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx:1.25' }] } },
  },
};

describe('a cluster of two address families', () => {
  it('gives nodes, pods, Services and their slices addresses of both', async () => {
    const cluster = await Cluster.start({ ...inline, nodes: 1, serviceCidr: '10.96.0.0/16,fd00:10:96::/112' });
    const { client } = cluster;
    await client.create(deployments, web);
    const ports = [{ port: 80 }];
    const spec = { selector: { app: 'web' }, ipFamilyPolicy: 'RequireDualStack', ports };
    await client.create(services, { metadata: { name: 'web', namespace: 'default' }, spec });
    await cluster.settled();
    const node = await client.get(nodes, { name: 'node-0' });
    expect(node.spec?.podCIDRs).toEqual(['10.128.0.0/24', 'fd00:10:128::/64']);
    const internal = (node.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
    expect(internal.map(({ address }) => address)).toEqual(['172.16.0.1', 'fd00:172:16::1']);
    for (const pod of (await client.list(pods)).items) {
      expect(pod.status?.podIPs?.map(({ ip }) => ip)).toEqual([
        expect.stringMatching(/^10\.128\.0\./),
        expect.stringMatching(/^fd00:10:128::/),
      ]);
      expect(pod.status?.hostIPs).toHaveLength(2);
    }
    const slices = (await client.list(endpointSlices)).items.filter(({ metadata }) =>
      metadata?.name?.startsWith('web-'),
    );
    expect(slices.map(({ addressType }) => addressType).sort()).toEqual(['IPv4', 'IPv6']);
    for (const { endpoints } of slices) expect(endpoints).toHaveLength(2);
    await cluster.stop();
  });

  it('takes the networks of its pods from those that are given', async () => {
    const podCidr = '10.50.0.0/16,fd00:50::/56';
    const serviceCidr = '10.96.0.0/16,fd00:10:96::/112';
    const cluster = await Cluster.start({ ...inline, nodes: 2, serviceCidr, podCidr });
    await cluster.client.create(deployments, web);
    await cluster.settled();
    const ranges = (await cluster.client.list(nodes)).items.map(({ spec }) => spec?.podCIDRs);
    expect(ranges).toEqual(
      expect.arrayContaining([
        ['10.50.0.0/24', 'fd00:50::/64'],
        ['10.50.1.0/24', 'fd00:50:0:1::/64'],
      ]),
    );
    for (const { status } of (await cluster.client.list(pods)).items) {
      expect(status?.podIPs?.[0]?.ip).toMatch(/^10\.50\./);
      expect(status?.podIPs?.[1]?.ip).toMatch(/^fd00:50:/);
    }
    await cluster.stop();
  });
});

describe('ranges of addresses', () => {
  it.each<[Partial<ClusterOptions>, string]>([
    [{ serviceCidr: '10.96.0.0' }, 'serviceCidr: "10.96.0.0" is not a range of IP addresses'],
    [{ serviceCidr: '10.96.0.0/16,10.97.0.0/16' }, 'serviceCidr: give one range, or one of IPv4 and one of IPv6'],
    [{ serviceCidr: '10.96.0.0/31' }, 'a range of Services is a /30 or larger in IPv4'],
    [{ serviceCidr: 'fd00::/48' }, 'between /64 and /126 in IPv6'],
    [{ podCidr: 'pods' }, 'podCidr: "pods" is not a range of IP addresses'],
  ])('are refused before anything starts: %o', (options, text) => {
    expect(() => Cluster.check(options)).toThrow(text);
  });
});
