import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { coreEvents, endpointSlices, endpoints, pods, services } from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';

describe('endpoint controllers', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await startCluster([
      'endpoints-controller',
      'endpointslice-controller',
      'endpointslice-mirroring-controller',
      'garbage-collector-controller',
    ]);
    await cluster.addNode('n1', { 'topology.kubernetes.io/zone': 'z1' });
    await cluster.client.create(services, {
      metadata: { name: 'web', namespace },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
    });
  });
  afterEach(() => cluster.stop());

  const addPod = (name: string) =>
    cluster.client.create(pods, {
      metadata: { name, namespace, labels: { app: 'web' } },
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'pause:1' }] },
    });
  const slices = async () => {
    const { items } = await cluster.client.list(endpointSlices, { namespace });
    return items.filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === 'web');
  };

  it('list the ready pods of a Service with node and zone, and follow them', async () => {
    await cluster.system.settled();
    expect((await slices()).map(({ endpoints: listed }) => listed?.length ?? 0)).toEqual([0]);
    await addPod('a');
    await cluster.runPods(namespace);
    const [slice] = await slices();
    expect(slice).toMatchObject({
      ports: [{ name: '', port: 8080, protocol: 'TCP' }],
      endpoints: [{ conditions: { ready: true }, nodeName: 'n1', zone: 'z1', targetRef: { kind: 'Pod', name: 'a' } }],
    });
    const { subsets } = await cluster.client.get(endpoints, { namespace, name: 'web' });
    expect(subsets).toMatchObject([{ addresses: [{ targetRef: { name: 'a' } }], ports: [{ port: 8080 }] }]);
    await cluster.client.delete(pods, { namespace, name: 'a' });
    await cluster.system.settled();
    expect((await slices())[0]?.endpoints?.[0]?.conditions).toEqual({ ready: false, serving: true, terminating: true });
    await cluster.finishDeletions(namespace);
    expect((await slices())[0]?.endpoints ?? []).toEqual([]);
  });

  it('are hinted for zones while the Service asks for it, with an event when that begins and ends', async () => {
    await cluster.addNode('n2', { 'topology.kubernetes.io/zone': 'z2' });
    const annotate = (mode: string | null) =>
      cluster.client.patch(services, { namespace, name: 'web' }, 'merge', {
        metadata: { annotations: { 'service.kubernetes.io/topology-mode': mode } },
      });
    await annotate('Auto');
    await Promise.all(['a', 'b', 'c', 'd'].map(addPod));
    await cluster.runPods(namespace);
    const hints = async () =>
      (await slices()).flatMap(({ endpoints: listed }) => listed?.map((each) => each.hints?.forZones?.[0]?.name) ?? []);
    expect((await hints()).sort()).toEqual(['z1', 'z1', 'z2', 'z2']);
    await annotate(null);
    await cluster.system.settled();
    expect(await hints()).toEqual([undefined, undefined, undefined, undefined]);
    const { items } = await cluster.client.list(coreEvents, { namespace });
    const last = items.filter(({ reason }) => reason?.startsWith('TopologyAware')).map(({ message }) => message);
    expect(last).toContain('Topology Aware Hints has been enabled, addressType: IPv4');
    expect(last).toContain('Topology Aware Hints has been disabled, addressType: IPv4');
  });

  it('go with their Service', async () => {
    await addPod('a');
    await cluster.runPods(namespace);
    await cluster.client.delete(services, { namespace, name: 'web' });
    await cluster.system.settled();
    expect(await slices()).toEqual([]);
    const { items } = await cluster.client.list(endpoints, { namespace });
    expect(items.map(({ metadata }) => metadata?.name)).not.toContain('web');
  });

  it('spread over slices of at most a hundred endpoints', async () => {
    await Promise.all(Array.from({ length: 150 }, (_, at) => addPod(`p${at}`)));
    await cluster.runPods(namespace);
    const sizes = (await slices()).map(({ endpoints: listed }) => listed?.length ?? 0);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(150);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
  });
});
