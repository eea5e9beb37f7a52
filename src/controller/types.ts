/**
 * The reconciler contract: what a controller is, as data, and what it gets. A controller is one file with one literal of
 * {@link ControllerDefinition} and one line in actors/controllers/index.ts; one actor runs it.
 */
import type { PolicyRule, RuntimeConfig } from '../api/index.ts';
import type {
  Change,
  Client,
  EventRecorder,
  InformerOptions,
  Informers,
  Interest,
  KubernetesObject,
  Lister,
  MemberPaths,
  Parts,
  Resource,
} from '../client/index.ts';
import type { ActorContext } from '../runtime/index.ts';

/** `namespace/name`, or `name` for cluster-scoped kinds. Says which object, never what happened. */
export type Key = string;

export interface Watch<Type extends KubernetesObject = KubernetesObject> {
  readonly resource: Resource<Type>;
  /** Keys to reconcile when `object` changed; `previous` is set on updates. Returns none to ignore the change. */
  keys(object: Type, previous: Type | undefined, dependencies: ControllerDependencies): readonly Key[];
}

/** A role that a cluster makes for a controller before it starts, and binds to its service account. */
export interface Grant {
  /** Name of the role; of the binding too. */
  readonly name: string;
  /** With it a Role there; without, a ClusterRole. */
  readonly namespace?: string;
  readonly rules: readonly PolicyRule[];
}

export interface ControllerDefinition {
  /** Upstream's controller name, such as `deployment-controller`; also the actor's address. */
  readonly name: string;
  /** Upstream's name of its work queue: label `name` of the queue's metrics. Default: the name. */
  readonly queue?: string;
  /** How long a failing key waits at first and at most. Default: as the work queue has it, 5 ms and 1000 s. */
  readonly retry?: { readonly firstMs: number; readonly mostMs: number };
  /** Further queues of upstream's: each works off the keys that it takes by itself; a key always goes to the same one. */
  readonly queues?: readonly { readonly name: string; takes(key: Key): boolean }[];
  /** The component that its events name. Default: the name. */
  readonly component?: string;
  /** The service account in kube-system that upstream runs it as. Default: the name. */
  readonly serviceAccount?: string;
  /** What it may do besides what upstream's policy grants its account: for simulated parts, which bring their own roles as drivers do. */
  readonly grant?: Grant;
  /** Reasons of its events that are put together at run time; those in plain text need not stand here. Documentation only. */
  readonly emits?: readonly string[];
  /** By which name and under which of upstream's managers `running_managed_controllers` tells of it. Few are told of. */
  readonly runsAs?: readonly [name: string, manager: 'kube-controller-manager' | 'cloud-controller-manager'];
  /** False for controllers that run only when they are named. Default true. */
  readonly byDefault?: boolean;
  /** A kind that is off by default, in the version that is best: the controller runs only where one of its versions is served. */
  readonly needs?: Resource;
  /** Changes of this resource enqueue the object's own key. Omitted: only `watches` feed the queue. */
  readonly reconciles?: Resource;
  /** Whether a change of the reconciled object is to be looked at at once. Default: each is. */
  wakes?(change: Change<never>): boolean;
  /** Changes of these enqueue the key of their controlling owner, when that owner is of the reconciled kind. */
  readonly owns?: readonly Resource[];
  readonly watches?: readonly Watch<never>[];
  /** Resources whose informers must be synced before the first reconcile, and whose listers it reads. */
  readonly reads?: readonly Resource[];
  /**
   * What this controller makes use of, where that is less than all objects of a resource. Only a controller that has its thread
   * to itself is spared the others; one that shares its informers sees them, and must ignore them. With `members`, it reads no others
   * of those objects.
   */
  readonly interests?: readonly {
    readonly resource: Resource | 'all';
    readonly interest: Interest;
    readonly members?: MemberPaths;
  }[];
  /** Keys reconciled at the same time; a key never twice at once. Default 5. */
  readonly workers?: number;
  create(dependencies: ControllerDependencies): Reconciler;
}

export interface Reconciler {
  /** Brings the world of this key one step nearer to what is asked. A throw requeues with back-off. */
  reconcile(key: Key): Promise<ReconcileResult | undefined>;
  /** Called once after the caches have synced and before the first reconcile. */
  start?(): void | Promise<void>;
}

export interface ReconcileResult {
  /** Reconcile again after this time. `background`: it does not keep `settled()` waiting (deadlines, resyncs). */
  readonly requeueAfterMs?: number;
  readonly background?: boolean;
}

export interface ControllerDependencies {
  readonly context: ActorContext;
  readonly client: Client;
  readonly informers: Informers;
  readonly events: EventRecorder;
  /** Settings of the controllers, as composition gave them; all have upstream's defaults. */
  readonly settings: ControllerSettings;
  /** The lister of a resource, or of a part of it (for who may not see all of it); its informer must be synced before the first reconcile. Ask in `create`. */
  lister<Type extends KubernetesObject>(resource: Resource<Type>, selection?: InformerOptions): Lister<Type>;
  /** Files the objects of a resource under index values. The same name must always mean the same function. */
  index<Type extends KubernetesObject>(
    resource: Resource<Type>,
    name: string,
    valuesOf: (object: Type) => readonly string[],
  ): void;
  /** Tells `handle` of every change of a resource, from the first list on, before the first reconcile. Call in `create`. */
  observe<Type extends KubernetesObject>(
    resource: Resource<Type>,
    handle: (change: Change<Type>) => void,
    selection?: InformerOptions,
  ): void;
  /**
   * Follows objects only where they are needed: those of one namespace, or the pods of one node, from `want` to `drop`. A
   * controller that shares its thread sees all of them from the beginning, and must ignore what it did not want. Call in `create`.
   */
  parts<Type extends KubernetesObject>(
    resource: Resource<Type>,
    by: 'namespace' | 'node',
    handle?: (change: Change<Type>) => void,
  ): Parts<Type>;
  /** Resolves when everything that was asked for so far has synced: for resources that are asked for after `create`. */
  synced(): Promise<void>;
  /** Adds a key to this controller's own queue. */
  enqueue(key: Key): void;
  enqueueAfter(key: Key, delayMs: number, options?: { readonly background?: boolean }): void;
}

/** What kube-controller-manager has as flags. Plain data; times in milliseconds. */
export interface ControllerSettings {
  /** Which versions and kinds the API server serves besides the stable ones, or not. Default: all stable ones. */
  readonly runtimeConfig?: RuntimeConfig;
  /** Features that are on though they are off by default, by upstream's names of their gates. */
  readonly features?: readonly string[];
  /** Pod CIDRs of the nodes are cut from this: a network, or one of each family with a comma between. Default 10.244.0.0/16. */
  readonly clusterCidr?: string;
  /** Prefix length of a node's pod CIDR, IPv4 and IPv6. Default 24 and 64. */
  readonly nodeCidrMaskSize?: number;
  readonly nodeCidrMaskSizeIpv6?: number;
  /** Ranges of Services, which no node gets a part of. Default: none, for pods and Services have ranges apart. */
  readonly serviceCidrs?: readonly string[];
  /** PEM that root-ca-certificate-publisher-controller writes into each namespace. Without it nothing is published. */
  readonly rootCa?: string;
  /** The CA, PEM, with which certificatesigningrequest-signing-controller signs. Without it nothing is signed. */
  readonly signing?: { readonly certificate: string; readonly key: string };
  /** A node that was not heard of for this long becomes Unknown. Default 50 000. */
  readonly nodeMonitorGracePeriodMs?: number;
  /** Default 5 000. */
  readonly nodeMonitorPeriodMs?: number;
  /** How long a deleted namespace is left alone before its content goes. Default 5 000. */
  readonly namespaceDeletionDelayMs?: number;
  /** Finished pods beyond this number are collected. Default 12 500. */
  readonly terminatedPodThreshold?: number;
}
