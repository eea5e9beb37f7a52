/**
 * The reconciler contract: what a controller is, as data, and what it gets. A controller is one file with one literal of
 * {@link ControllerDefinition} and one line in actors/controllers/index.ts; one actor runs it.
 */
import type { Client, EventRecorder, Informers, KubernetesObject, Resource } from '../client/index.ts';
import type { ActorContext } from '../runtime/index.ts';

/** `namespace/name`, or `name` for cluster-scoped kinds. Says which object, never what happened. */
export type Key = string;

export interface Watch<Type extends KubernetesObject = KubernetesObject> {
  readonly resource: Resource<Type>;
  /** Keys to reconcile when `object` changed; `previous` is set on updates. Returns none to ignore the change. */
  keys(object: Type, previous: Type | undefined, dependencies: ControllerDependencies): readonly Key[];
}

export interface ControllerDefinition {
  /** Upstream's controller name, such as `deployment-controller`; also the actor's address. */
  readonly name: string;
  /** Changes of this resource enqueue the object's own key. Omitted: only `watches` feed the queue. */
  readonly reconciles?: Resource;
  /** Changes of these enqueue the key of their controlling owner, when that owner is of the reconciled kind. */
  readonly owns?: readonly Resource[];
  readonly watches?: readonly Watch<never>[];
  /** Resources whose informers must be synced before the first reconcile, and whose listers it reads. */
  readonly reads?: readonly Resource[];
  /** Keys reconciled at the same time; a key never twice at once. Default 5. */
  readonly workers?: number;
  create(dependencies: ControllerDependencies): Reconciler;
}

export interface Reconciler {
  /** Brings the world of this key one step nearer to what is asked. A throw requeues with back-off. */
  reconcile(key: Key): Promise<ReconcileResult | void>;
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
  /** Adds a key to this controller's own queue. */
  enqueue(key: Key): void;
  enqueueAfter(key: Key, delayMs: number, options?: { readonly background?: boolean }): void;
}
