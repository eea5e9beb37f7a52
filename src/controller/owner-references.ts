/**
 * Who owns what: the controller of an object, and claiming. A controller adopts matching objects that nobody controls and
 * releases its own that stopped matching; it never touches what another one controls.
 *
 * @see kubernetes/pkg/controller/controller_ref_manager.go
 */
import { isInvalid, isNotFound, type OwnerReference } from '../api/index.ts';
import { type Client, type KubernetesObject, keyOf, type Resource } from '../client/index.ts';
import type { LabelMatcher } from './label-selectors.ts';

/** The owner reference with `controller: true`, if there is one. */
export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
  const references = object.metadata?.ownerReferences;
  if (references === undefined) return undefined;
  for (const reference of references) if (reference.controller === true) return reference;
  return undefined;
}

export function isControlledBy(object: KubernetesObject, owner: KubernetesObject): boolean {
  return controllerOf(object)?.uid === owner.metadata?.uid;
}

/** The reference that a controller puts on what it creates. */
export function controllerReferenceTo(owner: KubernetesObject, resource: Resource): OwnerReference {
  return {
    apiVersion: resource.group === '' ? resource.version : `${resource.group}/${resource.version}`,
    kind: resource.kind,
    name: owner.metadata?.name ?? '',
    uid: owner.metadata?.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Name of the index that {@link controllerIndex} makes. */
export const controllerIndexName = 'controller';

/** Index values: the uid of the controlling owner, or `orphan/<namespace>` for objects that nobody controls. */
export function controllerIndex(object: KubernetesObject): readonly string[] {
  const reference = controllerOf(object);
  return [reference === undefined ? orphansOf(object.metadata?.namespace ?? '') : reference.uid];
}

/** The index value of the objects of a namespace that nobody controls. */
export function orphansOf(namespace: string): string {
  return `orphan/${namespace}`;
}

export interface Claim<Owned extends KubernetesObject> {
  readonly client: Client;
  readonly owner: KubernetesObject;
  readonly ownerResource: Resource;
  readonly ownedResource: Resource<Owned>;
  readonly matches: LabelMatcher;
  /** What an object must be like besides its labels, to be adopted and to be kept. */
  fits?(object: Owned): boolean;
  /** Finalizers to set on adoption. */
  readonly finalizers?: readonly string[];
}

/**
 * Of `candidates` (those the owner controls and those nobody controls) the ones that are the owner's afterwards: adopts and
 * releases on the way. Adoption first makes sure, with an uncached read, that the owner is still there and not being deleted.
 * @throws StatusError or Error of the first claim that failed; the others were still tried.
 */
export async function claim<Owned extends KubernetesObject>(
  options: Claim<Owned>,
  candidates: readonly Owned[],
): Promise<Owned[]> {
  const { owner } = options;
  const matches = (object: Owned) => options.matches(object.metadata?.labels) && options.fits?.(object) !== false;
  const claimed: Owned[] = [];
  const failures: unknown[] = [];
  let adoptable: Promise<void> | undefined;
  for (const object of candidates) {
    const controller = controllerOf(object);
    try {
      if (controller !== undefined) {
        if (controller.uid !== owner.metadata?.uid) continue;
        if (matches(object)) claimed.push(object);
        else if (owner.metadata?.deletionTimestamp === undefined) await release(options, object);
        continue;
      }
      if (owner.metadata?.deletionTimestamp !== undefined || !matches(object)) continue;
      if (object.metadata?.deletionTimestamp !== undefined) continue;
      adoptable ??= assertAdoptable(options);
      await adoptable;
      if (await adopt(options, object)) claimed.push(object);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return claimed;
}

async function assertAdoptable({ client, owner, ownerResource }: Claim<KubernetesObject>): Promise<void> {
  const key = keyOf(owner);
  const fresh = await client.get(ownerResource, key);
  if (fresh.metadata?.uid !== owner.metadata?.uid) {
    throw new Error(
      `original ${ownerResource.kind} ${key.namespace}/${key.name} is gone: got uid ${fresh.metadata?.uid}, wanted ${owner.metadata?.uid}`,
    );
  }
  if (fresh.metadata?.deletionTimestamp !== undefined) {
    throw new Error(`${key.namespace}/${key.name} has just been deleted at ${fresh.metadata.deletionTimestamp}`);
  }
}

/** False when the object is gone by now. */
async function adopt<Owned extends KubernetesObject>(options: Claim<Owned>, object: Owned): Promise<boolean> {
  const { client, owner, ownerResource, ownedResource, finalizers } = options;
  const patch = {
    metadata: {
      ownerReferences: [controllerReferenceTo(owner, ownerResource)],
      uid: object.metadata?.uid,
      ...(finalizers === undefined ? {} : { finalizers }),
    },
  };
  try {
    await client.patch(ownedResource as Resource, keyOf(object), 'strategic', patch);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function release<Owned extends KubernetesObject>(options: Claim<Owned>, object: Owned): Promise<void> {
  const { client, owner, ownedResource, finalizers } = options;
  const patch = {
    metadata: {
      ownerReferences: [{ $patch: 'delete', uid: owner.metadata?.uid }],
      uid: object.metadata?.uid,
      ...(finalizers === undefined ? {} : { '$deleteFromPrimitiveList/finalizers': finalizers }),
    },
  };
  try {
    await client.patch(ownedResource as Resource, keyOf(object), 'strategic', patch);
  } catch (error) {
    // Gone, or already released by someone else: either way it is not ours any more.
    if (!isNotFound(error) && !isInvalid(error)) throw error;
  }
}
