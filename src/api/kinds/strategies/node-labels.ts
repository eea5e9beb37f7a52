/** Node labels that have been replaced, and warnings for selectors that use them. @see pkg/api/node/util.go */
import type { NodeSelectorTerm } from '../../generated/types.ts';

/** What to say of each deprecated label. */
export const deprecatedNodeLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

/** Adds a warning for each deprecated label that the term at `path` selects by. */
export function warnOfSelectorTerm(path: string, term: NodeSelectorTerm, warnings: string[]): void {
  term.matchExpressions?.forEach((expression, index) => {
    const message = deprecatedNodeLabels[expression.key];
    if (message !== undefined) warnings.push(`${path}.matchExpressions[${index}].key: ${expression.key} is ${message}`);
  });
}
