/**
 * A controller's cache lags behind its own writes. Whoever looks at an object as it was before the last own write counts
 * twice, or undoes what was just done. So the runner remembers the version of each write to an object that a controller
 * reconciles, and leaves its key alone until the cache has caught up: the event that brings it brings the key, too.
 *
 * @see KEP-5647, stale controller detection
 */
import {
  type Client,
  type KubernetesObject,
  keyOf,
  type Lister,
  type ObjectKey,
  type Resource,
} from '../client/index.ts';
import { splitKey } from './keys.ts';
import type { Key } from './types.ts';

const versionOf = (object: KubernetesObject): number => Number(object.metadata?.resourceVersion ?? 0);

export class OwnWrites {
  readonly #resource: Resource;
  readonly #lister: Lister<KubernetesObject>;
  /** Versions that the cache had not reached when they were written. */
  readonly #written = new Map<Key, number>();

  constructor(resource: Resource, lister: Lister<KubernetesObject>) {
    this.#resource = resource;
    this.#lister = lister;
  }

  /** Whether the cache still shows an older version than the one written last. An object that is gone is never stale. */
  isStale(key: Key): boolean {
    const version = this.#written.get(key);
    if (version === undefined) return false;
    const { namespace, name } = splitKey(key);
    const cached = this.#lister.get(namespace, name);
    if (cached !== undefined && versionOf(cached) < version) return true;
    this.#written.delete(key);
    return false;
  }

  /** The same client, whose updates and patches of the resource are remembered. */
  follow(client: Client): Client {
    const remember = <Type extends KubernetesObject>(
      resource: Resource<Type>,
      { namespace, name }: ObjectKey,
      object: Type,
    ): Type => {
      if (resource.resource !== this.#resource.resource || resource.group !== this.#resource.group) return object;
      const version = versionOf(object);
      // Subresources such as scale answer with another kind, but under the same name and version.
      if (name !== '' && version > 0) this.#written.set(namespace ? `${namespace}/${name}` : name, version);
      return object;
    };
    return {
      ...client,
      update: async (resource, object, options) =>
        remember(resource, keyOf(object), await client.update(resource, object, options)),
      patch: async (resource, key, type, patch, options) =>
        remember(resource, key, await client.patch(resource, key, type, patch, options)),
    };
  }
}
