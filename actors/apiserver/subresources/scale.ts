/**
 * The scale subresource: replicas of any scalable kind as an autoscaling/v1 Scale.
 * @see pkg/registry/apps/deployment/storage/storage.go ScaleREST
 */
import { type ApiObject, fieldErrors } from '../../../src/api/index.ts';
import { readCustomScale, replicasPathOf, writeCustomScale } from '../custom-resources/scale.ts';
import type { SubresourceHandler } from './handler.ts';

interface Scalable {
  metadata: Record<string, unknown>;
  spec?: { replicas?: number; selector?: LabelSelector | Record<string, string> };
  status?: { replicas?: number };
}

interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** Kinds whose absence upstream tells as that of their scale: to who writes it, and of some to who reads it. */
const namedByScale = {
  write: new Set(['deployments', 'replicasets', 'replicationcontrollers', 'statefulsets']),
  read: new Set(['replicasets', 'replicationcontrollers']),
} as const;

export const scale: SubresourceHandler = {
  name: 'scale',
  part: {
    kind: { group: 'autoscaling', version: 'v1', kind: 'Scale', definition: 'io.k8s.api.autoscaling.v1.Scale' },
    read(object, kind, toChange = false) {
      const paths = kind.custom?.scale;
      if (paths !== undefined) return readCustomScale(object, paths, toChange);
      const { metadata, spec, status } = object as unknown as Scalable;
      const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
      const selector = selectorText(spec?.selector);
      return {
        kind: 'Scale',
        apiVersion: 'autoscaling/v1',
        metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as ApiObject['metadata'],
        spec: spec?.replicas === undefined || spec.replicas === 0 ? {} : { replicas: spec.replicas },
        status: { replicas: status?.replicas ?? 0, ...(selector === '' ? {} : { selector }) },
      };
    },
    path({ custom }) {
      return custom?.scale === undefined ? ['spec', 'replicas'] : replicasPathOf(custom.scale);
    },
    validate(part, { custom }) {
      // The rules of a custom kind look at its object.
      if (custom !== undefined) return [];
      const replicas = (part as unknown as Scalable).spec?.replicas ?? 0;
      if (replicas >= 0) return [];
      return [fieldErrors.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')];
    },
    absent({ group, plural, custom }, access) {
      if (custom !== undefined || !namedByScale[access].has(plural)) return undefined;
      return { group: access === 'read' && group === '' ? 'autoscaling' : group, name: `${plural}/scale` };
    },
    write(object, part, kind) {
      const paths = kind.custom?.scale;
      if (paths !== undefined) return writeCustomScale(object, part, paths);
      const { spec } = part as unknown as Scalable;
      (object as unknown as Scalable).spec = { ...(object['spec'] as object), replicas: spec?.replicas ?? 0 };
    },
  },
};

/** As upstream prints a selector: `a=b,c in (d,e)`, requirements by key. */
function selectorText(selector: LabelSelector | Record<string, string> | undefined): string {
  if (selector === undefined) return '';
  const isObject = 'matchLabels' in selector || 'matchExpressions' in selector;
  const labels = (isObject ? (selector as LabelSelector).matchLabels : (selector as Record<string, string>)) ?? {};
  const texts: [string, string][] = Object.entries(labels).map(([key, value]) => [key, `${key}=${value}`]);
  for (const { key, operator, values } of (isObject && (selector as LabelSelector).matchExpressions) || []) {
    const list = `(${[...(values ?? [])].sort().join(',')})`;
    if (operator === 'In') texts.push([key, `${key} in ${list}`]);
    else if (operator === 'NotIn') texts.push([key, `${key} notin ${list}`]);
    else texts.push([key, operator === 'Exists' ? key : `!${key}`]);
  }
  return texts
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, text]) => text)
    .join(',');
}
