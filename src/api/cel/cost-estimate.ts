/**
 * The most that an expression can cost, from what schemas say about sizes: what upstream checks when rules are written.
 * Amounts are doubles that stop at 2^64: beyond that, all that counts is that it is far too much.
 * @see cel-go checker/cost.go, k8s.io/apiserver/pkg/cel/library/cost.go
 */
import type { CallNode, Comprehension, Node } from './ast.ts';
import type { Checked } from './checker.ts';
import { AUTHORIZATION_COST, LIST_COST, MAP_COST, REGEX, STRUCT_COST, TRAVERSAL } from './runtime-costs.ts';
import { type CelType, resolved } from './types.ts';
import { sizeOf } from './values.ts';

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Amounts stop here. */
export const COST_MAX = 2 ** 64;

const capped = (amount: number): number => Math.min(amount, COST_MAX);
const fixed = (amount: number): Range => ({ min: amount, max: amount });
const unknown: Range = { min: 0, max: COST_MAX };
const nothing = fixed(0);
const one = fixed(1);

const add = (a: Range, b: Range): Range => ({ min: capped(a.min + b.min), max: capped(a.max + b.max) });
const multiply = (a: Range, b: Range): Range => ({ min: capped(a.min * b.min), max: capped(a.max * b.max) });
const factor = (a: Range, by: number): Range => ({
  min: capped(Math.ceil(a.min * by)),
  max: capped(Math.ceil(a.max * by)),
});
const union = (a: Range, b: Range): Range => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });

/** The range of costs of one evaluation. */
export function estimateCost(checked: Checked): Range {
  return new Estimator(checked).cost(checked.root);
}

/** Of these, what a schema says of sizes does not count. */
const ofOneSize: ReadonlySet<string> = new Set([
  'bool',
  'int',
  'uint',
  'double',
  'null',
  'timestamp',
  'duration',
  'type',
  'struct',
]);

interface Call {
  readonly cost: Range;
  readonly size?: Range | undefined;
}

class Estimator {
  readonly #checked: Checked;
  readonly #sizes = new Map<number, Range>();
  /** Sizes of the items of what was made on the way. */
  readonly #itemSizes = new Map<number, Range>();
  readonly #locals: { name: string; size: Range | undefined; item: Range | undefined; path: boolean }[] = [];

  constructor(checked: Checked) {
    this.#checked = checked;
  }

  cost(node: Node): Range {
    switch (node.kind) {
      case 'literal':
        return nothing;
      case 'identifier':
        return one;
      case 'select': {
        const operand = this.cost(node.operand);
        if (node.testOnly) return operand;
        const { kind } = this.#type(node.operand);
        return ['map', 'struct', 'variable', 'dyn'].includes(kind) ? add(operand, one) : operand;
      }
      case 'call':
        return this.#call(node);
      case 'list': {
        const costs = node.elements.map((element) => this.cost(element));
        this.#itemSizes.set(
          node.id,
          node.elements.length === 0 ? nothing : node.elements.map((element) => this.#sizeOf(element)).reduce(union),
        );
        return costs.reduce(add, fixed(LIST_COST));
      }
      case 'map':
        return node.entries
          .flatMap(({ key, value }) => [this.cost(key), this.cost(value)])
          .reduce(add, fixed(MAP_COST));
      case 'struct':
        return node.fields.map(({ value }) => this.cost(value)).reduce(add, fixed(STRUCT_COST));
      case 'comprehension':
        return this.#comprehension(node);
    }
  }

  #type(node: Node): CelType {
    return resolved(this.#checked.types[node.id] as CelType);
  }

  #size(node: Node): Range | undefined {
    const computed = this.#sizes.get(node.id);
    if (computed !== undefined) return computed;
    if (node.kind === 'literal') return fixed(sizeOf(node.value));
    if (node.kind === 'list') return fixed(node.elements.length);
    if (node.kind === 'map') return fixed(node.entries.length);
    const type = this.#type(node);
    if (this.#isPath(node) && type.elementsMax !== undefined) return { min: 0, max: type.elementsMax };
    if (ofOneSize.has(type.kind)) return one;
    if (node.kind === 'identifier') {
      const local = this.#local(node.name);
      if (local?.size !== undefined) return local.size;
    }
    return undefined;
  }

  #sizeOf(node: Node): Range {
    return this.#size(node) ?? unknown;
  }

  #local(name: string) {
    return this.#locals.findLast((local) => local.name === name);
  }

  /** Whether it names a part of a variable: what the schema says of its size then holds. */
  #isPath(node: Node): boolean {
    if (node.kind === 'identifier') return this.#local(node.name)?.path ?? true;
    if (node.kind === 'select') return this.#checked.dotted.has(node.id) || this.#isPath(node.operand);
    return node.kind === 'call' && node.name === '_[_]' && this.#isPath(node.args[0] as Node);
  }

  #comprehension(node: Comprehension): Range {
    let sum = add(this.cost(node.range), this.cost(node.init));
    if (node.shape === 'bind') {
      this.#locals.push({
        name: node.accumulator,
        size: this.#size(node.init),
        item: this.#itemSizes.get(node.init.id),
        path: this.#isPath(node.init),
      });
      sum = add(sum, this.cost(node.result));
      this.#locals.pop();
      const size = this.#size(node.result);
      if (size !== undefined) this.#sizes.set(node.id, size);
      return sum;
    }
    this.#locals.push({ name: node.accumulator, size: this.#size(node.init), item: undefined, path: false });
    const path = this.#isPath(node.range);
    const item = this.#itemSizes.get(node.range.id);
    this.#locals.push({ name: node.variable, size: node.variable2 === undefined ? item : one, item: undefined, path });
    if (node.variable2 !== undefined) this.#locals.push({ name: node.variable2, size: item, item: undefined, path });
    const loop = add(this.cost(node.condition), this.cost(node.step));
    if (node.variable2 !== undefined) this.#locals.pop();
    this.#locals.pop();
    sum = add(sum, this.cost(node.result));
    this.#locals.pop();
    const times = this.#sizeOf(node.range);
    if (node.init.kind === 'list' || node.init.kind === 'map') {
      this.#sizes.set(node.id, times);
      const collected = this.#itemSizes.get(node.step.id);
      if (collected !== undefined) this.#itemSizes.set(node.id, collected);
    }
    return add(sum, multiply(times, loop));
  }

  #call(node: CallNode): Range {
    const name = this.#checked.dotted.get(node.id) ?? node.name.replace(/^\./, '');
    const isMethod = node.target !== undefined && !this.#checked.dotted.has(node.id);
    const costs = node.args.map((argument) => this.cost(argument));
    const target = isMethod ? (node.target as Node) : undefined;
    const sum = target === undefined ? nothing : this.cost(target);
    if (name === 'dyn') {
      const size = this.#size(node.args[0] as Node);
      if (size !== undefined) this.#sizes.set(node.id, size);
      return costs.reduce(add, one);
    }
    const lazy = this.#lazyCall(node, name, costs);
    if (lazy !== undefined) {
      if (lazy.size !== undefined) this.#sizes.set(node.id, lazy.size);
      return add(sum, lazy.cost);
    }
    const call = this.#callCost(name, target, node.args, node);
    if (call.size !== undefined) this.#sizes.set(node.id, call.size);
    return costs.reduce(add, add(sum, call.cost));
  }

  /** Calls that do not evaluate all of their arguments. */
  #lazyCall(node: CallNode, name: string, costs: readonly Range[]): Call | undefined {
    const [first = nothing, second = nothing, third = nothing] = costs;
    if (name === '_&&_' || name === '_||_') return { cost: { min: first.min, max: add(first, second).max } };
    if (name !== '_?_:_') return undefined;
    const [, then, otherwise] = node.args as [Node, Node, Node];
    const [left, right] = [this.#itemSizes.get(then.id), this.#itemSizes.get(otherwise.id)];
    const item = left === undefined || right === undefined ? (left ?? right) : union(left, right);
    if (item !== undefined) this.#itemSizes.set(node.id, item);
    return { cost: add(first, union(second, third)), size: union(this.#sizeOf(then), this.#sizeOf(otherwise)) };
  }

  #callCost(name: string, target: Node | undefined, args: readonly Node[], node: CallNode): Call {
    const self = target ?? (args[0] as Node | undefined);
    const size = (of: Node | undefined): Range => (of === undefined ? nothing : this.#sizeOf(of));
    const text = (of: Node | undefined, by = 1): Range => factor(size(of), by * TRAVERSAL);
    switch (name) {
      case 'check':
        return { cost: fixed(AUTHORIZATION_COST) };
      case 'isSorted':
      case 'sum':
      case 'max':
      case 'min':
      case 'indexOf':
      case 'lastIndexOf':
        return { cost: this.#traversal(target) };
      case 'url':
      case 'isIP':
      case 'isCIDR':
      case 'cidr':
      case 'quantity':
      case 'isQuantity':
      case 'semver':
      case 'isSemver':
      case 'format':
        return { cost: text(self) };
      case 'ip':
        return { cost: target === undefined ? text(self) : one };
      case 'ip.isCanonical':
        return { cost: text(self, 2) };
      case 'lowerAscii':
      case 'upperAscii':
      case 'substring':
      case 'trim':
        return { cost: text(self), size: size(self) };
      case 'replace':
        return { cost: text(self, 2), size: replacedSize(size(self), size(args[0]), size(args[1])) };
      case 'split': {
        const limit = args[1]?.kind === 'literal' ? Number(args[1].value as bigint) : size(self).max;
        return { cost: text(self, 2), size: { min: 0, max: limit < 0 ? size(self).max : limit } };
      }
      case 'join': {
        const made = this.#joinedSize(target as Node, args[0]);
        return { cost: factor(made, TRAVERSAL), size: made };
      }
      case 'find':
      case 'findAll':
      case 'matches': {
        const pattern = target === undefined ? args[1] : args[0];
        const cost = multiply(factor(add(size(self), one), TRAVERSAL), factor(size(pattern), REGEX));
        return { cost, size: name === 'matches' ? undefined : { min: 0, max: size(self).max } };
      }
      case 'startsWith':
      case 'endsWith':
        return { cost: text(args[0]) };
      case 'contains':
        return { cost: multiply(text(target), text(args[0])) };
      case 'containsIP':
      case 'containsCIDR':
        return {
          cost: add({ min: 1, max: 7 }, this.#type(args[0] as Node).kind === 'string' ? text(args[0]) : nothing),
        };
      case 'validate':
        return { cost: text(args[0]) };
      case 'sets.contains':
      case 'sets.intersects':
      case 'sets.equivalent':
        return { cost: add(one, multiply(size(args[0]), size(args[1]))) };
      case 'distinct':
        return { cost: add(one, multiply(size(self), size(self))), size: { min: 0, max: size(self).max } };
      case 'sort':
      case 'slice':
      case 'flatten':
        return { cost: add(one, size(self)), size: { min: 0, max: size(self).max } };
      case '@in':
        return { cost: this.#type(args[1] as Node).kind === 'map' ? one : size(args[1]) };
      case 'bytes':
        return { cost: text(self), size: { min: size(self).min, max: capped(size(self).max * 4) } };
      case 'string':
        return this.#type(self as Node).kind === 'bytes' ? { cost: text(self), size: size(self) } : { cost: one };
      case '_[_]': {
        const item = this.#itemSizes.get((args[0] as Node).id);
        return { cost: one, size: item };
      }
      case '_+_':
        return this.#sum(args as [Node, Node], node);
      case '_==_':
      case '_!=_':
      case '_<_':
      case '_<=_':
      case '_>_':
      case '_>=_': {
        const smaller = Math.min(size(args[0]).max, size(args[1]).max);
        return { cost: factor({ min: smaller > 0 ? 1 : 0, max: smaller }, TRAVERSAL) };
      }
      default:
        return { cost: one };
    }
  }

  #sum([left, right]: [Node, Node], node: CallNode): Call {
    const { kind } = this.#type(left);
    const made = add(this.#sizeOf(left), this.#sizeOf(right));
    const [a, b] = [this.#itemSizes.get(left.id), this.#itemSizes.get(right.id)];
    const item = a !== undefined && b !== undefined ? union(a, b) : (b ?? a);
    if (item !== undefined) this.#itemSizes.set(node.id, item);
    if (kind === 'list') return { cost: one, size: made };
    if (kind === 'string' || kind === 'bytes') return { cost: factor(made, TRAVERSAL), size: made };
    return { cost: one };
  }

  /** One for each item, and for texts their length. */
  #traversal(target: Node | undefined): Range {
    if (target === undefined) return one;
    const type = this.#type(target);
    if (type.kind !== 'list') return factor(this.#sizeOf(target), TRAVERSAL);
    const { kind } = resolved(type.element);
    const item = kind === 'string' || kind === 'bytes' ? add(one, factor(this.#itemSize(target), TRAVERSAL)) : one;
    return multiply(this.#sizeOf(target), item);
  }

  #itemSize(list: Node): Range {
    const computed = this.#itemSizes.get(list.id);
    if (computed !== undefined) return computed;
    const type = this.#type(list);
    const max = type.kind === 'list' && this.#isPath(list) ? resolved(type.element).elementsMax : undefined;
    return { min: 0, max: max ?? COST_MAX };
  }

  #joinedSize(list: Node, separator: Node | undefined): Range {
    const count = this.#sizeOf(list);
    const items = multiply(count, this.#itemSize(list));
    if (separator === undefined) return items;
    const gaps = { min: Math.max(0, count.min - 1), max: Math.max(0, count.max - 1) };
    return add(items, multiply(this.#sizeOf(separator), gaps));
  }
}

/** The size of a text in which parts were replaced. */
function replacedSize(text: Range, part: Range, by: Range): Range {
  let [countMax, keptMax, countMin, keptMin] = [0, 0, 0, 0];
  if (part.min === 0) [countMax, keptMax] = [text.max + 1, text.max];
  else if (by.max <= part.min) keptMax = text.max;
  else countMax = Math.ceil(text.max / part.min);
  if (part.max === 0) [countMin, keptMin] = [text.min + 1, text.min];
  else if (part.max <= by.min) keptMin = text.min;
  else countMin = Math.ceil(text.min / part.max);
  return { min: capped(countMin * by.min + keptMin), max: capped(countMax * by.max + keptMax) };
}
