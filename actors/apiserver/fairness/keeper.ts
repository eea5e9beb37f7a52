/**
 * Keeps the configuration that priority and fairness cannot be without: puts the mandatory objects back when somebody changes or
 * deletes them, the suggested ones where they say so, and notes at every FlowSchema whether its level is there.
 * @see pkg/registry/flowcontrol/ensurer, staging/src/k8s.io/apiserver/pkg/util/flowcontrol/apf_controller.go
 */
import { type ApiObject, isStatusError, type KindDefinition } from '../../../src/api/index.ts';
import { pack } from '../../../src/runtime/index.ts';
import { flowControlObjects } from '../bootstrap/flow-control.ts';
import type { SystemObject } from '../bootstrap/objects.ts';
import { copyOf } from '../cache/entry.ts';
import { runPipeline } from '../pipeline.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import { callOf } from '../system-call.ts';

const AUTO_UPDATE = 'apf.kubernetes.io/autoupdate-spec';
const MANDATORY = ['exempt', 'catch-all'];
/** Changes of one moment are looked at together. */
const DELAY_MS = 100;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

/** Follows the two kinds from now on; the first look is at what is there. */
export function keepFlowControl(server: Server): void {
  const { caches, context } = server;
  let isDue = false;
  let wanted = new Map(flowControlObjects.map((item) => [keyOf(item), item]));
  const look = () => {
    isDue = false;
    void putRight(server, wanted).catch((error: unknown) => {
      // The next change or start tries again.
      context.log.warn('flow control could not be put right', { error: String(error) });
    });
  };
  const soon = () => {
    if (isDue) return;
    isDue = true;
    context.clock.after(DELAY_MS, look, { background: true });
  };
  for (const plural of ['flowschemas', 'prioritylevelconfigurations']) {
    caches.onChange(`/registry/${plural}`, ({ entry, previous }) => {
      const isOurs = wanted.has(`${plural}/${(entry ?? previous)?.name}`);
      // A suggested object that somebody deleted is made again at the next start only.
      if (entry === undefined && isOurs && !MANDATORY.includes(previous?.name ?? '')) {
        wanted = new Map(wanted);
        wanted.delete(`${plural}/${previous?.name}`);
      }
      soon();
    });
  }
  soon();
}

const keyOf = ({ plural, object }: SystemObject): string => `${plural}/${object.metadata.name}`;

async function putRight(server: Server, wanted: ReadonlyMap<string, SystemObject>): Promise<void> {
  for (const item of wanted.values()) await putBack(server, item);
  await noteLevels(server);
}

async function putBack(server: Server, item: SystemObject): Promise<void> {
  const kind = server.registry.byResource(item.group, item.version, item.plural) as KindDefinition;
  const cache = server.cacheOf(kind);
  const { name } = item.object.metadata;
  const current = cache.get(cache.keyOf(undefined, name))?.object;
  if (current === undefined) {
    await quietly(() => runPipeline(callOf(server, kind, 'create', { body: pack(item.object) }), server));
    return;
  }
  const annotations = current.metadata['annotations'] as Record<string, string> | undefined;
  const follows = MANDATORY.includes(name) || annotations?.[AUTO_UPDATE] === 'true';
  if (!follows || current.metadata['deletionTimestamp'] !== undefined) return;
  const spec = defaulted(kind, item.object)['spec'];
  if (sameValue(current['spec'], spec)) return;
  const body = pack({ ...copyOf(current), spec });
  await quietly(() => runPipeline(callOf(server, kind, 'update', { name, body }), server));
}

/** The object as it would be stored, so that defaults are no difference. */
function defaulted(kind: KindDefinition, object: SystemObject['object']): ApiObject {
  const copy = copyOf(object) as unknown as ApiObject;
  kind.strategy?.defaults?.(copy);
  return copy;
}

async function noteLevels(server: Server): Promise<void> {
  const group = 'flowcontrol.apiserver.k8s.io';
  const kind = server.registry.byResource(group, 'v1', 'flowschemas') as KindDefinition;
  const levelKind = server.registry.byResource(group, 'v1', 'prioritylevelconfigurations') as KindDefinition;
  const levels = server.cacheOf(levelKind);
  const status = kind.subresources?.find(({ name }) => name === 'status');
  for (const entry of server.cacheOf(kind).list()) {
    const { object } = entry;
    const name = (object['spec'] as { priorityLevelConfiguration?: { name: string } }).priorityLevelConfiguration?.name;
    const exists = levels.get(levels.keyOf(undefined, name ?? '')) !== undefined;
    const known = ((object['status'] ?? {}) as { conditions?: Condition[] }).conditions ?? [];
    const dangling = known.find(({ type }) => type === 'Dangling');
    const value = exists ? 'False' : 'True';
    const text = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(name)}`;
    const message = `${text} ${exists ? 'and it exists' : 'but there is no such object'}`;
    if (dangling?.status === value && dangling.message === message) continue;
    const condition: Condition = {
      type: 'Dangling',
      status: value,
      lastTransitionTime: server.strategyContext(false).now,
      reason: exists ? 'Found' : 'NotFound',
      message,
    };
    const conditions = [...known.filter(({ type }) => type !== 'Dangling'), condition];
    const body = pack({ ...copyOf(object), status: { conditions } });
    const call = { ...callOf(server, kind, 'update', { name: entry.name, body }), subresource: status };
    await quietly(() => runPipeline(call, server));
  }
}

/** Somebody else's change in between is no failure: it is looked at in turn. */
async function quietly(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isStatusError(error) || ![404, 409].includes(error.code)) throw error;
  }
}
