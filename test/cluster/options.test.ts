import { describe, expect, it } from 'vitest';
import { namespaces } from '../../src/client/index.ts';
import { Cluster } from '../../src/cluster/index.ts';
import { ClusterOptionsError, planNodes } from '../../src/cluster/options.ts';

describe('node plans', () => {
  it('number nodes from 0', () => {
    expect(planNodes(3).map(({ name }) => name)).toEqual(['node-0', 'node-1', 'node-2']);
  });

  it('are one node unless told otherwise, and none for 0', () => {
    expect(planNodes()).toHaveLength(1);
    expect(planNodes(0)).toEqual([]);
  });

  it('take groups with names, labels, taints and capacity of their own', () => {
    const taint = { key: 'gpu', effect: 'NoSchedule' };
    const plans = planNodes([
      { count: 2, prefix: 'gpu', labels: { kind: 'gpu' }, taints: [taint], capacity: { cpu: '8' } },
      { name: 'edge' },
    ]);
    expect(plans.map(({ name }) => name)).toEqual(['gpu-0', 'gpu-1', 'edge']);
    expect(plans[1]).toMatchObject({ labels: { kind: 'gpu' }, taints: [taint], capacity: { cpu: '8' } });
  });

  it('are dealt over zones in turn', () => {
    const plans = planNodes([{ count: 4, zones: 3 }]);
    expect(plans.map(({ name, zone, region }) => [name, zone, region])).toEqual([
      ['node-0', 'zone-1', 'region-1'],
      ['node-1', 'zone-2', 'region-1'],
      ['node-2', 'zone-3', 'region-1'],
      ['node-3', 'zone-1', 'region-1'],
    ]);
    expect(() => planNodes([{ zones: 0 }])).toThrow('nodes: 0 is not a number of zones');
  });

  it('refuse counts that are none and names that are taken', () => {
    expect(() => planNodes(-1)).toThrow(ClusterOptionsError);
    expect(() => planNodes(1.5)).toThrow(/1.5 is not a whole number/);
    expect(() => planNodes([{ count: 1 }, { count: 2 }])).toThrow(/two nodes would be called "node-0"/);
  });
});

describe('a runtime configuration', () => {
  it('is refused before anything starts when it names what is not there', () => {
    const check = (runtimeConfig: Record<string, string>) => () => Cluster.check({ runtimeConfig });
    expect(check({ 'example.com/v1': 'true' })).toThrow(ClusterOptionsError);
    expect(check({ 'apps/v9': 'true' })).toThrow('group version apps/v9 that has not been registered');
    expect(check({ 'api/beta': 'true', 'apps/v1beta1': 'true' })).not.toThrow();
  });

  it('tells controllers what there is: what is only in alpha goes with its namespace, too', async () => {
    const cluster = await Cluster.start({
      nodes: 0,
      threads: 'inline',
      clock: 'virtual',
      https: false,
      // Admission gives groups a finalizer, which the second of them takes off.
      components: ['apiserver', 'namespace-controller', 'podgroup-protection-controller'],
      runtimeConfig: { 'api/alpha': 'true' },
    });
    const groups = {
      group: 'scheduling.k8s.io',
      version: 'v1alpha2',
      resource: 'podgroups',
      kind: 'PodGroup',
      namespaced: true,
    };
    const { client } = cluster;
    await client.create(namespaces, { metadata: { name: 'gone' } });
    await client.create(groups, {
      metadata: { name: 'gang', namespace: 'gone' },
      spec: { schedulingPolicy: { basic: {} } },
    } as never);
    await client.delete(namespaces, { name: 'gone' });
    await cluster.settled();
    expect((await client.list(groups)).items).toEqual([]);
    await expect(client.get(namespaces, { name: 'gone' })).rejects.toMatchObject({ code: 404 });
    await cluster.stop();
  });
});
