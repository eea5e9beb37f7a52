/** Builds pods, nodes and a scheduler without an API, for tests and the core benchmark. The clock is virtual. */
import { plugins } from '../../actors/scheduler/index.ts';
import type { Node, NodeSpec, Pod, PodSpec } from '../../src/api/index.ts';
import { ActorMetrics, type Clock, seededRandom, VirtualClock } from '../../src/runtime/index.ts';
import {
  type Attempt,
  type Explanations,
  FeatureGates,
  type PluginDefinition,
  parseConfiguration,
  Scheduler,
  type SchedulerDependencies,
} from '../../src/scheduling/index.ts';
import { type StaticObjects, staticInformers } from './static-informers.ts';

export function makeNode(
  name: string,
  labels: Record<string, string> = {},
  spec: NodeSpec = {},
  allocatable = {},
): Node {
  const resources = { cpu: '4', memory: '8Gi', pods: '110', 'ephemeral-storage': '20Gi', ...allocatable };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: { allocatable: resources, capacity: resources },
  };
}

export interface PodShape extends Partial<PodSpec> {
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
  readonly requests?: Record<string, string>;
  readonly generation?: number;
}

export function makePod(
  name: string,
  { namespace = 'default', labels = {}, requests, generation = 1, ...spec }: PodShape = {},
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, uid: `uid-${namespace}-${name}`, generation },
    spec: {
      schedulerName: 'default-scheduler',
      priority: 0,
      containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.9', ...(requests ? { resources: { requests } } : {}) }],
      ...spec,
    },
    status: { phase: 'Pending' },
  };
}

/** A binder that takes every pod at once: what stands in for the API in tests of the core. */
const localBinder: PluginDefinition = {
  name: 'DefaultBinder',
  create: () => ({ name: 'DefaultBinder', bind: () => undefined }),
};

export interface TestScheduler {
  readonly scheduler: Scheduler;
  readonly clock: VirtualClock;
  readonly attempts: Attempt[];
  addNodes(...nodes: Node[]): void;
  /** Adds a pod; with `spec.nodeName` it counts there already. */
  addPods(...pods: Pod[]): void;
  /** Attempts everything that is ready; answers the node of each pod that was placed, by name. */
  run(): Map<string, string>;
  /** The message of the last failed attempt of a pod. */
  messageOf(name: string): string | undefined;
}

export function makeScheduler(
  options: {
    configuration?: unknown;
    featureGates?: Readonly<Record<string, boolean>>;
    seed?: number;
    plain?: boolean;
    plugins?: readonly PluginDefinition[];
    clock?: Clock;
    metrics?: ActorMetrics;
    explanations?: Explanations;
    /** What the caches of other resources hold. */
    objects?: StaticObjects;
    onWarn?: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  } = {},
): TestScheduler {
  const clock = new VirtualClock();
  const attempts: Attempt[] = [];
  const silent = () => {};
  const dependencies: SchedulerDependencies = {
    context: {
      clock: options.clock ?? clock,
      random: seededRandom(options.seed ?? 1),
      log: { debug: silent, info: silent, warn: options.onWarn ?? silent, error: silent },
      metrics: options.metrics ?? new ActorMetrics(),
      activity: { begin: silent, end: silent, outside: (work) => work },
    },
    configuration: parseConfiguration(options.configuration, FeatureGates.from(options.featureGates)),
    plugins: options.plugins ?? [...plugins.filter(({ name }) => name !== 'DefaultBinder'), localBinder],
    onAttempt: (attempt) => attempts.push(attempt),
    plain: options.plain ?? false,
    ...(options.explanations ? { explanations: options.explanations } : {}),
    ...(options.objects ? { informers: staticInformers(options.objects) } : {}),
    bindingsMax: Number.MAX_SAFE_INTEGER,
  };
  const scheduler = new Scheduler(dependencies);
  return {
    scheduler,
    clock,
    attempts,
    addNodes: (...nodes) => {
      for (const object of nodes) scheduler.cache.nodeChanged({ type: 'added', object, initial: false });
    },
    addPods: (...pods) => {
      for (const object of pods) scheduler.cache.podChanged({ type: 'added', object, initial: false });
    },
    run() {
      const placed = new Map<string, string>();
      const from = attempts.length;
      while (scheduler.attemptNext());
      for (const { pod, nodeName } of attempts.slice(from)) if (nodeName) placed.set(pod.name, nodeName);
      return placed;
    },
    messageOf: (name) =>
      attempts.findLast((attempt) => attempt.pod.name === name && attempt.message !== undefined)?.message,
  };
}
