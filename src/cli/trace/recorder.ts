/**
 * Records what users do to a cluster: follows resources through informers, keeps each object's shape, and writes creations,
 * changes of shapes and deletions with their times. A lost watch is taken up again; what happened meanwhile is written when it
 * is seen.
 */
import type { Subscription } from 'rxjs';
import { type Change, type Client, createInformers, type KubernetesObject, type Resource } from '../../client/index.ts';
import type { Clock, Log, Random } from '../../runtime/index.ts';
import { resourceTitle, type TraceEvent, type TraceHeader, traceVersion } from './format.ts';
import { isMade, mergePatchBetween, shapeOf } from './shape.ts';

/** In the order in which they depend on each other. Secrets are left out unless asked for. */
export const recordedByDefault: readonly string[] = [
  'namespaces',
  'priorityclasses.scheduling.k8s.io',
  'runtimeclasses.node.k8s.io',
  'storageclasses.storage.k8s.io',
  'csidrivers.storage.k8s.io',
  'deviceclasses.resource.k8s.io',
  'serviceaccounts',
  'configmaps',
  'resourcequotas',
  'limitranges',
  'nodes',
  'resourceslices.resource.k8s.io',
  'persistentvolumes',
  'persistentvolumeclaims',
  'resourceclaimtemplates.resource.k8s.io',
  'resourceclaims.resource.k8s.io',
  'services',
  'poddisruptionbudgets.policy',
  'replicationcontrollers',
  'replicasets.apps',
  'deployments.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'horizontalpodautoscalers.autoscaling',
  'jobs.batch',
  'cronjobs.batch',
  'pods',
];

export interface RecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly resources: readonly Resource[];
  /** Record what controllers make too. */
  readonly owned: boolean;
  /** Only this namespace; cluster-scoped kinds in any case. */
  readonly namespace?: string | undefined;
  write(line: TraceHeader | TraceEvent): void;
}

export interface RecordedCounts {
  /** What was there at the beginning. */
  initial: number;
  created: number;
  patched: number;
  deleted: number;
}

/** A recording that goes on until it is stopped. */
export class Recorder {
  readonly counts: RecordedCounts = { initial: 0, created: 0, patched: 0, deleted: 0 };
  private readonly ended = new AbortController();
  private readonly subscriptions: Subscription[] = [];
  /** Objects whose deletion is written already, though they may still be there; by uid. */
  private readonly dying = new Set<string>();
  private startedAt = 0;
  private started = false;
  private readonly waiting: { rank: number; event: Omit<TraceEvent, 'atMs'> }[] = [];
  private readonly early: Omit<TraceEvent, 'atMs'>[] = [];

  constructor(private readonly options: RecorderOptions) {}

  /** Resolves when everything that is there is written: from then on time counts. */
  async start(): Promise<void> {
    const { client, clock, random, log, resources, namespace, owned } = this.options;
    const informers = createInformers(client, { clock, random, log, signal: this.ended.signal });
    for (const [rank, resource] of resources.entries()) {
      const selection = resource.namespaced && namespace !== undefined ? { namespace } : {};
      const { changes$ } = informers.informer<KubernetesObject>(resource, selection);
      this.subscriptions.push(changes$.subscribe((change) => this.changed(resource, rank, change)));
    }
    await informers.synced();
    this.options.write({
      apiVersion: traceVersion,
      kind: 'Trace',
      recordedAt: new Date(clock.now()).toISOString(),
      resources: resources.map(resourceTitle),
      owned,
    });
    this.startedAt = clock.monotonic();
    this.started = true;
    for (const { event } of this.waiting.sort((a, b) => a.rank - b.rank)) {
      this.counts.initial++;
      this.options.write({ atMs: 0, initial: true, ...event });
    }
    for (const event of this.early) this.write(event);
  }

  stop(): void {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    this.ended.abort();
  }

  private write(event: Omit<TraceEvent, 'atMs'>): void {
    if (!this.started) {
      this.early.push(event);
      return;
    }
    this.counts[event.verb === 'create' ? 'created' : event.verb === 'patch' ? 'patched' : 'deleted']++;
    this.options.write({ atMs: Math.round(this.options.clock.monotonic() - this.startedAt), ...event });
  }

  private changed(resource: Resource, rank: number, change: Change<KubernetesObject>): void {
    const { object } = change;
    if (isMade(object, resource.kind) && !this.options.owned) return;
    if (change.type === 'added') this.created(resource, rank, object, change.initial);
    else if (change.type === 'deleted') this.deleted(resource, object);
    else if (change.previous.metadata?.uid !== object.metadata?.uid) {
      this.deleted(resource, change.previous);
      this.created(resource, rank, object, false);
    } else this.updated(resource, object, change.previous);
  }

  private aboutObject({ group, version, resource, kind }: Resource, object: KubernetesObject) {
    const { namespace, name = '' } = object.metadata ?? {};
    return {
      ...(group === '' ? {} : { group }),
      version,
      resource,
      kind,
      ...(namespace === undefined ? {} : { namespace }),
      name,
    };
  }

  private shape({ group, version, kind }: Resource, object: KubernetesObject) {
    return shapeOf(object, group === '' ? version : `${group}/${version}`, kind);
  }

  private created(resource: Resource, rank: number, object: KubernetesObject, initial: boolean): void {
    // What is on its way out when recording begins, nobody has to see.
    if (object.metadata?.deletionTimestamp !== undefined) {
      this.dying.add(object.metadata.uid ?? '');
      return;
    }
    const event = {
      verb: 'create' as const,
      ...this.aboutObject(resource, object),
      object: this.shape(resource, object),
    };
    if (initial && !this.started) this.waiting.push({ rank, event });
    else this.write(event);
  }

  private updated(resource: Resource, object: KubernetesObject, previous: KubernetesObject): void {
    if (object.metadata?.deletionTimestamp !== undefined) {
      const uid = object.metadata.uid ?? '';
      if (this.dying.has(uid)) return;
      this.dying.add(uid);
      this.writeDeletion(resource, object);
      return;
    }
    const patch = mergePatchBetween(this.shape(resource, previous), this.shape(resource, object));
    if (patch !== undefined) this.write({ verb: 'patch', ...this.aboutObject(resource, object), patch });
  }

  /** Gone: its deletion was written when it was asked for, unless nobody saw that. */
  private deleted(resource: Resource, object: KubernetesObject): void {
    if (!this.dying.delete(object.metadata?.uid ?? '')) this.writeDeletion(resource, object);
  }

  private writeDeletion(resource: Resource, object: KubernetesObject): void {
    const { deletionGracePeriodSeconds } = object.metadata ?? {};
    this.write({
      verb: 'delete',
      ...this.aboutObject(resource, object),
      ...(deletionGracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: deletionGracePeriodSeconds }),
    });
  }
}
