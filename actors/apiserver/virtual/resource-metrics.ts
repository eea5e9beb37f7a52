/**
 * What nodes and pods use, as metrics-server tells it: asked of the kubelets, and kept for as long as metrics-server keeps it. Served when the cluster
 * was started with it.
 * @see https://github.com/kubernetes-sigs/metrics-server, staging/src/k8s.io/metrics/pkg/apis/metrics/v1beta1/types.go
 */
import {
  type ApiObject,
  customKinds,
  formatTime,
  type KindDefinition,
  parseFieldSelector,
  parseLabelSelector,
  StatusError,
  type TableDefinition,
} from '../../../src/api/index.ts';
import { kubeletAddress, type NodeSummary, nodeChannels, type PodUsage } from '../../../src/node/protocol.ts';
import type { Entry } from '../cache/entry.ts';
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';
import type { VirtualKind } from './handler.ts';

const group = 'metrics.k8s.io';
const version = 'v1beta1';
const apiVersion = `${group}/${version}`;
/** How old an answer may be: metrics-server's own resolution. */
const resolutionMs = 15_000;
/** A kubelet that does not answer in time has no metrics. */
const patienceMs = 2000;

const text = { type: 'string' };
const amounts = { type: 'object', additionalProperties: { 'x-kubernetes-int-or-string': true } };
const measured = { timestamp: { type: 'string', format: 'date-time' }, window: text };

/** The two kinds, as a definition would make them: nothing of them is stored, and they are only read. */
export function resourceMetricsKinds(): KindDefinition[] {
  const kinds = [
    ['NodeMetrics', 'nodes', 'Cluster', { ...measured, usage: amounts }, nodeTable],
    [
      'PodMetrics',
      'pods',
      'Namespaced',
      {
        ...measured,
        containers: { type: 'array', items: { type: 'object', properties: { name: text, usage: amounts } } },
      },
      podTable,
    ],
  ] as const;
  return kinds.flatMap(([kind, plural, scope, properties, table]) =>
    customKinds({
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope,
        names: { kind, plural, singular: '', listKind: `${kind}List` },
        versions: [
          { name: version, served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } } },
        ],
      },
    }).map((made) => ({ ...made, verbs: ['get', 'list'], storagePrefix: `/registry/${group}/${plural}`, table })),
  );
}

interface Measured {
  readonly metadata: { readonly name?: string };
  readonly usage?: Readonly<Record<string, string>>;
  readonly window?: string;
}

function tableOf(usageOf: (object: Measured) => Readonly<Record<string, string>>): TableDefinition {
  const column = (name: string, format = '') => ({ name, type: 'string', format, description: '' });
  return {
    columns: [
      { ...column('Name', 'name'), description: 'Name of the resource' },
      column('cpu'),
      column('memory'),
      column('Window'),
    ],
    row(object: ApiObject) {
      const usage = usageOf(object as unknown as Measured);
      return [object.metadata.name ?? '', usage['cpu'], usage['memory'], object['window']];
    },
  };
}

const nodeTable = tableOf(({ usage }) => usage ?? {});
const podTable = tableOf((object) => {
  const { cpu, memory } = (object as unknown as { total: Usage }).total;
  return usageOf(cpu, memory);
});

interface Usage {
  /** Thousandths of a core. */
  readonly cpu: number;
  /** Bytes. */
  readonly memory: number;
}

const usageOf = (cpuMillis: number, memoryBytes: number): Record<string, string> => ({
  cpu: cpuMillis === 0 ? '0' : `${Math.round(cpuMillis * 1e6)}n`,
  memory: memoryBytes === 0 ? '0' : `${Math.ceil(memoryBytes / 1024)}Ki`,
});

interface Collected {
  readonly atMs: number;
  readonly summaries: Promise<ReadonlyMap<string, NodeSummary>>;
}

const collected = new WeakMap<Server, Collected>();

/** The summaries of all nodes that answer, asked for at most once in a resolution. */
function summariesOf(server: Server): Promise<ReadonlyMap<string, NodeSummary>> {
  const { clock, bus } = server.context;
  const last = collected.get(server);
  if (last !== undefined && clock.now() - last.atMs < resolutionMs) return last.summaries;
  const ask = async (name: string): Promise<readonly [string, NodeSummary] | undefined> => {
    try {
      return [name, await bus.call(kubeletAddress(name), nodeChannels.summary, {}, { deadlineMs: patienceMs })];
    } catch {
      // A node without a kubelet, or with a slow one, is left out, as an unready one is upstream.
      return undefined;
    }
  };
  const names = entriesOf(server, 'nodes').map(({ name }) => name);
  const summaries = Promise.all(names.map(ask)).then(
    (answers) => new Map(answers.filter((answer) => answer !== undefined)),
  );
  collected.set(server, { atMs: clock.now(), summaries });
  return summaries;
}

function entriesOf(server: Server, plural: 'nodes' | 'pods', namespace?: string): Entry[] {
  return server.cacheOf(server.registry.byResource('', 'v1', plural) as KindDefinition).list(namespace);
}

const frame = (entry: Entry, summary: NodeSummary): ApiObject['metadata'] & Record<string, unknown> => {
  const { name, namespace, labels } = entry.object.metadata as Record<string, unknown>;
  return {
    name: name as string,
    ...(namespace !== undefined && { namespace: namespace as string }),
    creationTimestamp: formatTime(summary.time),
    ...(labels !== undefined && { labels }),
  };
};

async function nodeMetrics(server: Server): Promise<ApiObject[]> {
  const summaries = await summariesOf(server);
  return entriesOf(server, 'nodes').flatMap((entry) => {
    const summary = summaries.get(entry.name);
    if (summary === undefined) return [];
    return [
      {
        kind: 'NodeMetrics',
        apiVersion,
        metadata: frame(entry, summary),
        timestamp: formatTime(summary.time),
        window: windowText,
        usage: usageOf(summary.cpuMillis, summary.memoryBytes),
      },
    ];
  });
}

const windowText = `${resolutionMs / 1000}s`;

async function podMetrics(server: Server, namespace: string | undefined): Promise<ApiObject[]> {
  const summaries = await summariesOf(server);
  const pods = new Map<string, { readonly pod: PodUsage; readonly summary: NodeSummary }>();
  for (const summary of summaries.values()) for (const pod of summary.pods) pods.set(pod.uid, { pod, summary });
  return entriesOf(server, 'pods', namespace).flatMap((entry) => {
    const found = pods.get(entry.object.metadata['uid'] as string);
    const phase = (entry.object['status'] as { phase?: string } | undefined)?.phase;
    if (found === undefined || phase !== 'Running' || found.pod.containers.length === 0) return [];
    const { pod, summary } = found;
    const object: ApiObject = {
      kind: 'PodMetrics',
      apiVersion,
      metadata: frame(entry, summary),
      timestamp: formatTime(summary.time),
      window: windowText,
      containers: pod.containers.map(({ name, cpuMillis, memoryBytes }) => ({
        name,
        usage: usageOf(cpuMillis, memoryBytes),
      })),
    };
    // What the table shows and the object does not: the sum.
    const total = pod.containers.reduce<Usage>(
      (sum, one) => ({ cpu: sum.cpu + one.cpuMillis, memory: sum.memory + one.memoryBytes }),
      { cpu: 0, memory: 0 },
    );
    Object.defineProperty(object, 'total', { value: total, enumerable: false });
    return [object];
  });
}

function selected(call: Call, objects: readonly ApiObject[]): ApiObject[] {
  const labels = call.query['labelSelector'] ?? '';
  const fields = call.query['fieldSelector'] ?? '';
  const selector = labels === '' ? undefined : parseLabelSelector(labels);
  const wanted = fields === '' ? undefined : parseFieldSelector(fields);
  return objects.filter(({ metadata }) => {
    if (selector?.matches((metadata['labels'] ?? {}) as Record<string, string>) === false) return false;
    const read = (field: string): string => String(metadata[field.replace(/^metadata\./, '')] ?? '');
    return wanted?.matches(read) !== false;
  });
}

/** Items of a typed list do not name their kind. What a table shows of them stays. */
function untyped(object: ApiObject): ApiObject {
  const { kind: _kind, apiVersion: _version, ...item } = object;
  const { total } = object as { total?: Usage };
  return (
    total === undefined ? item : Object.defineProperty(item, 'total', { value: total, enumerable: false })
  ) as ApiObject;
}

function answerList(call: Call, kind: string, objects: readonly ApiObject[]): void {
  const object = {
    kind: `${kind}List`,
    apiVersion,
    metadata: {},
    items: selected(call, objects).map(untyped),
  } as ApiObject;
  call.answer = { type: 'object', code: 200, object };
}

function answerOne(call: Call, plural: string, shown: string, objects: readonly ApiObject[]): void {
  const object = objects.find(({ metadata }) => metadata.name === call.name);
  if (object === undefined) throw StatusError.notFound({ group, name: plural }, shown);
  call.answer = { type: 'object', code: 200, object };
}

export const nodeResourceMetrics: VirtualKind = {
  prefix: `/registry/${group}/nodes`,
  async get(call, server) {
    answerOne(call, 'nodes', call.name ?? '', await nodeMetrics(server));
  },
  async list(call, server) {
    answerList(call, 'NodeMetrics', await nodeMetrics(server));
  },
};

export const podResourceMetrics: VirtualKind = {
  prefix: `/registry/${group}/pods`,
  async get(call, server) {
    answerOne(call, 'pods', `${call.namespace}/${call.name}`, await podMetrics(server, call.namespace));
  },
  async list(call, server) {
    answerList(call, 'PodMetrics', await podMetrics(server, call.namespace));
  },
};
