/** Informers over objects that are given once: the caches of the client without an API server behind them. */
import { concat, from, NEVER } from 'rxjs';
import type { Change, Informer, Informers, KubernetesObject, Resource } from '../../src/client/index.ts';
import { ObjectCache } from '../../src/client/index.ts';

/** Objects by the plural name of their resource. */
export type StaticObjects = Readonly<Record<string, readonly KubernetesObject[]>>;

export function staticInformers(objects: StaticObjects): Informers {
  return {
    informer<Type extends KubernetesObject>(resource: Resource<Type>): Informer<Type> {
      const given = (objects[resource.resource] ?? []) as readonly Type[];
      const cache = new ObjectCache<Type>();
      for (const object of given) cache.put(object);
      const changes = given.map((object): Change<Type> => ({ type: 'added', object, initial: true }));
      return {
        resource,
        lister: cache,
        changes$: concat(from(changes), NEVER),
        hasSynced: true,
        synced: async () => {},
        addIndex: (name, valuesOf) => cache.addIndex(name, valuesOf),
      };
    },
    synced: async () => {},
  };
}
