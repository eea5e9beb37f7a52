/**
 * The scale of custom objects: replicas and selector from where their definition says that they are.
 * @see apiextensions-apiserver/pkg/registry/customresource/etcd.go ScaleREST
 */
import { type ApiObject, type CustomForm, StatusError } from '../../../src/api/index.ts';

type ScalePaths = NonNullable<CustomForm['scale']>;

/** The replicas of a Scale whose object says nothing of them: what a change must replace. */
const UNSET = -(2 ** 31);

/** The Scale of an object. 500 when it has no replicas to speak of, as upstream, unless it is read to be changed. */
export function readCustomScale(object: ApiObject, paths: ScalePaths, toChange: boolean): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const found = valueAt(object, paths.specReplicasPath);
  if (typeof found !== 'number' && !toChange) {
    throw StatusError.internalError(`the spec replicas field ${JSON.stringify(paths.specReplicasPath)} does not exist`);
  }
  const replicas = typeof found === 'number' ? found : UNSET;
  const current = valueAt(object, paths.statusReplicasPath);
  const selector = paths.labelSelectorPath ? valueAt(object, paths.labelSelectorPath) : undefined;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as ApiObject['metadata'],
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: typeof current === 'number' ? current : 0,
      ...(typeof selector === 'string' && selector !== '' ? { selector } : {}),
    },
  };
}

/** Puts a Scale's replicas into the object, in place. @throws StatusError 400 when neither has any */
export function writeCustomScale(object: ApiObject, part: ApiObject, paths: ScalePaths): void {
  const replicas = (part['spec'] as { replicas?: number } | undefined)?.replicas ?? 0;
  if (replicas === UNSET)
    throw StatusError.badRequest(`the spec replicas field ${JSON.stringify(paths.specReplicasPath)} cannot be empty`);
  const names = namesOf(paths.specReplicasPath);
  const last = names.pop();
  if (last === undefined) return;
  let at = object as Record<string, unknown>;
  for (const name of names) {
    at[name] = { ...(at[name] as object | undefined) };
    at = at[name] as Record<string, unknown>;
  }
  at[last] = replicas;
}

export const replicasPathOf = ({ specReplicasPath }: ScalePaths): readonly string[] => namesOf(specReplicasPath);

/** Such paths are names only: `.spec.replicas`. */
function namesOf(path: string): string[] {
  return path.replace(/^\./, '').split('.');
}

function valueAt(object: ApiObject, path: string): unknown {
  return namesOf(path).reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined,
    object,
  );
}
