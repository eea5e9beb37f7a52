/**
 * Turns a checked expression into closures, one for each part, and runs them. What an evaluation costs is counted as it goes; over its
 * limit it ends, whatever it is doing.
 * @see cel-go interpreter/interpretable.go, runtimecost.go
 */
import type { CallNode, Comprehension, ListNode, MapNode, Node, Select, StructNode } from './ast.ts';
import type { Checked } from './checker.ts';
import { typeNames } from './environment.ts';
import { matches, type Overload } from './functions.ts';
import { optionalAt } from './library-standard.ts';
import { refusedCall, refusedRange } from './refused-calls.ts';
import { LIST_COST, MAP_COST, runtimeCosts, STRUCT_COST } from './runtime-costs.ts';
import type { CelType } from './types.ts';
import {
  CelError,
  CelList,
  CelMap,
  CostLimitError,
  keyOf,
  Optional,
  StructValue,
  TypeValue,
  ValueList,
  ValueMap,
} from './values.ts';

/** One evaluation: its variables and what it has cost. */
export class Frame {
  readonly slots: unknown[];
  readonly limit: number;
  cost = 0;

  constructor(slots: unknown[], limit: number) {
    this.slots = slots;
    this.limit = limit;
  }

  /** @throws CostLimitError */
  spend(units: number): void {
    this.cost += units;
    if (this.cost > this.limit) throw new CostLimitError();
  }
}

export type Code = (frame: Frame) => unknown;

export interface Compiled {
  readonly code: Code;
  /** The environment's variables by their slots, which come first. */
  readonly variables: readonly string[];
}

export function compileCode(checked: Checked): Compiled {
  const builder = new Builder(checked);
  const code = builder.build(checked.root);
  return { code, variables: builder.variables };
}

const noOverload = (): CelError => new CelError('no such overload');

class Builder {
  readonly variables: string[];
  readonly #checked: Checked;
  readonly #scopes: (readonly [name: string, slot: number])[] = [];
  #slots: number;

  constructor(checked: Checked) {
    this.#checked = checked;
    this.variables = [...checked.mentioned];
    this.#slots = this.variables.length;
  }

  build(node: Node): Code {
    switch (node.kind) {
      case 'literal': {
        const { value } = node;
        return () => value;
      }
      case 'identifier':
        return this.#variable(node.name.replace(/^\./, ''));
      case 'select': {
        const dotted = this.#checked.dotted.get(node.id);
        return dotted === undefined ? this.#select(node) : this.#variable(dotted);
      }
      case 'call':
        return this.#call(node);
      case 'list':
        return this.#list(node);
      case 'map':
        return this.#map(node);
      case 'struct':
        return this.#struct(node);
      case 'comprehension':
        return this.#comprehension(node);
    }
  }

  #variable(name: string): Code {
    for (let at = this.#scopes.length - 1; at >= 0; at--) {
      const [known, slot] = this.#scopes[at] as readonly [string, number];
      if (known !== name) continue;
      return (frame) => {
        frame.spend(1);
        return frame.slots[slot];
      };
    }
    const slot = this.variables.indexOf(name);
    if (slot < 0 && typeNames.has(name)) {
      const value = new TypeValue(name);
      return () => value;
    }
    return (frame) => {
      frame.spend(1);
      const value = frame.slots[slot];
      if (value === undefined) throw new CelError(`no such attribute(s): ${name}`);
      return value;
    };
  }

  #select({ operand, field, testOnly }: Select): Code {
    const source = this.build(operand);
    if (testOnly) {
      return (frame) => {
        let value = source(frame);
        if (value instanceof Optional) value = value.value;
        return value instanceof CelMap && value.get(field) !== undefined;
      };
    }
    return (frame) => {
      const value = source(frame);
      frame.spend(1);
      if (value instanceof CelMap) {
        const member = value.get(field);
        if (member !== undefined) return member;
      } else if (value instanceof Optional) return optionalAt(value, field);
      throw new CelError(`no such key: ${field}`);
    };
  }

  #call(node: CallNode): Code {
    const [first, second, third] = node.args;
    switch (node.name) {
      case '_&&_':
        return logical(this.build(first as Node), this.build(second as Node), false);
      case '_||_':
        return logical(this.build(first as Node), this.build(second as Node), true);
      case '_?_:_':
        return conditional(this.build(first as Node), this.build(second as Node), this.build(third as Node));
      case '_?._': {
        const source = this.build(first as Node);
        const field = (second as { value: unknown }).value;
        return (frame) => {
          frame.spend(1);
          return optionalAt(source(frame), field);
        };
      }
      case 'or':
      case 'orValue':
        if (node.target !== undefined && node.args.length === 1) return this.#alternative(node);
    }
    return this.#overloaded(node);
  }

  /** The other value is only looked at when it is needed. */
  #alternative(node: CallNode): Code {
    const source = this.build(node.target as Node);
    const other = this.build(node.args[0] as Node);
    const unwraps = node.name === 'orValue';
    return (frame) => {
      frame.spend(1);
      const value = source(frame);
      if (!(value instanceof Optional)) throw noOverload();
      if (!value.present) return other(frame);
      return unwraps ? value.value : value;
    };
  }

  #overloaded(node: CallNode): Code {
    const name = this.#checked.dotted.get(node.id) ?? node.name.replace(/^\./, '');
    const isMethod = node.target !== undefined && !this.#checked.dotted.has(node.id);
    const parts = isMethod ? [node.target as Node, ...node.args] : [...node.args];
    const codes = parts.map((part) => this.build(part));
    const overloads = this.#checked.overloads.get(node.id) ?? [];
    const types = parts.map((part) => this.#checked.types[part.id] as CelType);
    const run = dispatcher(name, overloads, types);
    const cost = Object.hasOwn(runtimeCosts, name) ? runtimeCosts[name] : undefined;
    if (cost !== undefined) return costed(codes, run, cost, paidAfterwards.has(name));
    if (codes.length === 1) {
      const [only] = codes as [Code];
      return (frame) => {
        const value = only(frame);
        frame.spend(1);
        return run(value);
      };
    }
    if (codes.length === 2) {
      const [left, right] = codes as [Code, Code];
      return (frame) => {
        const [a, b] = [left(frame), right(frame)];
        frame.spend(1);
        return run(a, b);
      };
    }
    return (frame) => {
      const values = codes.map((code) => code(frame));
      frame.spend(1);
      return run(...values);
    };
  }

  #list({ elements, optional }: ListNode): Code {
    const codes = elements.map((element) => this.build(element));
    if (elements.every((element) => element.kind === 'literal')) {
      const constant = new ValueList(elements.map((element) => (element as { value: unknown }).value));
      return (frame) => {
        frame.spend(LIST_COST);
        return constant;
      };
    }
    return (frame) => {
      frame.spend(LIST_COST);
      if (optional.size === 0) return new ValueList(codes.map((code) => code(frame)));
      const items: unknown[] = [];
      for (const [index, code] of codes.entries()) {
        const value = code(frame);
        if (!optional.has(index)) items.push(value);
        else if (!(value instanceof Optional)) throw noOverload();
        else if (value.present) items.push(value.value);
      }
      return new ValueList(items);
    };
  }

  #map({ entries }: MapNode): Code {
    const codes = entries.map(({ key, value, optional }) => ({
      key: this.build(key),
      value: this.build(value),
      optional,
    }));
    return (frame) => {
      frame.spend(MAP_COST);
      const made = new Map<unknown, [unknown, unknown]>();
      for (const { key, value, optional } of codes) {
        const name = key(frame);
        let member = value(frame);
        if (optional) {
          if (!(member instanceof Optional)) throw noOverload();
          if (!member.present) continue;
          member = member.value;
        }
        if (made.has(keyOf(name))) throw new CelError(`Failed with repeated key`);
        made.set(keyOf(name), [name, member]);
      }
      return new ValueMap(made);
    };
  }

  #struct({ typeName, fields }: StructNode): Code {
    const codes = fields.map(({ name, value, optional }) => ({ name, value: this.build(value), optional }));
    return (frame) => {
      frame.spend(STRUCT_COST);
      const made = new Map<string, unknown>();
      for (const { name, value, optional } of codes) {
        const member = value(frame);
        if (!optional) made.set(name, member);
        else if (!(member instanceof Optional)) throw noOverload();
        else if (member.present) made.set(name, member.value);
      }
      return new StructValue(typeName, made);
    };
  }

  #comprehension(node: Comprehension): Code {
    const range = this.build(node.range);
    const depth = this.#scopes.length;
    const slot = (name: string): number => {
      this.#scopes.push([name, this.#slots]);
      return this.#slots++;
    };
    if (node.shape === 'bind') {
      const init = this.build(node.init);
      const bound = slot(node.accumulator);
      const result = this.build(node.result);
      this.#scopes.length = depth;
      return (frame) => {
        frame.spend(LIST_COST);
        frame.slots[bound] = init(frame);
        return result(frame);
      };
    }
    const first = slot(node.variable);
    const second = node.variable2 === undefined ? -1 : slot(node.variable2);
    const predicate = node.predicate === undefined ? undefined : this.build(node.predicate);
    const item = node.item === undefined ? undefined : this.build(node.item);
    this.#scopes.length = depth;
    const loop = (frame: Frame, step: () => boolean): void => iterate(range(frame), frame, first, second, step);
    switch (node.shape) {
      case 'all':
        return quantifier(loop, predicate as Code, true);
      case 'exists':
        return quantifier(loop, predicate as Code, false);
      case 'existsOne':
        return existsOne(loop, predicate as Code);
      case 'collect':
        return collect(loop, predicate, item as Code);
      default:
        return collectEntries(loop, predicate, item as Code, first, insertsWhole(node.step));
    }
  }
}

/** Runs the overload that fits; which one is known already when all types are. */
function dispatcher(
  name: string,
  overloads: readonly Overload[],
  types: readonly CelType[],
): (...args: unknown[]) => unknown {
  const [only] = overloads;
  const known = types.every((type, at) => {
    const wanted = only?.parameters[at]?.kind;
    return wanted === 'dyn' || wanted === 'variable' || (type.kind !== 'dyn' && type.kind === wanted);
  });
  if (only !== undefined && overloads.length === 1 && known) return only.run;
  return (...args) => {
    for (const { parameters, run } of overloads) {
      if (parameters.every((type, at) => matches(args[at], type))) return run(...args);
    }
    throw refusedCall(name, args);
  };
}

/** What these cost depends on their result, whose size they bound themselves. */
const paidAfterwards: ReadonlySet<string> = new Set(['check', 'lists.range', 'join', 'replace', 'format', 'flatten']);

/** Calls whose cost follows from sizes. What depends on the arguments alone is paid before the work is done. */
function costed(
  codes: readonly Code[],
  run: (...args: unknown[]) => unknown,
  cost: (args: readonly unknown[], result: unknown) => number,
  afterwards: boolean,
): Code {
  return (frame) => {
    const values = codes.map((code) => code(frame));
    if (!afterwards) frame.spend(cost(values, ''));
    const result = run(...values);
    if (afterwards) frame.spend(cost(values, result));
    return result;
  };
}

/** `&&` (decided by false) and `||` (decided by true): what decides wins over an error on the other side. */
function logical(left: Code, right: Code, decides: boolean): Code {
  return (frame) => {
    let failure: CelError | undefined;
    try {
      const value = left(frame);
      if (value === decides) return decides;
      if (value !== !decides) failure = noOverload();
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      failure = error;
    }
    const value = right(frame);
    if (value === decides) return decides;
    if (failure !== undefined) throw failure;
    if (value !== !decides) throw noOverload();
    return value;
  };
}

function conditional(condition: Code, then: Code, otherwise: Code): Code {
  return (frame) => {
    const value = condition(frame);
    if (value === true) return then(frame);
    if (value === false) return otherwise(frame);
    throw noOverload();
  };
}

/** Goes through a list's items, or a map's keys; with two variables through indexes and items, or keys and values. */
function iterate(range: unknown, frame: Frame, first: number, second: number, step: () => boolean): void {
  const { slots } = frame;
  if (range instanceof CelList) {
    for (let index = 0; index < range.size; index++) {
      slots[first] = second < 0 ? range.at(index) : BigInt(index);
      if (second >= 0) slots[second] = range.at(index);
      if (!step()) return;
    }
  } else if (range instanceof CelMap) {
    for (const key of range.keys()) {
      slots[first] = key;
      if (second >= 0) slots[second] = range.get(key);
      if (!step()) return;
    }
  } else {
    throw refusedRange(range, second >= 0);
  }
}

type Loop = (frame: Frame, step: () => boolean) => void;

/** `all` ends with the first false, `exists` with the first true; errors only count when nothing ends it. */
function quantifier(loop: Loop, predicate: Code, all: boolean): Code {
  const overhead = all ? 3 : 4;
  return (frame) => {
    let failure: CelError | undefined;
    let decided = false;
    loop(frame, () => {
      frame.spend(overhead);
      try {
        const value = predicate(frame);
        if (value === !all) decided = true;
        else if (value !== all) failure ??= noOverload();
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        failure ??= error;
      }
      return !decided;
    });
    if (decided) return !all;
    if (failure !== undefined) throw failure;
    return all;
  };
}

function existsOne(loop: Loop, predicate: Code): Code {
  return (frame) => {
    let count = 0;
    loop(frame, () => {
      frame.spend(1);
      const value = predicate(frame);
      if (value === true) {
        frame.spend(1);
        count++;
      } else if (value !== false) throw noOverload();
      return true;
    });
    return count === 1;
  };
}

/** Whether an item is taken. */
function takes(predicate: Code | undefined, frame: Frame): boolean {
  if (predicate === undefined) return true;
  const value = predicate(frame);
  if (typeof value !== 'boolean') throw noOverload();
  return value;
}

function collect(loop: Loop, predicate: Code | undefined, item: Code): Code {
  return (frame) => {
    const items: unknown[] = [];
    loop(frame, () => {
      frame.spend(1);
      if (takes(predicate, frame)) {
        frame.spend(1 + LIST_COST);
        items.push(item(frame));
      }
      return true;
    });
    return new ValueList(items);
  };
}

function collectEntries(loop: Loop, predicate: Code | undefined, item: Code, keySlot: number, whole: boolean): Code {
  return (frame) => {
    const made = new Map<unknown, readonly [unknown, unknown]>();
    const insert = (key: unknown, value: unknown): void => {
      if (made.has(keyOf(key))) throw new CelError(`insert failed: key ${String(key)} already exists`);
      made.set(keyOf(key), [key, value]);
    };
    loop(frame, () => {
      frame.spend(2);
      if (!takes(predicate, frame)) return true;
      const value = item(frame);
      if (!whole) insert(frame.slots[keySlot], value);
      else if (!(value instanceof CelMap)) throw noOverload();
      else for (const key of value.keys()) insert(key, value.get(key));
      return true;
    });
    return new ValueMap(made);
  };
}

/** `transformMapEntry` inserts the entries of maps. */
function insertsWhole(step: Node): boolean {
  const insert = step.kind === 'call' && step.name === '_?_:_' ? (step.args[1] as Node) : step;
  return insert.kind === 'call' && insert.args.length === 2;
}
