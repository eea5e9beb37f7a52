/** A store, an API server and nodes, inline on the virtual clock: real parts on another floor. */

import { apiserverActor } from '../../../actors/apiserver/index.ts';
import { kubeletActor } from '../../../actors/kubelet/index.ts';
import { storeActor } from '../../../actors/store/index.ts';
import type { Event, Pod, PodSpec } from '../../../src/api/index.ts';
import { type Client, coreEvents, createBusClient, pods } from '../../../src/client/index.ts';
import type { KubeletOptions } from '../../../src/node/index.ts';
import { ActorSystem, memorySink } from '../../../src/runtime/index.ts';

export interface TestCluster {
  readonly system: ActorSystem;
  readonly client: Client;
  addNode(options: KubeletOptions): Promise<void>;
  /** Creates a pod that is bound already, as a scheduler would leave it. */
  addPod(name: string, spec?: Partial<PodSpec>, metadata?: Pod['metadata']): Promise<Pod>;
  pod(name: string): Promise<Pod>;
  /** `reason: message` of the events about an object, oldest first. */
  events(name: string): Promise<string[]>;
  stop(): Promise<void>;
}

export async function startCluster(): Promise<TestCluster> {
  const system = new ActorSystem({ placement: 'inline', clock: 'virtual', seed: 1, log: memorySink() });
  await system.start([
    { definition: storeActor },
    { definition: apiserverActor, options: { http: null, https: null, serviceAccountAdmission: false } },
  ]);
  const identity = { user: 'test', groups: ['system:masters'], userAgent: 'test' };
  const client = createBusClient(system.connect('test', identity).bus);
  return {
    system,
    client,
    async addNode(options) {
      const { nodeName } = options;
      await system.start({
        definition: kubeletActor,
        address: `kubelet/${nodeName}`,
        options,
        identity: { user: `system:node:${nodeName}`, groups: ['system:nodes'], userAgent: 'kubelet' },
      });
    },
    addPod(name, spec = {}, metadata = {}) {
      return client.create(pods, {
        metadata: { name, namespace: 'default', ...metadata },
        spec: { nodeName: 'node-1', containers: [{ name: 'app', image: 'nginx:1.27' }], ...spec },
      });
    },
    pod: (name) => client.get(pods, { namespace: 'default', name }),
    async events(name) {
      const { items } = await client.list(coreEvents, { fieldSelector: `involvedObject.name=${name}` });
      return items.sort(byRevision).map(({ reason, message }) => `${reason}: ${message}`);
    },
    stop: () => system.stop(),
  };
}

function byRevision(left: Event, right: Event): number {
  return Number(left.metadata?.resourceVersion) - Number(right.metadata?.resourceVersion);
}
