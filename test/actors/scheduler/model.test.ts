/** Whatever happens, in whatever order: no pod is lost, none is bound where it does not fit, and all are bound in the end. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { apiserverActor } from '../../../actors/apiserver/index.ts';
import { schedulerActor } from '../../../actors/scheduler/index.ts';
import { storeActor } from '../../../actors/store/index.ts';
import { isNotFound, type Pod } from '../../../src/api/index.ts';
import { type Client, createBusClient, nodes, pods } from '../../../src/client/index.ts';
import { ActorSystem } from '../../../src/runtime/index.ts';
import { makeNode } from '../../support/scheduling.ts';

type Step =
  | { do: 'pods'; count: number; cpu: number; urgent: boolean }
  | { do: 'delete'; pick: number }
  | { do: 'node' }
  | { do: 'drop node'; pick: number }
  | { do: 'crash' }
  | { do: 'settle' }
  | { do: 'wait'; seconds: number };

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pods' as const),
      count: fc.integer({ min: 1, max: 8 }),
      cpu: fc.constantFrom(300, 700, 1500),
      urgent: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'node' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop node' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'crash' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'settle' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 400 }) }) },
);

const namespace = 'default';
/** More seeds than usual, for a search by hand. */
const runs = Number(process.env['KUBEHIVE_MODEL_RUNS'] ?? 12);

class Model {
  readonly system: ActorSystem;
  readonly client: Client;
  #serial = 0;
  #nodes = 0;

  constructor(system: ActorSystem, client: Client) {
    this.system = system;
    this.client = client;
  }

  async addNode(cpu = '2'): Promise<void> {
    const name = `n${this.#nodes++}`;
    await this.client.create(nodes, makeNode(name, {}, {}, { cpu }));
    await this.client.patch(nodes, { name }, 'merge', { spec: { taints: null } });
  }

  async addPod(cpu: number, urgent: boolean): Promise<void> {
    await this.client.create(pods, {
      metadata: { name: `p${this.#serial++}`, namespace },
      spec: {
        terminationGracePeriodSeconds: 0,
        ...(urgent ? { priorityClassName: 'system-cluster-critical' } : {}),
        containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: `${cpu}m` } } }],
      },
    } as Pod);
  }

  async step(step: Step): Promise<void> {
    const { client, system } = this;
    if (step.do === 'pods') {
      await Promise.all(Array.from({ length: step.count }, () => this.addPod(step.cpu, step.urgent)));
    } else if (step.do === 'node') await this.addNode();
    else if (step.do === 'crash') await system.kill('scheduler');
    else if (step.do === 'settle') await system.settled();
    else if (step.do === 'wait') await system.advance(step.seconds * 1000);
    else {
      const resource = step.do === 'delete' ? pods : nodes;
      const { items } = await client.list<Pod>(resource as typeof pods, {});
      const picked = items[step.pick % Math.max(items.length, 1)]?.metadata;
      if (!picked) return;
      const key = { namespace: picked.namespace, name: picked.name! };
      // The scheduler may have preempted it meanwhile.
      await client.delete(resource as typeof pods, key, { gracePeriodSeconds: 0 }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }
  }

  /** Where each pod was seen first, by uid. */
  readonly #bound = new Map<string, string>();

  /** Pods of nodes that are gone stay bound to them here, since nobody collects them. */
  async check(): Promise<void> {
    const { items } = await this.client.list(pods, { namespace });
    const used = new Map<string, number>();
    for (const { metadata, spec } of items) {
      if (!spec?.nodeName) continue;
      const before = this.#bound.get(metadata!.uid!);
      expect(before ?? spec.nodeName, `node of ${metadata?.name}`).toBe(spec.nodeName);
      this.#bound.set(metadata!.uid!, spec.nodeName);
      const cpu = Number.parseInt(spec.containers[0]!.resources!.requests!['cpu']!, 10);
      const factor = spec.containers[0]!.resources!.requests!['cpu']!.endsWith('m') ? 1 : 1000;
      used.set(spec.nodeName, (used.get(spec.nodeName) ?? 0) + cpu * factor);
    }
    for (const [node, cpu] of used) expect(cpu, `millicores on ${node}`).toBeLessThanOrEqual(2000);
  }
}

test(
  'random events and crashes',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(stepArbitrary, { minLength: 5, maxLength: 30 }),
        fc.integer({ min: 1, max: 1000 }),
        async (steps, seed) => {
          const system = new ActorSystem({ placement: 'inline', clock: 'virtual', seed, log: () => {} });
          const identity = { user: 'system:kube-scheduler', groups: ['system:masters'], userAgent: 'kube-scheduler' };
          await system.start([
            { definition: storeActor },
            { definition: apiserverActor, options: { serviceAccountAdmission: false } },
            { definition: schedulerActor, identity, restart: { restartsMax: 100 } },
          ]);
          const { bus } = await system.connect('test', {
            user: 'admin',
            groups: ['system:masters'],
            userAgent: 'test',
          });
          const model = new Model(system, createBusClient(bus));
          await model.addNode();
          for (const step of steps) {
            await model.step(step);
            await model.check();
          }
          // Room for everybody: what still waits must find it.
          const { items: before } = await model.client.list(pods, { namespace });
          for (let i = 0; i < before.length; i++) await model.addNode();
          await system.settled();
          await system.advance(20_000);
          await system.settled();
          await model.check();
          const { items } = await model.client.list(pods, { namespace });
          expect(items.filter(({ spec }) => !spec?.nodeName).map(({ metadata }) => metadata?.name)).toEqual([]);
          expect(system.health().status).not.toBe('red');
          await system.stop();
        },
      ),
      { numRuns: runs, endOnFailure: true },
    );
  },
  runs * 20_000,
);
