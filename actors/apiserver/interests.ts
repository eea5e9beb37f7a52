/**
 * Subsets of objects that clients on the bus may ask for by name: see `Interest` in src/client. Twenty controllers follow pods,
 * most of them a few of them only; what is not sent costs neither of the two threads anything.
 */
import { type ApiObject, StatusError } from '../../src/api/index.ts';

type Predicate = (object: ApiObject) => boolean;

interface PodWithClaims {
  readonly spec?: {
    readonly volumes?: readonly { readonly persistentVolumeClaim?: unknown; readonly ephemeral?: unknown }[];
    readonly resourceClaims?: readonly unknown[];
  };
}

const claiming: Predicate = (object) => {
  const { spec } = object as PodWithClaims;
  if ((spec?.resourceClaims?.length ?? 0) > 0) return true;
  return (
    spec?.volumes?.some((volume) => volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined) ??
    false
  );
};

const terminating: Predicate = ({ metadata }) => metadata.deletionTimestamp !== undefined;

const controlledBy =
  (kind: string): Predicate =>
  ({ metadata }) => {
    const owners = metadata['ownerReferences'] as
      | readonly { readonly controller?: boolean; readonly kind: string }[]
      | undefined;
    const controller = owners?.find((owner) => owner.controller === true);
    return controller === undefined || controller.kind === kind;
  };

const controlledByPrefix = 'controlled-by:';

/** @throws StatusError 400 for a name that stands for nothing. */
export function interestOf(name: string): Predicate {
  if (name === 'claiming') return claiming;
  if (name === 'terminating') return terminating;
  if (name.startsWith(controlledByPrefix)) return controlledBy(name.slice(controlledByPrefix.length));
  throw StatusError.badRequest(`there is no interest ${JSON.stringify(name)}`);
}
