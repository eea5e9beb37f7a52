/**
 * The graph of owners and dependents over all objects of a cluster, for the garbage collector. A node stands for one object
 * (one uid); an owner that is named but was never seen is a virtual node until it is seen or found absent.
 *
 * Worked example: ReplicaSet R is owned by Deployment D. Seeing R first makes D a virtual node with the dependent R; seeing D
 * makes it observed; deleting D hands R to `onSuspect`.
 *
 * @see kubernetes/pkg/controller/garbagecollector/graph_builder.go
 */
import type { OwnerReference } from '../api/index.ts';
import type { KubernetesObject, Resource } from '../client/index.ts';

export const orphanFinalizer = 'orphan';
export const foregroundFinalizer = 'foregroundDeletion';

export interface OwnerNode {
  readonly uid: string;
  /** Undefined for a virtual node of a kind that nobody serves. */
  resource: Resource | undefined;
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  owners: readonly OwnerReference[];
  readonly dependents: Set<OwnerNode>;
  /** As last seen; undefined for virtual nodes. */
  object: KubernetesObject | undefined;
  /** Being deleted in the foreground: its blocking dependents go first. */
  deletingDependents: boolean;
}

export interface OwnerGraphEvents {
  /** The node may have lost its owners, or may be ready to go itself: look at it. */
  onSuspect(node: OwnerNode): void;
  /** The node is being deleted and its dependents are to be orphaned. */
  onOrphan(node: OwnerNode): void;
  /** A reference from one namespace to an owner in another. */
  onInvalidNamespace(node: OwnerNode, reference: OwnerReference): void;
}

export class OwnerGraph {
  readonly #nodes = new Map<string, OwnerNode>();
  readonly #events: OwnerGraphEvents;

  constructor(events: OwnerGraphEvents) {
    this.#events = events;
  }

  get(uid: string): OwnerNode | undefined {
    return this.#nodes.get(uid);
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** The object was added or updated. */
  observe(resource: Resource, object: KubernetesObject): void {
    const {
      uid,
      namespace = '',
      name = '',
      ownerReferences = [],
      finalizers = [],
      deletionTimestamp,
    } = object.metadata ?? {};
    if (uid === undefined) return;
    let node = this.#nodes.get(uid);
    const isNew = node?.object === undefined;
    const before = node?.object;
    if (node === undefined) {
      node = {
        uid,
        resource,
        apiVersion: object.apiVersion ?? '',
        kind: resource.kind,
        namespace,
        name,
        owners: [],
        dependents: new Set(),
        object,
        deletingDependents: false,
      };
      this.#nodes.set(uid, node);
    } else if (isNew) this.#becomeObserved(node, resource, object);
    node.object = object;
    this.#relink(node, ownerReferences, isNew);
    if (deletionTimestamp === undefined) return;
    const was = before?.metadata?.deletionTimestamp === undefined ? [] : (before.metadata.finalizers ?? []);
    if (finalizers.includes(orphanFinalizer) && !was.includes(orphanFinalizer)) this.#events.onOrphan(node);
    if (finalizers.includes(foregroundFinalizer) && !was.includes(foregroundFinalizer)) {
      node.deletingDependents = true;
      for (const dependent of node.dependents) this.#events.onSuspect(dependent);
      this.#events.onSuspect(node);
    }
  }

  /** The object is gone, or a virtual node was found absent. */
  remove(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    this.#nodes.delete(uid);
    for (const reference of node.owners) {
      const owner = this.#nodes.get(reference.uid);
      if (owner === undefined) continue;
      owner.dependents.delete(node);
      if (owner.deletingDependents) this.#events.onSuspect(owner);
      else this.#dropUnused(owner);
    }
    for (const dependent of node.dependents) this.#events.onSuspect(dependent);
  }

  /** What was only guessed from references is known now; dependents that guessed wrong must be looked at. */
  #becomeObserved(node: OwnerNode, resource: Resource, object: KubernetesObject): void {
    const { namespace = '', name = '' } = object.metadata ?? {};
    const guessedRight = node.namespace === namespace && node.name === name && node.kind === resource.kind;
    Object.assign(node, { resource, apiVersion: object.apiVersion ?? '', kind: resource.kind, namespace, name });
    if (guessedRight) return;
    for (const dependent of node.dependents) this.#checkNamespace(dependent, node);
  }

  #relink(node: OwnerNode, references: readonly OwnerReference[], isNew: boolean): void {
    const before = node.owners;
    node.owners = references;
    const changed = !isNew && ownersKey(before) !== ownersKey(references);
    for (const reference of before) {
      if (references.some(({ uid }) => uid === reference.uid)) continue;
      const owner = this.#nodes.get(reference.uid);
      owner?.dependents.delete(node);
      if (owner?.deletingDependents) this.#events.onSuspect(owner);
      else if (owner !== undefined) this.#dropUnused(owner);
    }
    for (const reference of references) {
      const known = before.find(({ uid }) => uid === reference.uid);
      if (known === undefined) this.#link(node, reference);
      else if (known.blockOwnerDeletion === true && reference.blockOwnerDeletion !== true) {
        const owner = this.#nodes.get(reference.uid);
        if (owner?.deletingDependents) this.#events.onSuspect(owner);
      }
    }
    if (changed) this.#events.onSuspect(node);
  }

  #link(node: OwnerNode, reference: OwnerReference): void {
    let owner = this.#nodes.get(reference.uid);
    if (owner === undefined) {
      owner = {
        uid: reference.uid,
        resource: undefined,
        apiVersion: reference.apiVersion,
        kind: reference.kind,
        namespace: node.namespace,
        name: reference.name,
        owners: [],
        dependents: new Set(),
        object: undefined,
        deletingDependents: false,
      };
      this.#nodes.set(reference.uid, owner);
      // Nobody has seen this owner yet: it may not exist.
      this.#events.onSuspect(node);
    } else if (owner.object !== undefined) this.#checkNamespace(node, owner);
    owner.dependents.add(node);
    if (owner.deletingDependents) this.#events.onSuspect(node);
  }

  #checkNamespace(node: OwnerNode, owner: OwnerNode): void {
    const reference = node.owners.find(({ uid }) => uid === owner.uid);
    if (reference === undefined) return;
    const elsewhere = owner.namespace !== '' && owner.namespace !== node.namespace;
    if (elsewhere) this.#events.onInvalidNamespace(node, reference);
    if (elsewhere || owner.kind !== reference.kind || owner.name !== reference.name) this.#events.onSuspect(node);
  }

  #dropUnused(owner: OwnerNode): void {
    if (owner.object === undefined && owner.dependents.size === 0) this.#nodes.delete(owner.uid);
  }
}

/** Equal texts mean the same owners, each blocking or not as in the other. */
export function ownersKey(references: readonly OwnerReference[]): string {
  return references.map(({ uid, blockOwnerDeletion }) => `${uid}/${blockOwnerDeletion ?? false}`).join();
}
