import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isNotFound } from '../../../src/api/index.ts';
import { leases, nodes, pods } from '../../../src/client/index.ts';
import { nodeChannels } from '../../../src/node/index.ts';
import { startCluster, type TestCluster } from './fixtures.ts';

describe('the kubelet', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await startCluster();
    await cluster.addNode({ nodeName: 'node-1' });
  });
  afterEach(() => cluster.stop());

  it('registers its Node as upstream does, with two writes', async () => {
    const node = await cluster.client.get(nodes, { name: 'node-1' });
    expect(node.metadata?.labels).toEqual({
      'beta.kubernetes.io/arch': 'amd64',
      'beta.kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
      'kubernetes.io/hostname': 'node-1',
      'kubernetes.io/os': 'linux',
    });
    expect(node.spec).toMatchObject({ podCIDR: '10.128.1.0/24', podCIDRs: ['10.128.1.0/24'] });
    expect(node.status?.capacity).toMatchObject({ cpu: '32', memory: '256Gi', pods: '110' });
    expect(node.status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`)).toEqual([
      'MemoryPressure=False KubeletHasSufficientMemory',
      'DiskPressure=False KubeletHasNoDiskPressure',
      'PIDPressure=False KubeletHasSufficientPID',
      'Ready=True KubeletReady',
    ]);
    expect(node.status?.nodeInfo?.kubeletVersion).toBe('v1.36.2');
    const lease = await cluster.client.get(leases, { namespace: 'kube-node-lease', name: 'node-1' });
    expect(lease.spec).toMatchObject({ holderIdentity: 'node-1', leaseDurationSeconds: 40 });
    expect(lease.metadata?.ownerReferences?.[0]?.uid).toBe(node.metadata?.uid);
  });

  it('renews its lease and reports its status without keeping the cluster unsettled', async () => {
    const before = await cluster.client.get(leases, { namespace: 'kube-node-lease', name: 'node-1' });
    await cluster.system.settled();
    await cluster.system.advance(11_000);
    const after = await cluster.client.get(leases, { namespace: 'kube-node-lease', name: 'node-1' });
    expect(after.spec?.renewTime).not.toBe(before.spec?.renewTime);
    const node = await cluster.client.get(nodes, { name: 'node-1' });
    await cluster.system.advance(300_000);
    const later = await cluster.client.get(nodes, { name: 'node-1' });
    const ready = (one: typeof node) => one.status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready(later)?.lastHeartbeatTime).not.toBe(ready(node)?.lastHeartbeatTime);
    expect(ready(later)?.lastTransitionTime).toBe(ready(node)?.lastTransitionTime);
  });

  it('makes a lease anew that was deleted', async () => {
    await cluster.client.delete(leases, { namespace: 'kube-node-lease', name: 'node-1' });
    await cluster.system.advance(11_000);
    await cluster.system.settled();
    await cluster.client.get(leases, { namespace: 'kube-node-lease', name: 'node-1' });
  });

  it('runs a pod with one write of its status and reports upstream events', async () => {
    const created = await cluster.addPod('web');
    const versions: string[] = [];
    const watch = cluster.client
      .watch(pods, { namespace: 'default', resourceVersion: created.metadata?.resourceVersion })
      .subscribe((event) => {
        if (event.type !== 'BOOKMARK') versions.push(`${event.type} ${event.object.status?.phase}`);
      });
    await cluster.system.settled();
    const pod = await cluster.pod('web');
    expect(pod.status).toMatchObject({
      phase: 'Running',
      qosClass: 'BestEffort',
      podIP: '10.128.1.2',
      hostIP: '172.16.0.2',
      startTime: expect.any(String),
      containerStatuses: [{ name: 'app', ready: true, restartCount: 0, image: 'docker.io/library/nginx:1.27' }],
    });
    expect(pod.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ]);
    expect(versions).toEqual(['MODIFIED Running']);
    const events = await cluster.events('web');
    expect(events.map((event) => event.split(':')[0])).toEqual(['Pulling', 'Pulled', 'Created', 'Started']);
    watch.unsubscribe();
  });

  it('ends a deleted pod: Killing, the final status, then the object is gone', async () => {
    await cluster.addPod('web');
    await cluster.system.settled();
    const seen: string[] = [];
    const { metadata } = await cluster.pod('web');
    const watch = cluster.client
      .watch(pods, { namespace: 'default', resourceVersion: metadata?.resourceVersion })
      .subscribe((event) => {
        if (event.type !== 'BOOKMARK') seen.push(`${event.type} ${event.object.status?.phase}`);
      });
    await cluster.client.delete(pods, { namespace: 'default', name: 'web' });
    await cluster.system.settled();
    await expect(cluster.pod('web')).rejects.toSatisfy(isNotFound);
    // The second Succeeded is the API server's own: it notes the grace period of 0 before it removes the object.
    expect(seen).toEqual(['MODIFIED Running', 'MODIFIED Succeeded', 'MODIFIED Succeeded', 'DELETED Succeeded']);
    expect(await cluster.events('web')).toContain('Killing: Stopping container app');
    watch.unsubscribe();
  });

  it('ends a pod that is deleted in its back-off', async () => {
    await cluster.addPod('crash', { containers: [{ name: 'app', image: 'busybox', command: ['false'] }] });
    await cluster.system.settled();
    await cluster.system.advance(1000);
    expect((await cluster.pod('crash')).status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe(
      'CrashLoopBackOff',
    );
    await cluster.client.delete(pods, { namespace: 'default', name: 'crash' });
    await cluster.system.settled();
    await expect(cluster.pod('crash')).rejects.toSatisfy(isNotFound);
  });

  it('leaves the object to finalizers and writes no more', async () => {
    await cluster.addPod('web', {}, { finalizers: ['example.com/hold'] });
    await cluster.system.settled();
    await cluster.client.delete(pods, { namespace: 'default', name: 'web' });
    await cluster.system.settled();
    const held = await cluster.pod('web');
    expect(held.status?.phase).toBe('Succeeded');
    await cluster.system.advance(60_000);
    expect((await cluster.pod('web')).metadata?.resourceVersion).toBe(held.metadata?.resourceVersion);
    await cluster.client.patch(pods, { namespace: 'default', name: 'web' }, 'merge', {
      metadata: { finalizers: null },
    });
    await cluster.system.settled();
    await expect(cluster.pod('web')).rejects.toSatisfy(isNotFound);
  });

  it('forgets a pod that was removed by force and gives its address away', async () => {
    await cluster.addPod('web');
    await cluster.system.settled();
    await cluster.client.delete(pods, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 });
    await cluster.addPod('web');
    await cluster.system.settled();
    expect((await cluster.pod('web')).status?.phase).toBe('Running');
  });

  it('writes nothing about a pod that is deleted without grace, as the watch is about to tell', async () => {
    await cluster.addPod('web');
    await cluster.system.settled();
    await cluster.client.delete(pods, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 });
    await cluster.system.advance(5_000);
    const requests = (await cluster.system.metricsText())
      .split('\n')
      .filter((line) => line.startsWith('apiserver_request_total') && line.includes('resource="pods"'));
    expect(requests.some((line) => line.includes('verb="DELETE"') && line.includes('code="200"'))).toBe(true);
    expect(requests.filter((line) => line.includes('code="404"'))).toEqual([]);
  });

  it('rejects what does not fit as upstream does', async () => {
    const resources = { requests: { cpu: '33' } };
    await cluster.addPod('big', { containers: [{ name: 'app', image: 'nginx', resources }] });
    await cluster.addPod('away', { nodeSelector: { disk: 'ssd' } });
    await cluster.system.settled();
    expect((await cluster.pod('big')).status).toMatchObject({
      phase: 'Failed',
      reason: 'OutOfcpu',
      message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 33000, used: 0, capacity: 32000",
    });
    expect((await cluster.pod('away')).status).toMatchObject({ phase: 'Failed', reason: 'NodeAffinity' });
    await cluster.client.delete(pods, { namespace: 'default', name: 'big' });
    await cluster.system.settled();
    await expect(cluster.pod('big')).rejects.toSatisfy(isNotFound);
  });

  it('reads its labels again before it rejects for affinity', async () => {
    await cluster.client.patch(nodes, { name: 'node-1' }, 'merge', { metadata: { labels: { disk: 'ssd' } } });
    await cluster.addPod('near', { nodeSelector: { disk: 'ssd' } });
    await cluster.system.settled();
    expect((await cluster.pod('near')).status?.phase).toBe('Running');
  });

  it('takes its pods over after a restart without touching them', async () => {
    await cluster.addPod('web');
    await cluster.addPod('done', {
      restartPolicy: 'Never',
      containers: [{ name: 'app', image: 'busybox', command: ['true'] }],
    });
    await cluster.system.settled();
    const before = [await cluster.pod('web'), await cluster.pod('done')];
    await cluster.system.restart('kubelet/node-1');
    await cluster.system.settled();
    await cluster.system.advance(1000);
    expect([await cluster.pod('web'), await cluster.pod('done')]).toEqual(before);
    await cluster.client.delete(pods, { namespace: 'default', name: 'web' });
    await cluster.system.settled();
    await expect(cluster.pod('web')).rejects.toSatisfy(isNotFound);
  });

  it('ends pods that vanished while it was away', async () => {
    await cluster.addPod('web');
    await cluster.system.settled();
    await cluster.system.remove('kubelet/node-1');
    await cluster.client.delete(pods, { namespace: 'default', name: 'web' });
    await cluster.addNode({ nodeName: 'node-1' });
    await cluster.system.settled();
    await expect(cluster.pod('web')).rejects.toSatisfy(isNotFound);
  });

  it('goes on when the API server comes back', async () => {
    await cluster.addPod('early');
    await cluster.system.settled();
    await cluster.system.restart('apiserver');
    await cluster.addPod('late');
    await cluster.system.settled();
    expect((await cluster.pod('late')).status?.phase).toBe('Running');
    await cluster.client.delete(pods, { namespace: 'default', name: 'early' });
    await cluster.system.settled();
    await expect(cluster.pod('early')).rejects.toSatisfy(isNotFound);
  });

  it('serves logs, also of the container before, and follows them to their end', async () => {
    const work = { name: 'app', image: 'busybox', command: ['sh', '-c', 'echo one; sleep 5; echo two; exit 1'] };
    await cluster.addPod('web', { containers: [work] });
    await cluster.addPod('plain');
    await cluster.system.advance(1);
    const read = async (pod: string, more = {}): Promise<string> => {
      let text = '';
      const request = { namespace: 'default', pod, container: 'app', ...more };
      await new Promise<void>((resolve, reject) => {
        cluster.system.bus.open('kubelet/node-1', nodeChannels.logs, request).subscribe({
          next: (chunk) => {
            text += new TextDecoder().decode(chunk);
          },
          error: reject,
          complete: resolve,
        });
        void cluster.system.advance(5000);
      });
      return text;
    };
    expect(await read('web', { follow: true })).toBe('one\ntwo\n');
    expect(await read('web', { previous: true, tailLines: 1 })).toBe('two\n');
    expect(await read('web', { timestamps: true, tailLines: 1 })).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z \w+\n$/);
    expect(await read('plain')).toBe('app of default/plain runs nginx:1.27 (simulated)\n');
    await expect(read('plain', { previous: true })).rejects.toMatchObject({
      message: 'previous terminated container "app" in pod "plain" not found',
      details: { code: 400, reason: 'BadRequest' },
    });
    await expect(read('nobody')).rejects.toMatchObject({ details: { code: 404 } });
  });
});

describe('a kubelet with static pods', () => {
  it('shows a mirror of each, with its status, and makes it anew when it is deleted', async () => {
    const cluster = await startCluster();
    const manifest = {
      metadata: { name: 'proxy', namespace: 'kube-system' },
      spec: { containers: [{ name: 'app', image: 'proxy:1' }] },
    };
    await cluster.addNode({ nodeName: 'node-1', staticPods: [manifest] });
    await cluster.system.settled();
    const key = { namespace: 'kube-system', name: 'proxy-node-1' };
    const mirror = await cluster.client.get(pods, key);
    expect(mirror.status?.phase).toBe('Running');
    expect(mirror.metadata?.annotations?.['kubernetes.io/config.source']).toBe('file');
    expect(mirror.metadata?.ownerReferences?.[0]).toMatchObject({ kind: 'Node', name: 'node-1' });
    await cluster.client.delete(pods, key);
    await cluster.system.settled();
    const again = await cluster.client.get(pods, key);
    expect(again.metadata?.uid).not.toBe(mirror.metadata?.uid);
    expect(again.status?.containerStatuses?.[0]?.containerID).toBe(mirror.status?.containerStatuses?.[0]?.containerID);
    await cluster.stop();
  });
});
