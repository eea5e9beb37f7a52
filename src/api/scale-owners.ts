/**
 * Who owns the replicas of an object, as its scale says it. A scale has no owners of its own: those of the object who own its
 * replicas own the scale's, and what a write of the scale makes of them is carried back.
 * @see staging/src/k8s.io/apimachinery/pkg/util/managedfields/scalehandler.go
 */
import { type FieldSet, isEmptySet, lookUp, setOf, subtractSets } from './field-set.ts';
import { identityOf, type Owners } from './managed-fields.ts';

const SCALE_VERSION = 'autoscaling/v1';
const replicasOfScale = ['spec', 'replicas'];

/** The owners of the scale of an object with these `owners`, whose replicas are at `path`. */
export function scaleOwners(owners: Owners, path: readonly string[]): Owners {
  const result: Owners = new Map();
  for (const owner of owners.values()) {
    if (!hasPath(owner.set, path)) continue;
    const scaled = { ...owner, apiVersion: SCALE_VERSION, set: setOf(replicasOfScale), packed: undefined };
    result.set(identityOf(scaled), scaled);
  }
  return result;
}

/** The owners of the object after those of its scale have become `scaled`. New ones are of the object's `apiVersion`. */
export function withScaleOwners(owners: Owners, scaled: Owners, apiVersion: string, path: readonly string[]): Owners {
  const rest = new Map([...scaled].filter(([, { set }]) => hasPath(set, replicasOfScale)));
  const replicas = setOf(path);
  const result: Owners = new Map();
  for (const [identity, owner] of owners) {
    const inScale = identityOf({ ...owner, apiVersion: SCALE_VERSION });
    if (!hasPath(owner.set, path) || rest.delete(inScale)) {
      result.set(identity, owner);
      continue;
    }
    const set = subtractSets(owner.set, replicas);
    if (!isEmptySet(set)) result.set(identity, { ...owner, set, packed: undefined });
  }
  for (const owner of rest.values()) {
    const added = { ...owner, apiVersion, set: replicas, packed: undefined };
    result.set(identityOf(added), added);
  }
  return result;
}

function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let at: FieldSet = set;
  let isMember = false;
  for (const name of path) {
    const { member, children } = lookUp(at, `f:${name}`);
    isMember = member;
    at = children;
  }
  return isMember;
}
