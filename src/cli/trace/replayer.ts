/**
 * Replays a trace against a cluster: each request at its time, divided by the speed. Requests about one object keep their order,
 * as do a namespace and what is in it; others overlap. What is there already, or gone already, is counted and no failure.
 */
import { isAlreadyExists, isNotFound, type Node, StatusError } from '../../api/index.ts';
import type { Client, KubernetesObject, Resource } from '../../client/index.ts';
import { nodes } from '../../client/resources.ts';
import type { Clock } from '../../runtime/index.ts';
import { resourceOfEvent, resourceTitle, type TraceEvent } from './format.ts';

export interface ReplayOptions {
  readonly client: Client;
  readonly clock: Clock;
  /** 10: ten times as fast as recorded; Infinity: as fast as the cluster takes it. */
  readonly speed: number;
  /** Called after a node was created, so that something may run its kubelet. */
  readonly onNode?: (node: Node) => Promise<void> | void;
  /** Told after every request. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface ReplayResult {
  readonly created: number;
  readonly patched: number;
  readonly deleted: number;
  /** Created by somebody else before. */
  readonly existing: number;
  /** Patched or deleted when it was not there any more. */
  readonly missing: number;
  readonly failed: number;
  /** The first few failures. */
  readonly failures: readonly string[];
  /** By the cluster's clock, from the first request to the last answer. */
  readonly durationMs: number;
  /** How much later than its time the latest request was sent. */
  readonly behindMs: number;
}

/** Requests under way at a time. */
const widthMax = 64;
const failuresMax = 10;

export async function replay(events: readonly TraceEvent[], options: ReplayOptions): Promise<ReplayResult> {
  const { clock, speed } = options;
  const counts = { created: 0, patched: 0, deleted: 0, existing: 0, missing: 0, failed: 0 };
  const failures: string[] = [];
  const startedAt = clock.monotonic();
  const tails = new Map<string, Promise<void>>();
  const underWay = new Set<Promise<void>>();
  let behindMs = 0;
  let done = 0;
  let before: TraceEvent | undefined;

  const perform = async (event: TraceEvent, after: readonly (Promise<void> | undefined)[]): Promise<void> => {
    await Promise.all(after);
    try {
      counts[await performed(event, options)]++;
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      if (event.verb === 'create' && isAlreadyExists(error)) counts.existing++;
      else if (event.verb !== 'create' && isNotFound(error)) counts.missing++;
      else {
        counts.failed++;
        const what = `${event.verb} ${resourceTitle(event)} ${event.namespace === undefined ? '' : `${event.namespace}/`}${event.name}`;
        if (failures.length < failuresMax) failures.push(`${what}: ${error.message}`);
      }
    }
    options.onProgress?.(++done, events.length);
  };

  for (const event of events) {
    const dueMs = event.atMs / speed;
    const early = dueMs - (clock.monotonic() - startedAt);
    if (early > 0) await clock.sleep(early);
    else behindMs = Math.max(behindMs, -early);
    // At the beginning kinds come one after the other: a pod needs its namespace, its priority class, its claim.
    const isNextKind = before?.initial === true && (event.initial !== true || event.resource !== before.resource);
    while (underWay.size >= (isNextKind ? 1 : widthMax)) await Promise.race(underWay);
    before = event;
    const key = `${resourceTitle(event)}/${event.namespace ?? ''}/${event.name}`;
    const inside = event.namespace === undefined ? undefined : tails.get(`namespaces//${event.namespace}`);
    const work = perform(event, [tails.get(key), inside]);
    tails.set(key, work);
    const settled = work.finally(() => {
      underWay.delete(settled);
      if (tails.get(key) === work) tails.delete(key);
    });
    underWay.add(settled);
  }
  await Promise.all(underWay);
  return {
    ...counts,
    failures,
    durationMs: Math.round(clock.monotonic() - startedAt),
    behindMs: Math.round(behindMs),
  };
}

type AnyObject = KubernetesObject & Record<string, unknown>;

async function performed(
  event: TraceEvent,
  { client, onNode }: ReplayOptions,
): Promise<'created' | 'patched' | 'deleted'> {
  const resource = resourceOfEvent(event) as Resource<AnyObject>;
  const key = { namespace: event.namespace, name: event.name };
  switch (event.verb) {
    case 'create': {
      const object = event.object as AnyObject;
      const created = await client.create(resource, object);
      if (event.resource === 'nodes') await settleNode(client, object as Node, created as Node, onNode);
      return 'created';
    }
    case 'patch': {
      const { status, ...rest } = event.patch ?? {};
      const type = event.patchType ?? 'merge';
      if (Object.keys(rest).length > 0) await client.patch(resource, key, type, rest);
      if (status !== undefined) await client.patch(resource, key, type, { status }, { subresource: 'status' });
      return 'patched';
    }
    case 'delete': {
      const { gracePeriodSeconds } = event;
      await client.delete(resource, key, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds });
      return 'deleted';
    }
  }
}

/**
 * A new node gets the taint not-ready until a controller has seen it Ready. Where no such controller runs, nobody would take it
 * away: so the taints become what the recording says.
 */
async function settleNode(
  client: Client,
  recorded: Node,
  created: Node,
  onNode: ReplayOptions['onNode'],
): Promise<void> {
  const taints = recorded.spec?.taints ?? [];
  if (JSON.stringify(created.spec?.taints ?? []) !== JSON.stringify(taints)) {
    await client.patch(nodes, { name: recorded.metadata?.name ?? '' }, 'merge', { spec: { taints } });
  }
  await onNode?.(created);
}
