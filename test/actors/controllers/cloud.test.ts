/** The controllers of the cloud over the simulated one, and the networks of nodes. */
import { afterEach, describe, expect, it } from 'vitest';
import { isNotFound } from '../../../src/api/index.ts';
import { configMaps, coreEvents, nodes, pods, services } from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
let cluster: TestCluster;
afterEach(() => cluster.stop());

const settled = () => cluster.system.settled();
async function eventsAbout(name: string): Promise<string[]> {
  await settled();
  const { items } = await cluster.client.list(coreEvents);
  return items
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ type, reason, message }) => `${type} ${reason} ${message}`);
}
const cloudKey = { namespace: 'kube-system', name: 'simulated-cloud' };
async function records(prefix: string): Promise<Record<string, unknown>[]> {
  const data = (await cluster.client.get(configMaps, cloudKey)).data ?? {};
  const names = Object.keys(data).filter((name) => name.startsWith(prefix));
  return names.map((name) => JSON.parse(data[name] ?? '') as Record<string, unknown>);
}
const setInstance = (name: string, state: string) =>
  cluster.client.create(configMaps, { metadata: cloudKey, data: { [`instance.${name}`]: JSON.stringify({ state }) } });
const setReady = (name: string, status: string) =>
  cluster.client.patch(
    nodes,
    { name },
    'strategic',
    { status: { conditions: [{ type: 'Ready', status }] } },
    { subresource: 'status' },
  );

describe('service-lb-controller', () => {
  const key = { namespace, name: 'web' };
  const start = async (...names: string[]) => {
    cluster = await startCluster(['service-lb-controller']);
    for (const name of names) await cluster.addNode(name);
    await settled();
    await cluster.client.create(services, {
      metadata: key,
      spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    await settled();
  };
  const change = async (spec: object) => {
    await cluster.client.patch(services, key, 'merge', { spec });
    await settled();
  };
  const hosts = async () => {
    await settled();
    return (await records('loadbalancer.'))[0]?.['nodes'];
  };

  it('tells of making and taking away, and keeps the Service until it is done', async () => {
    await start('n1');
    expect((await cluster.client.get(services, key)).metadata?.finalizers).toEqual([
      'service.kubernetes.io/load-balancer-cleanup',
    ]);
    expect(await eventsAbout('web')).toEqual([
      'Normal EnsuringLoadBalancer Ensuring load balancer',
      'Normal EnsuredLoadBalancer Ensured load balancer',
    ]);
    await cluster.client.delete(services, key);
    expect((await eventsAbout('web')).slice(2)).toEqual([
      'Normal DeletingLoadBalancer Deleting load balancer',
      'Normal DeletedLoadBalancer Deleted load balancer',
    ]);
    await expect(cluster.client.get(services, key)).rejects.toSatisfy(isNotFound);
    expect(await records('loadbalancer.')).toEqual([]);
  });

  it('keeps nodes that are not ready, and leaves out those that are excluded, or about to go', async () => {
    await start('n1', 'n2', 'n3', 'n4');
    expect(await hosts()).toEqual(['n1', 'n2', 'n3', 'n4']);
    await setReady('n1', 'False');
    const taints = [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }];
    await cluster.client.patch(nodes, { name: 'n3' }, 'merge', { spec: { taints } });
    expect(await hosts()).toEqual(['n1', 'n2', 'n3', 'n4']);
    const labels = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
    await cluster.client.patch(nodes, { name: 'n2' }, 'merge', { metadata: { labels } });
    expect(await hosts()).toEqual(['n1', 'n4']);
    expect(await eventsAbout('web')).toContain('Normal UpdatedLoadBalancer Updated load balancer with new hosts');
  });

  it('tells the cloud again when a node comes to be known to it', async () => {
    await start('n1');
    expect(await eventsAbout('web')).not.toContain('Normal UpdatedLoadBalancer Updated load balancer with new hosts');
    await cluster.client.patch(nodes, { name: 'n1' }, 'merge', { spec: { providerID: 'simulated://n1' } });
    expect(await eventsAbout('web')).toContain('Normal UpdatedLoadBalancer Updated load balancer with new hosts');
  });

  it('warns when there is no node', async () => {
    await start();
    expect(await eventsAbout('web')).toContain(
      'Warning UnAvailableLoadBalancer There are no available nodes for LoadBalancer',
    );
  });

  it.each<[string, object]>([
    ['with source ranges', { loadBalancerSourceRanges: ['10.0.0.0/8'] }],
    ['with an address', { loadBalancerIP: '198.18.9.9' }],
    ['with an external address', { externalIPs: ['192.0.2.1'] }],
    ['with a local policy', { externalTrafficPolicy: 'Local' }],
    ['with other ports', { ports: [{ port: 81 }] }],
    ['with a protocol above', { ports: [{ port: 80, appProtocol: 'http' }] }],
  ])('is made again for a Service %s, which is not told of', async (_what, spec) => {
    await start('n1');
    await change(spec);
    const { items } = await cluster.client.list(coreEvents, { namespace });
    expect(items.map(({ reason, count }) => [reason, count])).toEqual([
      ['EnsuringLoadBalancer', 2],
      ['EnsuredLoadBalancer', 2],
    ]);
  });

  it('goes when the Service is of another type', async () => {
    await start('n1');
    await change({ type: 'ClusterIP' });
    expect((await eventsAbout('web')).slice(2)).toEqual([
      'Normal DeletingLoadBalancer Deleting load balancer',
      'Normal DeletedLoadBalancer Deleted load balancer',
    ]);
  });

  it.each([
    ['true', false],
    ['', false],
    ['false', true],
    ['0', true],
    ['no', false],
  ])('reads the label that excludes a node as Go reads a boolean: %s', async (value, included) => {
    await start('n1', 'n2');
    const labels = { 'node.kubernetes.io/exclude-from-external-load-balancers': value };
    await cluster.client.patch(nodes, { name: 'n2' }, 'merge', { metadata: { labels } });
    expect(await hosts()).toEqual(included ? ['n1', 'n2'] : ['n1']);
  });

  it('says in what it failed', async () => {
    await start('n1');
    const other = { namespace, name: 'other' };
    const [ingress] = (await cluster.client.get(services, key)).status?.loadBalancer?.ingress ?? [];
    await cluster.client.create(services, {
      metadata: other,
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }], loadBalancerIP: ingress?.ip ?? '' },
    });
    expect(await eventsAbout('other')).toContain(
      `Warning SyncLoadBalancerFailed Error syncing load balancer: failed to ensure load balancer: the address ${ingress?.ip} is in use by another load balancer`,
    );
    const failures = async () => {
      const { items } = await cluster.client.list(coreEvents, { namespace });
      return items.find(({ reason }) => reason === 'SyncLoadBalancerFailed')?.count;
    };
    await cluster.system.advance(4_000);
    expect(await failures()).toBe(1);
    await cluster.system.advance(2_000);
    await settled();
    expect(await failures()).toBe(2);
  });
});

describe('cloud-node-controller', () => {
  const uninitialized = { key: 'node.cloudprovider.kubernetes.io/uninitialized', value: 'true', effect: 'NoSchedule' };
  const instance = (more: object) =>
    cluster.client.create(configMaps, { metadata: cloudKey, data: { 'instance.n1': JSON.stringify(more) } });
  const register = (labels: Record<string, string> = {}) =>
    cluster.client.create(nodes, {
      metadata: { name: 'n1', labels },
      spec: { taints: [uninitialized] },
      status: { addresses: [{ type: 'Hostname', address: 'n1' }] },
    });
  const get = () => cluster.client.get(nodes, { name: 'n1' });

  it('tells what the cloud knows, takes the taint away, and looks at addresses later', async () => {
    cluster = await startCluster(['cloud-node-controller']);
    await instance({ instanceType: 'm1', zone: 'z1', region: 'r1', externalIP: '198.19.0.7' });
    await register();
    await settled();
    const { metadata, spec, status } = await get();
    expect(spec?.providerID).toBe('simulated://n1');
    expect(spec?.taints?.map(({ key }) => key) ?? []).not.toContain(uninitialized.key);
    expect(metadata?.labels).toMatchObject({
      'node.kubernetes.io/instance-type': 'm1',
      'beta.kubernetes.io/instance-type': 'm1',
      'topology.kubernetes.io/zone': 'z1',
      'failure-domain.beta.kubernetes.io/zone': 'z1',
      'topology.kubernetes.io/region': 'r1',
      'failure-domain.beta.kubernetes.io/region': 'r1',
    });
    const addresses = [
      { type: 'Hostname', address: 'n1' },
      { type: 'ExternalIP', address: '198.19.0.7' },
    ];
    expect(status?.addresses).toEqual(addresses);
    expect(await eventsAbout('n1')).toEqual(['Normal Synced Node synced successfully']);
    const data = { 'instance.n1': JSON.stringify({ externalIP: '198.19.0.8' }) };
    await cluster.client.patch(configMaps, cloudKey, 'merge', { data });
    await cluster.system.advance(300_000);
    await settled();
    expect((await get()).status?.addresses).toContainEqual({ type: 'ExternalIP', address: '198.19.0.8' });
  });

  it('keeps the taint while the cloud has no such instance', async () => {
    cluster = await startCluster(['cloud-node-controller']);
    await instance({ state: 'gone' });
    await register();
    await settled();
    const { spec } = await get();
    expect([spec?.providerID, spec?.taints?.some(({ key }) => key === uninitialized.key)]).toEqual([undefined, true]);
  });

  it('has the labels of now say what those of old say', async () => {
    cluster = await startCluster(['cloud-node-controller']);
    const labels = {
      'topology.kubernetes.io/zone': 'z1',
      'failure-domain.beta.kubernetes.io/zone': 'other',
      'topology.kubernetes.io/region': 'r1',
    };
    await cluster.client.create(nodes, { metadata: { name: 'n1', labels } });
    await settled();
    expect((await get()).metadata?.labels).toEqual({ ...labels, 'topology.kubernetes.io/zone': 'other' });
  });
});

describe('cloud-node-lifecycle-controller', () => {
  const shutdown = { key: 'node.cloudprovider.kubernetes.io/shutdown', effect: 'NoSchedule' };

  it('taints a node whose instance is shut down, until it is ready again', async () => {
    cluster = await startCluster(['cloud-node-lifecycle-controller']);
    await setInstance('n1', 'shutdown');
    await cluster.addNode('n1');
    await setReady('n1', 'Unknown');
    await settled();
    const taints = async () => {
      const { spec } = await cluster.client.get(nodes, { name: 'n1' });
      return spec?.taints?.filter(({ key }) => key.startsWith('node.cloudprovider')) ?? [];
    };
    expect(await taints()).toEqual([shutdown]);
    const data = { 'instance.n1': JSON.stringify({ state: 'running' }) };
    await cluster.client.patch(configMaps, cloudKey, 'merge', { data });
    await cluster.system.advance(20_000);
    await settled();
    expect(await taints()).toEqual([shutdown]);
    await setReady('n1', 'True');
    await settled();
    expect(await taints()).toEqual([]);
  });

  it('deletes a node whose instance is gone, and says so', async () => {
    cluster = await startCluster(['cloud-node-lifecycle-controller']);
    await setInstance('n1', 'gone');
    await cluster.addNode('n1');
    await settled();
    await cluster.client.get(nodes, { name: 'n1' });
    await setReady('n1', 'False');
    await settled();
    await expect(cluster.client.get(nodes, { name: 'n1' })).rejects.toSatisfy(isNotFound);
    expect(await eventsAbout('n1')).toEqual([
      'Normal DeletingNode Deleting node n1 because it does not exist in the cloud provider',
    ]);
  });
});

describe('cloud-node-lifecycle-controller and new nodes', () => {
  it('gives the cloud a minute to hear of a node that it is yet to be told of', async () => {
    cluster = await startCluster(['cloud-node-lifecycle-controller']);
    await setInstance('n1', 'gone');
    const taints = [{ key: 'node.cloudprovider.kubernetes.io/uninitialized', effect: 'NoSchedule' }];
    await cluster.client.create(nodes, { metadata: { name: 'n1' }, spec: { taints } });
    await cluster.system.advance(55_000);
    await cluster.client.get(nodes, { name: 'n1' });
    await cluster.system.advance(10_000);
    await settled();
    await expect(cluster.client.get(nodes, { name: 'n1' })).rejects.toSatisfy(isNotFound);
  });
});

describe('node-ipam-controller and node-route-controller', () => {
  it('give each node a network of each family, and route them', async () => {
    cluster = await startCluster(['node-ipam-controller', 'node-route-controller'], {
      clusterCidr: '10.244.0.0/23,fd00:1::/48',
    });
    await cluster.addNode('n1');
    await settled();
    const { spec, status } = await cluster.client.get(nodes, { name: 'n1' });
    expect([spec?.podCIDR, spec?.podCIDRs]).toEqual(['10.244.0.0/24', ['10.244.0.0/24', 'fd00:1::/64']]);
    expect(await records('route.')).toEqual([{ destinationCidr: '10.244.0.0/24', others: ['fd00:1::/64'] }]);
    expect(status?.conditions?.find(({ type }) => type === 'NetworkUnavailable')).toMatchObject({
      status: 'False',
      reason: 'RouteCreated',
      message: 'RouteController created a route',
    });
    await cluster.client.delete(nodes, { name: 'n1' });
    await settled();
    expect(await records('route.')).toEqual([]);
  });

  it('make a route again that somebody took away, and take one away that leads nowhere', async () => {
    cluster = await startCluster(['node-ipam-controller', 'node-route-controller'], { clusterCidr: '10.244.0.0/23' });
    await cluster.addNode('n1');
    await settled();
    const foreign = '{"destinationCidr":"192.168.0.0/24"}';
    const data = { 'route.n1': null, 'route.gone': '{"destinationCidr":"10.244.1.0/24"}', 'route.other': foreign };
    await cluster.client.patch(configMaps, cloudKey, 'merge', { data });
    await cluster.system.advance(10_000);
    await settled();
    expect((await cluster.client.get(configMaps, cloudKey)).data).toEqual({
      'route.n1': '{"destinationCidr":"10.244.0.0/24"}',
      'route.other': foreign,
    });
  });

  it('tell of a node for which none is left, and give it that of one that goes', async () => {
    cluster = await startCluster(['node-ipam-controller'], {
      clusterCidr: '10.244.0.0/22',
      nodeCidrMaskSize: 24,
      serviceCidrs: ['10.244.2.0/23'],
    });
    for (const name of ['n1', 'n2', 'n3']) {
      await cluster.addNode(name);
      await settled();
    }
    const networkOf = async (name: string) => (await cluster.client.get(nodes, { name })).spec?.podCIDR;
    expect([await networkOf('n1'), await networkOf('n2'), await networkOf('n3')]).toEqual([
      '10.244.0.0/24',
      '10.244.1.0/24',
      undefined,
    ]);
    expect(await eventsAbout('n3')).toEqual(['Normal CIDRNotAvailable Node n3 status is now: CIDRNotAvailable']);
    await cluster.client.delete(nodes, { name: 'n2' });
    await cluster.system.advance(60_000);
    await settled();
    expect(await networkOf('n3')).toBe('10.244.1.0/24');
    const told = (await cluster.system.metricsText())
      .split('\n')
      .filter((line) => /^(node_ipam_controller_.*(total|cidrs|sum|count)|running_managed_controllers)\{/.test(line))
      .map((line) => line.replace(/[\w]*="(?!10\.244\.0\.0\/22|nodeipam|kube-controller-manager)[^"]*",?/g, ''));
    expect(told.sort()).toEqual([
      'node_ipam_controller_cidrset_allocation_tries_per_request_count{clusterCIDR="10.244.0.0/22"} 3',
      'node_ipam_controller_cidrset_allocation_tries_per_request_sum{clusterCIDR="10.244.0.0/22"} 3',
      'node_ipam_controller_cidrset_cidrs_allocations_total{clusterCIDR="10.244.0.0/22"} 5',
      'node_ipam_controller_cidrset_cidrs_releases_total{clusterCIDR="10.244.0.0/22"} 1',
      'node_ipam_controller_cidrset_usage_cidrs{clusterCIDR="10.244.0.0/22"} 1',
      'node_ipam_controller_cirdset_max_cidrs{clusterCIDR="10.244.0.0/22"} 4',
      'running_managed_controllers{name="nodeipam",manager="kube-controller-manager"} 1',
    ]);
  });
});

describe('node-ipam-controller', () => {
  it('tells of a network that it could not write, and gives it away', async () => {
    cluster = await startCluster(['node-ipam-controller'], { clusterCidr: '10.244.0.0/24' });
    const allow = await cluster.refuse('UPDATE', '', 'nodes', "object.metadata.name == 'n1'");
    await cluster.addNode('n1');
    await cluster.system.advance(100);
    expect(await eventsAbout('n1')).toContain(
      'Normal CIDRAssignmentFailed Node n1 status is now: CIDRAssignmentFailed',
    );
    await cluster.addNode('n2');
    await cluster.system.advance(100);
    expect((await cluster.client.get(nodes, { name: 'n2' })).spec?.podCIDR).toBe('10.244.0.0/24');
    await allow();
  });
});

describe('pod-garbage-collector-controller', () => {
  it('marks a pod that it deletes as failed, and one that has ended as nothing', async () => {
    cluster = await startCluster(['pod-garbage-collector-controller']);
    const containers = [{ name: 'c', image: 'pause:1' }];
    for (const name of ['runs', 'ended']) {
      const metadata = { name, namespace, finalizers: ['example.com/hold'] };
      await cluster.client.create(pods, { metadata, spec: { nodeName: 'gone', containers } });
    }
    const status = { phase: 'Succeeded' };
    await cluster.client.patch(pods, { namespace, name: 'ended' }, 'merge', { status }, { subresource: 'status' });
    const metadata = { name: 'waits', namespace, finalizers: ['example.com/hold'] };
    await cluster.client.create(pods, { metadata, spec: { containers } });
    await cluster.client.delete(pods, { namespace, name: 'waits' });
    await cluster.system.advance(60_000);
    await settled();
    const read = async (name: string) => {
      const { status: found } = await cluster.client.get(pods, { namespace, name });
      return [found?.phase, found?.conditions?.map(({ type, reason }) => `${type} ${reason}`)];
    };
    expect(await read('runs')).toEqual(['Failed', ['DisruptionTarget DeletionByPodGC']]);
    expect(await read('ended')).toEqual(['Succeeded', undefined]);
    expect(await read('waits')).toEqual(['Failed', undefined]);
  });
});
