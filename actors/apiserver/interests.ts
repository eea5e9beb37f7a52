/**
 * Subsets of objects that clients on the bus may ask for by name: see `Interest` in src/client. Twenty controllers follow pods,
 * most of them a few of them only, or a few of their fields; what is not sent costs neither of the two threads anything.
 */
import { type ApiObject, StatusError } from '../../src/api/index.ts';
import { sameValue } from './stages/defaulting.ts';

type Predicate = (object: ApiObject) => boolean;

export interface InterestRule {
  /** Whether the object is of interest; undefined: all are. */
  readonly matches?: Predicate;
  /** Whether an update says something new to those who follow this; undefined: every update does. */
  readonly minds?: (before: ApiObject, after: ApiObject) => boolean;
}

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

/** Who owns it, and whether finalizers keep it while it is on its way out: what the garbage collector reads of an object. */
const ownership: InterestRule = {
  minds: ({ metadata: before }, { metadata: after }) =>
    (before.deletionTimestamp !== after.deletionTimestamp && after['finalizers'] !== undefined) ||
    before['uid'] !== after['uid'] ||
    !sameValue(before['ownerReferences'], after['ownerReferences']) ||
    !sameValue(before['finalizers'], after['finalizers']),
};

/** Jobs that go some time after they have finished. */
const expiring: Predicate = (object) =>
  (object as { readonly spec?: { readonly ttlSecondsAfterFinished?: number } }).spec?.ttlSecondsAfterFinished !==
  undefined;

interface PodOnNode {
  readonly spec?: { readonly nodeName?: string };
  readonly status?: { readonly phase?: string };
}

const hasEnded = ({ status }: PodOnNode): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** Which node a pod is on, if any, whether it has ended, or is on its way out without a node: what collects forgotten pods. */
const assignment: InterestRule = {
  matches(object) {
    const pod = object as PodOnNode;
    return pod.spec?.nodeName !== undefined || hasEnded(pod) || object.metadata.deletionTimestamp !== undefined;
  },
  minds(before, after) {
    const [old, now] = [before as PodOnNode, after as PodOnNode];
    return (
      old.spec?.nodeName !== now.spec?.nodeName ||
      hasEnded(old) !== hasEnded(now) ||
      before.metadata['uid'] !== after.metadata['uid']
    );
  },
};

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
export function interestOf(name: string): InterestRule {
  if (name === 'claiming') return { matches: claiming };
  if (name === 'expiring') return { matches: expiring };
  if (name === 'ownership') return ownership;
  if (name === 'assignment') return assignment;
  if (name.startsWith(controlledByPrefix)) return { matches: controlledBy(name.slice(controlledByPrefix.length)) };
  throw StatusError.badRequest(`there is no interest ${JSON.stringify(name)}`);
}
