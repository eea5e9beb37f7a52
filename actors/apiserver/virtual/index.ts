/** The kinds that are not stored: one literal list. */
import type { KindDefinition } from '../../../src/api/index.ts';
import { bindings } from './bindings.ts';
import { componentStatuses } from './component-statuses.ts';
import type { VirtualKind } from './handler.ts';
import { nodeResourceMetrics, podResourceMetrics } from './resource-metrics.ts';
import {
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
  tokenReviews,
} from './reviews.ts';

const virtualKinds: readonly VirtualKind[] = [
  bindings,
  componentStatuses,
  localSubjectAccessReviews,
  nodeResourceMetrics,
  podResourceMetrics,
  selfSubjectAccessReviews,
  selfSubjectReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
  tokenReviews,
];

const byPrefix = new Map(virtualKinds.map((kind) => [kind.prefix, kind]));

export function virtualKindOf(kind: KindDefinition): VirtualKind | undefined {
  return byPrefix.get(kind.storagePrefix);
}
