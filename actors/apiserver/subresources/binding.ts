/**
 * Binds a pod to a node: the scheduler's write, and the hottest path of a scheduling run. Copies only what it changes.
 * @see pkg/registry/core/pod/storage/storage.go BindingREST
 */
import { type ApiObject, fieldErrors, type KindDefinition, StatusError } from '../../../src/api/index.ts';
import type { Entry } from '../cache/entry.ts';
import type { Call } from '../call.ts';
import { conflictOf, notFoundOf, otherUid } from '../failures.ts';
import type { Server } from '../server.ts';
import { putObject } from '../verbs/commit.ts';
import type { SubresourceHandler } from './handler.ts';

interface BindingBody {
  metadata: {
    name?: string;
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
    uid?: string;
    resourceVersion?: string;
  };
  target?: { kind?: string; name?: string };
}

interface Condition {
  type: string;
  status: string;
  lastProbeTime?: string | null;
  lastTransitionTime?: string;
  observedGeneration?: number;
}

const ATTEMPTS_MAX = 20;

export const binding: SubresourceHandler = {
  name: 'binding',
  kinds: ['/registry/pods'],
  async create(call, server) {
    await bindPod(call, server, call.kind, call.name as string, call.part as unknown as BindingBody);
  },
};

/** Binds the pod `name` of the call's namespace as the body says, and answers the call. */
export async function bindPod(
  call: Call,
  server: Server,
  kind: KindDefinition,
  name: string,
  body: BindingBody,
): Promise<void> {
  if ((body.metadata.name ?? '') !== name) {
    throw StatusError.badRequest('name in URL does not match name in Binding object');
  }
  const target = checkTarget(name, body);
  const cache = server.cacheOf(kind);
  const key = cache.keyOf(call.namespace, name);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const entry = cache.get(key);
    if (entry === undefined) throw notFoundOf(kind, name);
    const object = boundPod(server, kind, entry, body, target);
    if (call.dryRun || (await putObject(server, cache, key, object, entry.revision)) !== undefined) {
      call.answer = {
        type: 'object',
        code: 201,
        object: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
      };
      return;
    }
  }
  throw conflictOf(kind, name);
}

function checkTarget(podName: string, body: BindingBody): string {
  const { kind, name } = body.target ?? {};
  const errors = [];
  if (kind !== undefined && kind !== '' && kind !== 'Node') {
    errors.push(fieldErrors.notSupported('target.kind', kind, ['Node', '<empty>']));
  }
  if (name === undefined || name === '') errors.push(fieldErrors.required('target.name'));
  if (errors.length > 0) throw StatusError.invalid({ group: '', name: 'Binding' }, podName, errors);
  return name as string;
}

/** The pod with its node, as a new object that shares what does not change. */
function boundPod(server: Server, kind: KindDefinition, entry: Entry, body: BindingBody, nodeName: string): ApiObject {
  const pod = entry.object;
  const spec = pod['spec'] as { nodeName?: string; schedulingGates?: unknown[] };
  const status = (pod['status'] ?? {}) as { conditions?: Condition[]; nominatedNodeName?: string };
  const refuse = (message: string) => StatusError.conflict({ group: '', name: 'pods/binding' }, entry.name, message);
  const { uid, resourceVersion } = body.metadata;
  if (uid !== undefined && uid !== '' && uid !== pod.metadata['uid']) {
    throw otherUid(kind, entry.key, entry.name, uid, pod.metadata['uid'] as string);
  }
  if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== String(entry.revision)) {
    throw refuse(
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${entry.revision}`,
    );
  }
  if (pod.metadata['deletionTimestamp'] !== undefined) {
    throw refuse(`pod ${entry.name} is being deleted, cannot be assigned to a host`);
  }
  if (spec.nodeName !== undefined && spec.nodeName !== '') {
    throw refuse(`pod ${entry.name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
  }
  if (spec.schedulingGates !== undefined && spec.schedulingGates.length > 0) {
    throw refuse(`pod ${entry.name} has non-empty .spec.schedulingGates`);
  }
  const metadata = { ...pod.metadata };
  merge(metadata, 'annotations', body.metadata.annotations);
  merge(metadata, 'labels', body.metadata.labels);
  // Where it was expected to go is of no interest once it is there.
  const { nominatedNodeName: _nominated, ...kept } = status;
  return {
    ...pod,
    metadata,
    // No spread: what is spread first and then grows gets a hidden class for itself alone.
    spec: Object.assign({}, spec, { nodeName }),
    status: Object.assign(kept, {
      conditions: scheduled(status.conditions ?? [], server.strategyContext(false).now),
    }),
  };
}

function merge(
  metadata: Record<string, unknown>,
  field: 'annotations' | 'labels',
  more: Record<string, string> | undefined,
): void {
  if (more === undefined || Object.keys(more).length === 0) return;
  metadata[field] = { ...(metadata[field] as object | undefined), ...more };
}

/** The conditions with PodScheduled true. */
function scheduled(conditions: readonly Condition[], now: string): Condition[] {
  const condition: Condition = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: now };
  const before = conditions.find((other) => other.type === 'PodScheduled');
  if (before === undefined) return [...conditions, condition];
  if (before.status === 'True' && before.lastTransitionTime !== undefined)
    condition.lastTransitionTime = before.lastTransitionTime;
  return conditions.map((other) => (other === before ? condition : other));
}
