/** A small cluster for controller tests: memory store, API server and the controllers named, inline under the virtual clock. */
import { apiserverActor } from '../../../actors/apiserver/index.ts';
import { controllerActor, controllers } from '../../../actors/controllers/index.ts';
import { storeActor } from '../../../actors/store/index.ts';
import type { Node, Pod } from '../../../src/api/index.ts';
import {
  type Client,
  createBusClient,
  nodes,
  pods,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
} from '../../../src/client/index.ts';
import type { ControllerSettings } from '../../../src/controller/index.ts';
import { ActorSystem, type LogRecord, memorySink } from '../../../src/runtime/index.ts';

const admin = { user: 'admin', groups: ['system:masters'], userAgent: 'test' };

export interface TestCluster {
  readonly system: ActorSystem;
  readonly client: Client;
  readonly settings: ControllerSettings;
  readonly logs: readonly LogRecord[];
  /** Makes a Node that is Ready. */
  addNode(name: string, labels?: Record<string, string>): Promise<Node>;
  /** Acts as the kubelet for the pods of a namespace that match: makes them Running and ready, with an address. */
  runPods(namespace: string, test?: (pod: Pod) => boolean): Promise<void>;
  /** Acts as the kubelet: lets go of the pods that are being deleted. */
  finishDeletions(namespace: string): Promise<void>;
  /** Starts one more controller, now. */
  startController(name: string): Promise<void>;
  /** Has the API server refuse such a request from now on; the answer lets it pass again. */
  refuse(operation: 'DELETE' | 'UPDATE', group: string, resource: string, when?: string): Promise<() => Promise<void>>;
  /** How many objects of a resource have been read one by one, by whomever. */
  readsOf(resource: string): Promise<number>;
  stop(): Promise<void>;
}

export interface TestClusterOptions {
  /** Same seed, same run. Default 1. */
  readonly seed?: number;
  /** Controllers ask for what they need alone, as they do when each has a thread. Default false. */
  readonly alone?: boolean;
}

export async function startCluster(
  names: readonly string[],
  settings: ControllerSettings = {},
  { seed = 1, alone = false }: TestClusterOptions = {},
): Promise<TestCluster> {
  const sink = memorySink();
  const system = new ActorSystem({
    placement: 'inline',
    clock: 'virtual',
    seed,
    startTime: Date.parse('2026-01-01T00:00:00Z'),
    log: sink,
  });
  await system.start([
    { definition: storeActor },
    {
      definition: apiserverActor,
      options: {
        serviceAccountAdmission: false,
        ...(settings.runtimeConfig === undefined ? {} : { runtimeConfig: settings.runtimeConfig }),
        ...(settings.features === undefined ? {} : { features: settings.features }),
      },
    },
  ]);
  const startController = async (name: string): Promise<void> => {
    if (!controllers.some((controller) => controller.name === name)) throw new Error(`no controller ${name}`);
    const identity = {
      user: `system:serviceaccount:kube-system:${name}`,
      groups: ['system:masters'],
      userAgent: 'kube-controller-manager',
    };
    await system.start({
      definition: controllerActor,
      address: name,
      options: { controller: name, settings, alone },
      identity,
    });
  };
  for (const name of names) await startController(name);
  const connection = await system.connect('test', admin);
  const client = createBusClient(connection.bus);
  await system.settled();
  let address = 0;

  async function patchStatus(pod: Pod, status: Record<string, unknown>): Promise<void> {
    const { namespace, name = '' } = pod.metadata ?? {};
    await client.patch(pods, { namespace, name }, 'merge', { status }, { subresource: 'status' });
  }

  return {
    system,
    client,
    settings,
    logs: sink.records,
    startController,
    async refuse(operation, group, resource, when = 'true') {
      const metadata = { name: 'refuse' };
      const resourceRules = [
        { apiGroups: [group], apiVersions: ['*'], resources: [resource], operations: [operation] },
      ];
      await client.create(validatingAdmissionPolicies, {
        metadata,
        spec: { matchConstraints: { resourceRules }, validations: [{ expression: `!(${when})`, message: 'no' }] },
      });
      await client.create(validatingAdmissionPolicyBindings, {
        metadata,
        spec: { policyName: metadata.name, validationActions: ['Deny'] },
      });
      await system.settled();
      return async () => {
        await client.delete(validatingAdmissionPolicyBindings, metadata);
        await system.settled();
      };
    },
    addNode: (name, labels = {}) =>
      client.create(nodes, {
        metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
        status: {
          capacity: { cpu: '4', memory: '8Gi', pods: '110' },
          allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
          conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }],
        },
      }),
    async runPods(namespace, test = () => true) {
      const { items } = await client.list(pods, { namespace });
      for (const pod of items) {
        if (pod.status?.phase !== 'Pending' || pod.metadata?.deletionTimestamp !== undefined || !test(pod)) continue;
        const podIP = `10.99.0.${++address}`;
        await patchStatus(pod, {
          phase: 'Running',
          podIP,
          podIPs: [{ ip: podIP }],
          conditions: [
            { type: 'Ready', status: 'True', lastTransitionTime: new Date(system.clock.now()).toISOString() },
          ],
        });
      }
      await system.settled();
    },
    async finishDeletions(namespace) {
      const { items } = await client.list(pods, { namespace });
      for (const pod of items) {
        if (pod.metadata?.deletionTimestamp === undefined) continue;
        await client.delete(pods, { namespace, name: pod.metadata.name ?? '' }, { gracePeriodSeconds: 0 });
      }
      await system.settled();
    },
    async readsOf(resource) {
      const reads = /^apiserver_request_total\{.*verb="GET"/;
      return (await system.metricsText())
        .split('\n')
        .filter((line) => reads.test(line) && line.includes(`resource="${resource}"`))
        .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
    },
    stop: () => system.stop(),
  };
}
