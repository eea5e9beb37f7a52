import { afterEach, beforeEach, expect, it } from 'vitest';
import { nodes, podMetrics, pods } from '../../src/client/index.ts';
import { kubeletAddress, nodeChannels } from '../../src/node/protocol.ts';
import { defineActor } from '../../src/runtime/index.ts';
import { startServer, type TestServer } from '../actors/apiserver/fixtures.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startServer({ resourceMetrics: true, serviceAccountAdmission: false });
});
afterEach(() => server.stop());

it('lists what the server makes when it is asked for it', async () => {
  await server.client.create(nodes, { metadata: { name: 'n1' } });
  const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'pause:1' }] };
  const metadata = { name: 'p', namespace: 'default', labels: { app: 'web' } };
  const { metadata: created } = await server.client.create(pods, { metadata, spec });
  const key = { namespace: 'default', name: 'p' };
  await server.client.patch(pods, key, 'merge', { status: { phase: 'Running' } }, { subresource: 'status' });
  const uid = created?.uid ?? '';
  const kubelet = defineActor({
    name: 'kubelet',
    module: import.meta.url,
    start({ bus }) {
      const containers = [{ name: 'c', cpuMillis: 5, memoryBytes: 2048 }];
      const used = [{ namespace: 'default', name: 'p', uid, containers }];
      bus.serve(nodeChannels.summary, () => ({ nodeName: 'n1', time: 0, cpuMillis: 5, memoryBytes: 2048, pods: used }));
    },
  });
  await server.system.start({ definition: kubelet, address: kubeletAddress('n1') });
  const found = await server.client.list(podMetrics, { namespace: 'default', labelSelector: 'app=web' });
  expect(found.items).toMatchObject([
    { metadata: { name: 'p' }, containers: [{ name: 'c', usage: { cpu: '5000000n', memory: '2Ki' } }] },
  ]);
  expect((await server.client.list(podMetrics, { namespace: 'default', labelSelector: 'app=db' })).items).toEqual([]);
});

it('gives those who read some members of objects no maps of others, in lists and watches', async () => {
  const created = await server.client.create(pods, {
    metadata: { name: 'p', namespace: 'default' },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'pause:1' }] },
  });
  const { kind, apiVersion, metadata } = created;
  const options = { shared: true, members: ['metadata', 'spec.nodeName'] };
  const { items, resourceVersion } = await server.client.list(pods, options);
  expect(items).toEqual([{ kind, apiVersion, metadata, spec: { nodeName: 'n1' } }]);
  const seen: object[] = [];
  const subscription = server.client
    .watch(pods, { shared: true, members: ['spec.priority', 'spec.dnsPolicy', 'metadata'], resourceVersion })
    .subscribe((event) => event.type !== 'BOOKMARK' && seen.push(event.object));
  const patch = { metadata: { labels: { app: 'web' } } };
  const patched = await server.client.patch(pods, { namespace: 'default', name: 'p' }, 'merge', patch);
  await server.system.settled();
  subscription.unsubscribe();
  const spec = { priority: 0, dnsPolicy: 'ClusterFirst' };
  expect(seen).toEqual([{ kind, apiVersion, metadata: patched.metadata, spec }]);
});
