/** The cloud controller manager over the simulated cloud, as a user with a real kubectl sees it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Kubectl, kubectl, newestKubectl } from '../support/kubectl.ts';
import { eventually, type Up, up } from '../support/up.ts';

const binary = newestKubectl();
const timeout = { timeout: 180_000 };
const patienceMs = 60_000;
const uninitialized = 'node.cloudprovider.kubernetes.io/uninitialized';

let cluster: Up;
let k: Kubectl;
const field = (kind: string, name: string, path: string) => k.ok(['get', kind, name, '-o', `jsonpath={${path}}`]);
const becomes = (read: () => Promise<string>, wanted: RegExp) =>
  eventually(async () => wanted.test(await read()), patienceMs);
/** Reasons and messages of the events of an object, in their order. */
const eventsOf = (kind: string, name: string) =>
  k.ok([
    'get',
    'events',
    `--field-selector=involvedObject.kind=${kind},involvedObject.name=${name}`,
    '-o',
    'custom-columns=R:.reason,M:.message',
    '--no-headers',
  ]);
const records = () => k.ok(['-n', 'kube-system', 'get', 'configmap', 'simulated-cloud', '-o', 'jsonpath={.data}']);
const setInstance = (name: string, instance: object) => {
  const patch = JSON.stringify({ data: { [`instance.${name}`]: JSON.stringify(instance) } });
  return k.ok(['-n', 'kube-system', 'patch', 'configmap', 'simulated-cloud', '--type=merge', '-p', patch]);
};
/** Registers a Node as the kubelet of a machine that the cloud knows would. */
const register = (name: string) => {
  const spec = { taints: [{ key: uninitialized, value: 'true', effect: 'NoSchedule' }] };
  const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }];
  const status = { addresses: [{ type: 'Hostname', address: name }], conditions };
  return k.ok(
    ['create', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name }, spec, status }),
  );
};
const setReady = (name: string, status: string) =>
  k.ok([
    'patch',
    'node',
    name,
    '--subresource=status',
    '-p',
    JSON.stringify({ status: { conditions: [{ type: 'Ready', status }] } }),
  ]);
const createService = (name: string, more: object = {}) =>
  k.ok(
    ['create', '-f', '-'],
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80 }], ...more },
    }),
  );
const address = (name: string) => field('service', name, '.status.loadBalancer.ingress[0].ip');

// Skipped, by name in the report, where no kubectl is installed: these tests are about real ones.
describe.skipIf(binary === undefined)('a cluster with a cloud', () => {
  beforeAll(async () => {
    cluster = await up(['--nodes', '2', '--components', 'all,cloud']);
    k = kubectl(binary ?? '', cluster.kubeconfig);
  }, 120_000);
  afterAll(async () => {
    expect(await cluster.stop('SIGINT'), cluster.output()).toBe(0);
  });

  it('makes its own nodes known to the cloud, routes them, and runs pods on them', timeout, async () => {
    for (const name of ['node-0', 'node-1']) {
      await becomes(() => field('node', name, '.spec.providerID'), new RegExp(`^simulated://${name}$`));
      expect(await field('node', name, '.spec.taints[*].key')).not.toContain(uninitialized);
      await becomes(
        () => field('node', name, '.status.conditions[?(@.type=="NetworkUnavailable")]'),
        /"message":"RouteController created a route","reason":"RouteCreated","status":"False"/,
      );
      await becomes(() => eventsOf('Node', name), /^Synced\s+Node synced successfully$/m);
    }
    await becomes(records, /route\.node-0.*route\.node-1/);
    await k.ok(['create', 'deployment', 'app', '--image=app:1', '--replicas=2']);
    await k.ok(['rollout', 'status', 'deployment/app', '--timeout=60s']);
  });

  it('sees a machine come, be shut down, and vanish', timeout, async () => {
    await becomes(records, /route/);
    await setInstance('vm', { instanceType: 'm1', zone: 'z1', region: 'r1', externalIP: '198.19.0.7' });
    await register('vm');
    await becomes(() => field('node', 'vm', '.spec.providerID'), /^simulated:\/\/vm$/);
    expect(await field('node', 'vm', '.spec.taints[*].key')).not.toContain(uninitialized);
    expect(await field('node', 'vm', '.metadata.labels')).toMatch(/"node.kubernetes.io\/instance-type":"m1"/);
    expect(await field('node', 'vm', '.metadata.labels')).toMatch(/"topology.kubernetes.io\/zone":"z1"/);
    await becomes(() => k.ok(['get', 'node', 'vm', '-o', 'wide']), /198\.19\.0\.7/);

    await setInstance('vm', { state: 'shutdown' });
    await setReady('vm', 'Unknown');
    await becomes(
      () => field('node', 'vm', '.spec.taints'),
      /"effect":"NoSchedule","key":"node.cloudprovider.kubernetes.io\/shutdown"/,
    );
    await setInstance('vm', { state: 'running' });
    await setReady('vm', 'True');
    await eventually(
      async () => !(await field('node', 'vm', '.spec.taints[*].key')).includes('cloudprovider'),
      patienceMs,
    );

    await setInstance('vm', { state: 'gone' });
    await setReady('vm', 'False');
    await eventually(async () => (await k.run(['get', 'node', 'vm'])).code === 1, patienceMs);
    await becomes(
      () => eventsOf('Node', 'vm'),
      /^DeletingNode\s+Deleting node vm because it does not exist in the cloud provider$/m,
    );
  });

  it('gives a Service a load balancer, follows its changes, and takes it away', timeout, async () => {
    await createService('web', { loadBalancerSourceRanges: ['192.0.2.0/24'] });
    await becomes(() => address('web'), /^198\.18\.0\.\d+$/);
    expect(await field('service', 'web', '.metadata.finalizers[*]')).toBe(
      'service.kubernetes.io/load-balancer-cleanup',
    );
    await becomes(() => eventsOf('Service', 'web'), /^EnsuredLoadBalancer\s+Ensured load balancer$/m);
    await becomes(() => eventsOf('Service', 'web'), /^EnsuringLoadBalancer\s+Ensuring load balancer$/m);
    expect(await records()).toContain('192.0.2.0/24');

    await k.ok(['patch', 'service', 'web', '-p', '{"spec":{"loadBalancerSourceRanges":["198.51.100.0/24"]}}']);
    await becomes(records, /198\.51\.100\.0\/24/);
    await k.ok(['label', 'node', 'node-1', 'node.kubernetes.io/exclude-from-external-load-balancers=true']);
    await becomes(() => eventsOf('Service', 'web'), /^UpdatedLoadBalancer\s+Updated load balancer with new hosts$/m);
    await becomes(records, /\\"nodes\\":\[\\"node-0\\"\]/);
    // Since 1.32 what has changed in a Service is logged, not told by events.
    expect(await eventsOf('Service', 'web')).not.toContain('LoadBalancerSourceRanges');

    await k.ok(['delete', 'service', 'web', '--timeout=60s']);
    await becomes(() => eventsOf('Service', 'web'), /^DeletedLoadBalancer\s+Deleted load balancer$/m);
    await becomes(() => eventsOf('Service', 'web'), /^DeletingLoadBalancer\s+Deleting load balancer$/m);
    expect(await records()).not.toContain('loadbalancer.');
  });

  it('keeps the Service when it turns to another type, and gives the address back', timeout, async () => {
    await createService('turns');
    await becomes(() => address('turns'), /^198\.18\.0\.\d+$/);
    await k.ok(['patch', 'service', 'turns', '-p', '{"spec":{"type":"ClusterIP"}}']);
    await eventually(async () => (await address('turns')) === '', patienceMs);
    await eventually(async () => (await field('service', 'turns', '.metadata.finalizers')) === '', patienceMs);
    await becomes(() => eventsOf('Service', 'turns'), /^DeletedLoadBalancer\s+Deleted load balancer$/m);
    await k.ok(['delete', 'service', 'turns', '--timeout=60s']);
  });

  it('leaves a Service of another class alone', timeout, async () => {
    await createService('other', { loadBalancerClass: 'example.com/other' });
    // The next one is served after it would have been.
    await createService('after');
    await becomes(() => address('after'), /^198\.18\.0\.\d+$/);
    expect(await address('other')).toBe('');
    expect(await eventsOf('Service', 'other')).toBe('');
    await k.ok(['delete', 'service', 'other', 'after', '--timeout=60s']);
  });
});
