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

  it('leave out pods whose node is not known, and say so', async () => {
    await cluster.client.create(pods, {
      metadata: { name: 'stray', namespace, labels: { app: 'web' } },
      spec: { nodeName: 'gone', containers: [{ name: 'c', image: 'pause:1' }] },
    });
    await cluster.runPods(namespace);
    expect((await slices()).flatMap(({ endpoints: listed }) => listed ?? [])).toEqual([]);
    const { subsets } = await cluster.client.get(endpoints, { namespace, name: 'web' });
    expect(subsets?.[0]?.addresses).toHaveLength(1);
    const { items } = await cluster.client.list(coreEvents, { namespace });
    expect(items.map(({ reason, message }) => `${reason}: ${message}`)).toContain(
      'FailedToUpdateEndpointSlices: Error updating Endpoint Slices for Service default/web: skipping Pod stray for Service default/web: Node gone Not Found',
    );
    await cluster.addNode('gone');
    await cluster.system.advance(10_000);
    await cluster.system.settled();
    expect((await slices()).flatMap(({ endpoints: listed }) => listed ?? [])).toHaveLength(1);
  });

  it('replace slices that carry the labels but belong to nobody', async () => {
    await cluster.system.settled();
    await cluster.client.create(endpointSlices, {
      metadata: {
        name: 'foreign',
        namespace,
        labels: {
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.9.9.9'] }],
      ports: [],
    });
    await cluster.system.settled();
    expect((await slices()).map(({ metadata }) => metadata?.name)).not.toContain('foreign');
    expect(await slices()).toHaveLength(1);
  });

  it('mirror at most a thousand addresses of a subset, without what only Endpoints say, and say so', async () => {
    await cluster.client.create(services, { metadata: { name: 'manual', namespace }, spec: { ports: [{ port: 80 }] } });
    await cluster.client.create(endpoints, {
      metadata: {
        name: 'manual',
        namespace,
        annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z', team: 'a' },
      },
      subsets: [
        {
          addresses: Array.from({ length: 1_002 }, (_, at) => ({ ip: `10.1.${at >> 8}.${at & 255}` })),
          ports: [{ port: 80 }],
        },
      ],
    });
    await cluster.system.settled();
    const { items } = await cluster.client.list(endpointSlices, { namespace });
    const mirrored = items.filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === 'manual');
    expect(mirrored.map(({ endpoints: listed }) => listed?.length)).toEqual([1_000]);
    expect(mirrored[0]?.metadata?.annotations).toEqual({ team: 'a' });
    const { items: told } = await cluster.client.list(coreEvents, { namespace });
    expect(told.find(({ reason }) => reason === 'TooManyAddressesToMirror')).toMatchObject({
      message:
        'A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 2 addresses were skipped',
      source: { component: 'endpoint-slice-mirroring-controller' },
    });
  });

  it('mirror what several subsets say of the same addresses as one', async () => {
    const metadata = { name: 'manual', namespace };
    await cluster.client.create(services, { metadata, spec: { ports: [{ port: 80 }] } });
    const http = { name: 'http', port: 80 };
    const dns = { name: 'dns', port: 53, protocol: 'UDP' };
    const odd = { name: 'odd', port: 9 };
    await cluster.client.create(endpoints, {
      metadata,
      subsets: [
        { addresses: [{ ip: '10.1.0.1' }], ports: [http] },
        { addresses: [{ ip: '10.1.0.1' }], ports: [dns] },
        { addresses: [{ ip: '10.1.0.2' }], ports: [odd] },
        { notReadyAddresses: [{ ip: '10.1.0.2' }], ports: [odd] },
      ],
    });
    await cluster.system.settled();
    const { items } = await cluster.client.list(endpointSlices, { namespace });
    const mirrored = items.filter(
      ({ metadata: { labels } = {} }) => labels?.['kubernetes.io/service-name'] === 'manual',
    );
    const shown = mirrored.map(({ ports, endpoints: listed }) => [
      ports?.map(({ name }) => name).sort(),
      listed?.map(({ addresses, conditions }) => [addresses[0], conditions?.ready]),
    ]);
    expect(shown.sort()).toEqual([
      [['dns', 'http'], [['10.1.0.1', true]]],
      [['odd'], [['10.1.0.2', false]]],
    ]);
  });

  it('tell how many endpoints each mirroring added, changed, took away and skipped', async () => {
    const metadata = { name: 'manual', namespace };
    const ports = [{ port: 80 }];
    const write = (...ips: string[]) =>
      cluster.client.patch(endpoints, metadata, 'merge', {
        subsets: [{ addresses: ips.map((ip) => ({ ip, nodeName: ips.length === 1 ? 'n1' : 'n2' })), ports }],
      });
    await cluster.client.create(services, { metadata, spec: { ports } });
    await cluster.client.create(endpoints, { metadata });
    await cluster.system.settled();
    await write('10.1.0.1', '10.1.0.2', '10.1.0.3');
    await cluster.system.settled();
    await write('10.1.0.1');
    await cluster.system.settled();
    const text = await cluster.system.metricsText();
    const sum = (name: string) =>
      Number(new RegExp(`^endpoint_slice_mirroring_controller_${name}_sum(?:\\{.*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
    expect(sum('endpoints_added_per_sync')).toBe(3);
    expect(sum('endpoints_updated_per_sync')).toBe(1);
    expect(sum('endpoints_removed_per_sync')).toBe(2);
    expect(sum('addresses_skipped_per_sync')).toBe(0);
    expect(sum('endpoints_sync_duration')).toBeGreaterThanOrEqual(0);
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
