/**
 * Whether labels match a selector, for controllers that ask it of many objects: a selector is turned into a function once.
 * A null selector matches nothing; an empty one everything.
 */
import { type LabelSelector, type Labels, labelSelectorOf } from '../api/index.ts';

export type LabelMatcher = (labels: Labels | undefined) => boolean;

/** @throws SelectorError for a malformed selector, which validation does not let through. */
export function matcherOf(selector: LabelSelector | undefined | null): LabelMatcher {
  const parsed = labelSelectorOf(selector);
  return (labels) => parsed.matches(labels);
}

/** The same matcher, asked once of labels that many objects in a row share: those of replicas are one object in a cache. */
export function askedOnce(matches: LabelMatcher): LabelMatcher {
  let last: Labels | undefined;
  let matched = matches(last);
  return (labels) => {
    if (labels === last) return matched;
    last = labels;
    matched = matches(labels);
    return matched;
  };
}

/** For plain map selectors (Services, ReplicationControllers): an empty or absent one matches nothing. */
export function mapMatcherOf(selector: Labels | undefined | null): LabelMatcher {
  const entries = Object.entries(selector ?? {});
  if (entries.length === 0) return () => false;
  return (labels) => entries.every(([key, value]) => labels?.[key] === value);
}

/** Whether a selector has no requirement, so that it matches everything. */
export function isEmptySelector(selector: LabelSelector | undefined | null): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions?.length ?? 0) === 0;
}
