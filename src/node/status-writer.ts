/**
 * Writes what workers say about their pods to the API: at most one write a pod at a time, all changes of a turn as one, only
 * fields that differ. After the last write of a pod that is to be deleted it deletes the API's object.
 *
 * What a write of a running pod's status has made of the object comes by the watch as well: its answer is the version alone, and
 * the pod is not looked at again before the watch has told of that version.
 * @see kubernetes/pkg/kubelet/status/status_manager.go
 */

import { isDeepStrictEqual } from 'node:util';
import {
  isBadRequest,
  isConflict,
  isForbidden,
  isInvalid,
  isNotFound,
  type PodCondition,
  type PodStatus,
} from '../api/index.ts';
import { type Client, pods } from '../client/index.ts';
import type { Activity, Clock, Log } from '../runtime/index.ts';
import type { BoundPod } from './pod.ts';
import type { PodWorker } from './pod-worker.ts';

export interface StatusWriterOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly activity: Activity;
}

const retryFirstMs = 100;
const retryMaxMs = 10_000;
/** How long the watch may take to tell of the end of an object that is as good as gone. */
const goneWithinMs = 1_000;

/** Fields of a pod's status that the kubelet answers for; a field that its status leaves out is removed. */
const ownFields = [
  'containerStatuses',
  'ephemeralContainerStatuses',
  'hostIP',
  'hostIPs',
  'initContainerStatuses',
  'message',
  'observedGeneration',
  'phase',
  'podIP',
  'podIPs',
  'reason',
  'startTime',
] as const;

/** A write that is under way, or whose result the watch has not told yet. */
interface Write {
  /** What the object became, by the API server's answer; undefined before that. */
  version: string | undefined;
  /** How often the watch has told of the pod since. */
  events: number;
  /** The pod is to be looked at again. */
  again: boolean;
}

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  #dirty = new Set<PodWorker>();
  readonly #writes = new Map<PodWorker, Write>();
  #planned = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** Looks at the worker's pod at the end of this turn. */
  changed(worker: PodWorker): void {
    this.#dirty.add(worker);
    if (this.#planned) return;
    this.#planned = true;
    this.#options.clock.turn(() => {
      this.#planned = false;
      const dirty = this.#dirty;
      this.#dirty = new Set();
      for (const one of dirty) this.#look(one);
    });
  }

  /** The watch has told of the worker's pod, and the worker has it. */
  seen(worker: PodWorker): void {
    const write = this.#writes.get(worker);
    if (write === undefined) {
      worker.lastPatch = undefined;
      return;
    }
    write.events++;
    this.#settle(worker, write);
  }

  /** The worker's pod is gone: the watch tells of it no more. */
  gone(worker: PodWorker): void {
    this.#writes.delete(worker);
  }

  /** Ends the write once both its answer and what the watch tells of it are here. */
  #settle(worker: PodWorker, write: Write): void {
    const { version } = write;
    const { resourceVersion } = worker.pod.metadata;
    if (version === undefined || Number(resourceVersion) < Number(version)) return;
    this.#writes.delete(worker);
    const isOwn = resourceVersion === version && write.events <= 1;
    if (isOwn && !write.again) return;
    // Whatever somebody else has written may be the kubelet's to say.
    if (!isOwn) worker.lastPatch = undefined;
    this.changed(worker);
  }

  #look(worker: PodWorker): void {
    if (worker.abandoned || worker.deletionSent) return;
    const before = this.#writes.get(worker);
    if (before !== undefined) {
      before.again = true;
      return;
    }
    const { object } = worker;
    if (object === undefined) return;
    if (isAsGoodAsGone(object) && !worker.awaitsEnd) {
      worker.awaitsEnd = true;
      this.#options.clock.after(goneWithinMs, () => this.changed(worker), { background: true });
      return;
    }
    const differing = statusPatch(object, worker.status());
    // What the API does not take over as it was sent would be sent for ever.
    const patch = isDeepStrictEqual(differing, worker.lastPatch) ? undefined : differing;
    const isOver = worker.stage === 'terminated' && object.metadata.deletionTimestamp !== undefined;
    if (patch === undefined && !isOver) return;
    if (patch !== undefined) worker.lastPatch = patch;
    const write: Write = { version: undefined, events: 0, again: false };
    this.#writes.set(worker, write);
    void this.#write(worker, object, patch).then((version) => {
      if (worker.abandoned) this.#writes.delete(worker);
      else if (version !== undefined) {
        write.version = version;
        this.#settle(worker, write);
      } else {
        this.#writes.delete(worker);
        // What changed during the write is looked at now; without a change this finds nothing to do.
        this.changed(worker);
      }
    });
  }

  /** Resolves with the version that the watch is going to tell of; undefined: with none that is waited for. */
  async #write(worker: PodWorker, object: BoundPod, patch: unknown): Promise<string | undefined> {
    const { client, clock, log } = this.#options;
    const { name, namespace, uid } = object.metadata;
    const key = { name, namespace };
    for (let delayMs = retryFirstMs; !worker.abandoned; delayMs = Math.min(delayMs * 2, retryMaxMs)) {
      try {
        if (patch === undefined) {
          await client.delete(pods, key, { gracePeriodSeconds: 0, preconditions: { uid }, quiet: true });
          worker.deletionSent = true;
          return undefined;
        }
        // The last words of a pod are followed by its deletion at once, and mirrors have a keeper of their own.
        const quiet = worker.stage === 'syncing' && worker.mirror === undefined;
        const options = { subresource: 'status', quiet, shared: true };
        const written = await client.patch(pods, key, 'strategic', patch, options);
        if (quiet) return written.metadata?.resourceVersion;
        worker.written(written as BoundPod);
        return undefined;
      } catch (error) {
        // Another pod of this name, or none: the watch will say so, and this pod's worker ends.
        if (isNotFound(error) || (isConflict(error) && (await this.#isReplaced(object)))) {
          worker.deletionSent = worker.mirror === undefined;
          return undefined;
        }
        log.debug('status not written', {
          pod: `${namespace}/${name}`,
          error: error instanceof Error ? error.message : String(error),
        });
        // An API server that is away comes back; what it refuses is worth another look now and then, but nobody waits for it.
        const refused = isInvalid(error) || isBadRequest(error) || isForbidden(error);
        await clock.sleep(refused ? retryMaxMs : delayMs, { background: refused });
      }
    }
    return undefined;
  }

  /** Whether the API has another pod by this name, or none. False when that cannot be told. */
  async #isReplaced({ metadata }: BoundPod): Promise<boolean> {
    const { name, namespace, uid } = metadata;
    try {
      const known = await this.#options.client.get(pods, { name, namespace });
      return known.metadata?.uid !== uid;
    } catch (error) {
      return isNotFound(error);
    }
  }
}

/** Marked for deletion without grace and kept by nobody: the API server deletes it with the next revision, and whoever writes is told 404. */
function isAsGoodAsGone({ metadata }: BoundPod): boolean {
  return (
    metadata.deletionTimestamp !== undefined &&
    metadata.deletionGracePeriodSeconds === 0 &&
    (metadata.finalizers?.length ?? 0) === 0
  );
}

/**
 * The strategic merge patch that makes the API's status say what `next` says, or undefined when it does already. Carries
 * the UID, so that it cannot hit another pod of the same name.
 */
export function statusPatch(pod: BoundPod, next: PodStatus): unknown {
  const known: PodStatus = pod.status ?? {};
  const fields: Record<string, unknown> = {};
  let differs = false;
  for (const field of ownFields) {
    const value = next[field];
    const before = known[field];
    if (before === value || (before !== undefined && isDeepStrictEqual(before, value))) continue;
    fields[field] = value ?? null;
    differs = true;
  }
  const conditions = next.conditions?.filter((condition) => !isKnown(known.conditions, condition));
  if (conditions !== undefined && conditions.length > 0) {
    fields['conditions'] = conditions.map((condition) => conditionPatch(known.conditions, condition));
    differs = true;
    fields['$setElementOrder/conditions'] = conditionOrder(known.conditions, next.conditions ?? []);
  }
  return !differs ? undefined : { metadata: { uid: pod.metadata.uid }, status: fields };
}

/** The condition, with nulls for what the API's has and it does not: a merge would keep them. */
function conditionPatch(conditions: readonly PodCondition[] | undefined, next: PodCondition): Record<string, unknown> {
  const known = conditions?.find((condition) => condition.type === next.type);
  const patch: Record<string, unknown> = { ...next };
  if (known?.reason !== undefined && next.reason === undefined) patch['reason'] = null;
  if (known?.message !== undefined && next.message === undefined) patch['message'] = null;
  return patch;
}

function isKnown(conditions: readonly PodCondition[] | undefined, next: PodCondition): boolean {
  const known = conditions?.find((condition) => condition.type === next.type);
  return (
    known !== undefined &&
    known.status === next.status &&
    known.reason === next.reason &&
    known.message === next.message &&
    known.observedGeneration === next.observedGeneration
  );
}

/** The kubelet's own conditions first, then what others have set. */
function conditionOrder(known: readonly PodCondition[] | undefined, next: readonly PodCondition[]): { type: string }[] {
  const order = next.map(({ type }) => ({ type }));
  for (const { type } of known ?? []) if (!order.some((one) => one.type === type)) order.push({ type });
  return order;
}
