/**
 * The syntax tree. Macros are expanded while parsing, so that the checker and the cost estimate know one kind of loop only:
 * {@link Comprehension}. What a macro was is kept, since the evaluator runs the common ones by loops of their own.
 * @see cel-go common/ast/expr.go
 */

interface Place {
  /** Counts from one within an expression. */
  readonly id: number;
  /** Where errors point: an operator, a dot, an opening bracket, or the start of a name or literal. */
  readonly offset: number;
}

export interface Literal extends Place {
  readonly kind: 'literal';
  readonly value: unknown;
}

export interface Identifier extends Place {
  readonly kind: 'identifier';
  readonly name: string;
}

export interface Select extends Place {
  readonly kind: 'select';
  readonly operand: Node;
  readonly field: string;
  /** `has(operand.field)`. */
  readonly testOnly: boolean;
}

export interface CallNode extends Place {
  readonly kind: 'call';
  /** Upstream's name: `_+_`, `@in`, `_[_]`, `size`. */
  readonly name: string;
  readonly target: Node | undefined;
  readonly args: readonly Node[];
}

export interface ListNode extends Place {
  readonly kind: 'list';
  readonly elements: readonly Node[];
  /** Indexes of `?` elements. */
  readonly optional: ReadonlySet<number>;
}

export interface Entry {
  readonly key: Node;
  readonly value: Node;
  readonly optional: boolean;
}

export interface MapNode extends Place {
  readonly kind: 'map';
  readonly entries: readonly Entry[];
}

export interface StructField {
  readonly name: string;
  readonly offset: number;
  readonly value: Node;
  readonly optional: boolean;
}

export interface StructNode extends Place {
  readonly kind: 'struct';
  readonly typeName: string;
  readonly fields: readonly StructField[];
}

/** How the evaluator runs a loop; `fold` is the general form. */
export type LoopShape = 'all' | 'exists' | 'existsOne' | 'collect' | 'collectEntries' | 'bind' | 'fold';

export interface Comprehension extends Place {
  readonly kind: 'comprehension';
  readonly shape: LoopShape;
  readonly range: Node;
  readonly variable: string;
  readonly variable2: string | undefined;
  readonly accumulator: string;
  readonly init: Node;
  readonly condition: Node;
  readonly step: Node;
  readonly result: Node;
  /** `all`, `exists`, `existsOne`: the predicate. `collect`, `collectEntries`: the filter, if there is one. */
  readonly predicate: Node | undefined;
  /** `collect`: what is added. `collectEntries`: the value, or the map of entries. */
  readonly item: Node | undefined;
}

export type Node = Literal | Identifier | Select | CallNode | ListNode | MapNode | StructNode | Comprehension;

/** The operators by their symbols. */
export const operatorNames: Readonly<Record<string, string>> = {
  '==': '_==_',
  '!=': '_!=_',
  '<': '_<_',
  '<=': '_<=_',
  '>': '_>_',
  '>=': '_>=_',
  in: '@in',
  '+': '_+_',
  '-': '_-_',
  '*': '_*_',
  '/': '_/_',
  '%': '_%_',
  '&&': '_&&_',
  '||': '_||_',
};

/** The dotted name that a chain of names spells, such as `ip.isCanonical`; undefined for anything else. */
export function dottedName(node: Node): string | undefined {
  if (node.kind === 'identifier') return node.name;
  if (node.kind !== 'select' || node.testOnly) return undefined;
  const operand = dottedName(node.operand);
  return operand === undefined ? undefined : `${operand}.${node.field}`;
}
