/**
 * Whether labels match a selector, for controllers that ask it of many objects: a selector is turned into a function once.
 * A null selector matches nothing; an empty one everything.
 */
import type { LabelSelector } from '../api/index.ts';

export type Labels = Readonly<Record<string, string>>;
export type LabelMatcher = (labels: Labels | undefined) => boolean;

const none: Labels = {};

/** @throws Error for an operator that does not exist. */
export function matcherOf(selector: LabelSelector | undefined | null): LabelMatcher {
  if (selector === undefined || selector === null) return () => false;
  const requirements: LabelMatcher[] = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]) =>
      (labels) =>
        labels?.[key] === value,
  );
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    requirements.push(requirementOf(key, operator, values));
  }
  return (labels) => requirements.every((matches) => matches(labels ?? none));
}

function requirementOf(key: string, operator: string, values: readonly string[]): LabelMatcher {
  switch (operator) {
    case 'In':
      return (labels) => labels?.[key] !== undefined && values.includes(labels[key]);
    case 'NotIn':
      return (labels) => labels?.[key] === undefined || !values.includes(labels[key]);
    case 'Exists':
      return (labels) => labels?.[key] !== undefined;
    case 'DoesNotExist':
      return (labels) => labels?.[key] === undefined;
    default:
      throw new Error(`"${operator}" is not a valid label selector operator`);
  }
}

/** For plain map selectors (Services, ReplicationControllers): an empty or absent one matches nothing. */
export function mapMatcherOf(selector: Labels | undefined | null): LabelMatcher {
  const entries = Object.entries(selector ?? none);
  if (entries.length === 0) return () => false;
  return (labels) => entries.every(([key, value]) => labels?.[key] === value);
}

/** Whether a selector has no requirement, so that it matches everything. */
export function isEmptySelector(selector: LabelSelector | undefined | null): boolean {
  return Object.keys(selector?.matchLabels ?? none).length === 0 && (selector?.matchExpressions?.length ?? 0) === 0;
}
