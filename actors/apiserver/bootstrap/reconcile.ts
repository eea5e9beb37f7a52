/**
 * Puts the bootstrap policy right at each start: rules, subjects and labels that somebody took away from it come back, unless the
 * object says that it is not to be updated. What was added stays.
 * @see pkg/registry/rbac/rest/storage_rbac.go, k8s.io/component-helpers/auth/rbac/reconciliation
 */
import type { ApiObject } from '../../../src/api/index.ts';
import { notCovered, type Rule } from '../authorization/rules.ts';
import { copyOf } from '../cache/entry.ts';
import { sameValue } from '../stages/defaulting.ts';
import type { SystemObject } from './objects.ts';

const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate';

type Texts = Readonly<Record<string, string>> | undefined;

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** The object as it should be; undefined when it lacks nothing or is somebody else's. */
export function reconciled(current: ApiObject, expected: SystemObject['object']): ApiObject | undefined {
  const annotations = current.metadata['annotations'] as Texts;
  if (annotations?.[AUTO_UPDATE] !== 'true') return undefined;
  const changed = copyOf(current);
  changed.metadata = {
    ...changed.metadata,
    labels: { ...expected.metadata.labels, ...(current.metadata['labels'] as Texts) },
    annotations: { ...expected.metadata.annotations, ...annotations },
  };
  if (expected['subjects'] !== undefined) {
    const has = (current['subjects'] ?? []) as readonly Subject[];
    const lacking = (expected['subjects'] as readonly Subject[]).filter(
      (one) => !has.some((other) => same(one, other)),
    );
    if (lacking.length > 0) changed['subjects'] = [...has, ...lacking];
  }
  // The rules of aggregated roles are the aggregation controller's.
  if (expected['rules'] !== undefined && expected['aggregationRule'] === undefined) {
    const has = (current['rules'] ?? []) as readonly Rule[];
    const lacking = notCovered(has, expected['rules'] as readonly Rule[]);
    if (lacking.length > 0) changed['rules'] = [...has, ...lacking];
  }
  const isSame =
    sameValue(changed['rules'], current['rules']) &&
    sameValue(changed['subjects'], current['subjects']) &&
    sameValue(changed.metadata['labels'], current.metadata['labels'] ?? {}) &&
    sameValue(changed.metadata['annotations'], annotations);
  return isSame ? undefined : changed;
}

function same(one: Subject, other: Subject): boolean {
  return one.kind === other.kind && one.name === other.name && (one.namespace ?? '') === (other.namespace ?? '');
}
