/**
 * Puts the bootstrap policy right at each start: rules, selectors, subjects and labels that somebody took away from it come back,
 * unless the object says that it is not to be updated. What was added stays, but for an aggregation that nobody expects.
 * @see pkg/registry/rbac/rest/storage_rbac.go, k8s.io/component-helpers/auth/rbac/reconciliation
 */
import type { ApiObject } from '../../../src/api/index.ts';
import { notCovered, type Rule } from '../authorization/rules.ts';
import { copyOf } from '../cache/entry.ts';
import { sameValue } from '../stages/defaulting.ts';
import type { SystemObject } from './objects.ts';

const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate';

type Texts = Readonly<Record<string, string>> | undefined;

interface Aggregation {
  readonly clusterRoleSelectors?: readonly object[];
}

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** The object as it should be; undefined when it lacks nothing or is not to be updated. */
export function reconciled(current: ApiObject, expected: SystemObject['object']): ApiObject | undefined {
  const annotations = current.metadata['annotations'] as Texts;
  if (annotations?.[AUTO_UPDATE] === 'false') return undefined;
  const changed = copyOf(current);
  changed.metadata = {
    ...changed.metadata,
    labels: { ...expected.metadata.labels, ...(current.metadata['labels'] as Texts) },
    annotations: { ...expected.metadata.annotations, ...annotations },
  };
  addLacking(changed, expected);
  const isSame =
    ['rules', 'aggregationRule', 'subjects', 'roleRef'].every((part) => sameValue(changed[part], current[part])) &&
    sameValue(changed.metadata['labels'], current.metadata['labels'] ?? {}) &&
    sameValue(changed.metadata['annotations'], annotations ?? {});
  return isSame ? undefined : changed;
}

/** Whether the role that a binding names is another one now: bindings cannot be changed in this, they are made again. */
export function isOfAnotherRole(current: ApiObject, wanted: ApiObject): boolean {
  return !sameValue(current['roleRef'], wanted['roleRef']);
}

function addLacking(changed: ApiObject, expected: SystemObject['object']): void {
  if (expected['roleRef'] !== undefined) changed['roleRef'] = expected['roleRef'];
  if (expected['subjects'] !== undefined) {
    const has = (changed['subjects'] ?? []) as readonly Subject[];
    const lacking = (expected['subjects'] as readonly Subject[]).filter(
      (one) => !has.some((other) => same(one, other)),
    );
    if (lacking.length > 0) changed['subjects'] = [...has, ...lacking];
  }
  const aggregation = expected['aggregationRule'] as Aggregation | undefined;
  if (aggregation !== undefined) {
    // The rules of aggregated roles are the aggregation controller's.
    const has = (changed['aggregationRule'] as Aggregation | undefined)?.clusterRoleSelectors ?? [];
    const lacking = (aggregation.clusterRoleSelectors ?? []).filter(
      (one) => !has.some((other) => sameValue(one, other)),
    );
    if (lacking.length > 0) changed['aggregationRule'] = { clusterRoleSelectors: [...has, ...lacking] };
    return;
  }
  if (expected['rules'] === undefined) return;
  delete changed['aggregationRule'];
  const has = (changed['rules'] ?? []) as readonly Rule[];
  const lacking = notCovered(has, expected['rules'] as readonly Rule[]);
  if (lacking.length > 0) changed['rules'] = [...has, ...lacking];
}

function same(one: Subject, other: Subject): boolean {
  return one.kind === other.kind && one.name === other.name && (one.namespace ?? '') === (other.namespace ?? '');
}
