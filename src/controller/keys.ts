/** Keys of the work queues: `namespace/name`, or `name` for cluster-scoped objects. */
import type { KubernetesObject } from '../client/index.ts';
import type { Key } from './types.ts';

export function keyFor(object: KubernetesObject): Key {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

export function splitKey(key: Key): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
