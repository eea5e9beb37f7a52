/**
 * Selectors compiled to functions: label selectors of pods, and node selector terms with their numeric and field
 * operators. The scheduler evaluates the same selector against thousands of objects, so they are compiled once a pod.
 * Invalid selectors match nothing, as in upstream's scheduler.
 */
import {
  type LabelSelector,
  type Labels,
  labelSelectorOf,
  type Node,
  type NodeSelector,
  type NodeSelectorTerm,
  SelectorError,
} from '../api/index.ts';

export type LabelMatcher = (labels: Labels) => boolean;
export type NodeMatcher = (node: Node) => boolean;

interface Requirement {
  key: string;
  operator: string;
  values?: readonly string[] | undefined;
}

const nothing: LabelMatcher = () => false;
const has = (labels: Labels, key: string) => Object.hasOwn(labels, key);
const integer = /^[+-]?\d+$/;

/** One requirement; `Gt` and `Lt` compare integers and exist for nodes only. */
function compileRequirement({ key, operator, values = [] }: Requirement): LabelMatcher {
  switch (operator) {
    case 'In': {
      if (values.length === 1) {
        const only = values[0]!;
        return (labels) => has(labels, key) && labels[key] === only;
      }
      const set = new Set(values);
      return (labels) => has(labels, key) && set.has(labels[key]!);
    }
    case 'NotIn': {
      const set = new Set(values);
      return (labels) => !has(labels, key) || !set.has(labels[key]!);
    }
    case 'Exists':
      return (labels) => has(labels, key);
    case 'DoesNotExist':
      return (labels) => !has(labels, key);
    case 'Gt':
    case 'Lt': {
      const bound = values[0];
      if (values.length !== 1 || bound === undefined || !integer.test(bound)) return nothing;
      const limit = BigInt(bound);
      return (labels) => {
        const value = has(labels, key) ? labels[key]! : '';
        if (!integer.test(value)) return false;
        return operator === 'Gt' ? BigInt(value) > limit : BigInt(value) < limit;
      };
    }
    default:
      return nothing;
  }
}

function all(matchers: readonly LabelMatcher[]): LabelMatcher {
  const [first, second] = matchers;
  if (first === undefined) return () => true;
  if (second === undefined) return first;
  return (labels) => {
    for (const matcher of matchers) if (!matcher(labels)) return false;
    return true;
  };
}

/** Absent matches nothing; empty matches everything. */
export function compileLabelSelector(selector: LabelSelector | undefined): LabelMatcher {
  try {
    const parsed = labelSelectorOf(selector);
    return (labels) => parsed.matches(labels);
  } catch (error) {
    if (error instanceof SelectorError) return nothing;
    throw error;
  }
}

/** A map of labels as selector, as in a Service or a node selector. */
export const compileLabelMap = (map: Labels): LabelMatcher =>
  all(Object.entries(map).map(([key, value]) => compileRequirement({ key, operator: 'In', values: [value] })));

/** An empty term matches nothing; expressions and fields of a term must all hold. */
export function compileNodeSelectorTerm(term: NodeSelectorTerm): NodeMatcher {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return () => false;
  const byLabels = all(expressions.map(compileRequirement));
  const byFields = all(
    fields.map((field) => {
      const known = field.key === 'metadata.name' && (field.operator === 'In' || field.operator === 'NotIn');
      return known ? compileRequirement(field) : nothing;
    }),
  );
  return (node) =>
    byLabels(node.metadata?.labels ?? {}) &&
    (fields.length === 0 || byFields({ 'metadata.name': node.metadata?.name ?? '' }));
}

/** Terms are alternatives; no terms match nothing. */
export function compileNodeSelector(selector: NodeSelector): NodeMatcher {
  const terms = (selector.nodeSelectorTerms ?? []).map(compileNodeSelectorTerm);
  return (node) => terms.some((term) => term(node));
}
