/**
 * Finds out the type of every part of an expression, which overloads its calls may mean, and what is wrong with it.
 * @see cel-go checker/checker.go
 */
import { Assignability } from './assignability.ts';
import {
  type CallNode,
  type Comprehension,
  dottedName,
  type Identifier,
  type Node,
  type Select,
  type StructNode,
} from './ast.ts';
import { type Environment, functions, typeNames } from './environment.ts';
import type { Overload } from './functions.ts';
import { patternOf } from './regex.ts';
import { CelCompileError, type Issue, issuesText } from './source.ts';
import { parseDuration, parseTimestamp } from './time-values.ts';
import {
  boolType,
  bytesType,
  type CelType,
  doubleType,
  dynType,
  errorType,
  intType,
  isDyn,
  listOf,
  mapOf,
  nullType,
  optionalOf,
  resolved,
  sameType,
  settled,
  stringType,
  type TypeVariable,
  typeOf,
  typeText,
  uintType,
} from './types.ts';
import { CelError, Uint } from './values.ts';

/** What the checker found out about an expression. */
export interface Checked {
  readonly root: Node;
  readonly type: CelType;
  /** By node number. */
  readonly types: readonly CelType[];
  /** The overloads that a call may mean, by node number. */
  readonly overloads: ReadonlyMap<number, readonly Overload[]>;
  /** Selects that spell a variable's dotted name, and calls whose target is part of the function's name. */
  readonly dotted: ReadonlyMap<number, string>;
  /** Variables of the environment that are mentioned. */
  readonly mentioned: ReadonlySet<string>;
  readonly nodesMax: number;
}

/** @throws CelCompileError */
export function check(source: string, root: Node, environment: Environment): Checked {
  const checker = new Checker(environment);
  checker.check(root);
  if (checker.issues.length > 0) throw new CelCompileError(issuesText(source, checker.issues));
  const types = checker.types.map((type) => (type === undefined ? type : settled(type))) as CelType[];
  return {
    root,
    type: types[root.id] ?? dynType,
    types,
    overloads: checker.overloads,
    dotted: checker.dotted,
    mentioned: checker.mentioned,
    nodesMax: types.length,
  };
}

class Checker {
  readonly issues: Issue[] = [];
  readonly types: (CelType | undefined)[] = [];
  readonly overloads = new Map<number, readonly Overload[]>();
  readonly dotted = new Map<number, string>();
  readonly mentioned = new Set<string>();
  readonly #environment: Environment;
  readonly #assignability = new Assignability();
  readonly #scopes: Map<string, CelType>[] = [];
  /** Above zero where literals of lists and maps may mix types. */
  #mixed = 0;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  #report(offset: number, message: string): CelType {
    this.issues.push({ offset, message });
    return errorType;
  }

  check(node: Node): CelType {
    const type = this.#typeOf(node);
    this.types[node.id] = type;
    return type;
  }

  #typeOf(node: Node): CelType {
    switch (node.kind) {
      case 'literal':
        return literalType(node.value);
      case 'identifier':
        return this.#identifier(node);
      case 'select':
        return this.#select(node);
      case 'call':
        return this.#call(node);
      case 'list': {
        let element: CelType | undefined;
        for (const [index, item] of node.elements.entries()) {
          let type = this.check(item);
          if (node.optional.has(index)) type = this.#unwrapped(item, type);
          element = this.#joined(item, element, type);
        }
        return listOf(element ?? fresh());
      }
      case 'map': {
        let key: CelType | undefined;
        let value: CelType | undefined;
        for (const entry of node.entries) {
          key = this.#joined(entry.key, key, this.check(entry.key));
          let type = this.check(entry.value);
          if (entry.optional) type = this.#unwrapped(entry.value, type);
          value = this.#joined(entry.value, value, type);
        }
        return mapOf(key ?? fresh(), value ?? fresh());
      }
      case 'struct':
        return this.#struct(node);
      case 'comprehension':
        return this.#comprehension(node);
    }
  }

  #variable(name: string): CelType | undefined {
    for (let at = this.#scopes.length - 1; at >= 0; at--) {
      const type = this.#scopes[at]?.get(name);
      if (type !== undefined) return type;
    }
    const { variables } = this.#environment;
    if (!Object.hasOwn(variables, name)) return undefined;
    this.mentioned.add(name);
    return variables[name];
  }

  #identifier(node: Identifier): CelType {
    const name = node.name.replace(/^\./, '');
    const type = this.#variable(name);
    if (type !== undefined) return type;
    if (typeNames.has(name)) return typeOf(dynType);
    return this.#report(node.offset, `undeclared reference to '${name}' (in container '')`);
  }

  #select(node: Select): CelType {
    const name = node.testOnly ? undefined : dottedName(node);
    if (name !== undefined && this.#scopes.every((scope) => !scope.has(name.split('.')[0] as string))) {
      const type = this.#variable(name) ?? (typeNames.has(name) ? typeOf(dynType) : undefined);
      if (type !== undefined) {
        this.dotted.set(node.id, name);
        return type;
      }
    }
    const found = this.#field(node.offset, this.check(node.operand), node.field, false);
    return node.testOnly ? boolType : found;
  }

  #field(offset: number, given: CelType, field: string, optional: boolean): CelType {
    let target = resolved(given);
    let wraps = optional;
    if (target.kind === 'opaque' && target.name === 'optional_type') {
      target = resolved(target.parameters[0] ?? dynType);
      wraps = true;
    }
    let found: CelType;
    if (target.kind === 'map') found = target.value;
    else if (target.kind === 'struct') {
      found = target.fields.get(field)?.type ?? this.#report(offset, `undefined field '${field}'`);
    } else if (target.kind === 'variable') {
      this.#assignability.assignable([target], [dynType]);
      found = dynType;
    } else if (isDyn(target)) found = dynType;
    else return this.#report(offset, `type '${typeText(given)}' does not support field selection`);
    const inner = resolved(found);
    const isOptional = inner.kind === 'opaque' && inner.name === 'optional_type';
    return wraps && !isOptional && inner.kind !== 'error' ? optionalOf(found) : found;
  }

  #call(node: CallNode): CelType {
    if (node.name === '_?._') {
      const [operand, field] = node.args as [Node, Node];
      this.types[field.id] = stringType;
      const name = field.kind === 'literal' ? String(field.value) : '';
      return this.#field(node.offset, this.check(operand), name, true);
    }
    // What is formatted may be of any types.
    if (node.name === 'format') this.#mixed++;
    const types = node.args.map((argument) => this.check(argument));
    if (node.name === 'format') this.#mixed--;
    if (node.target === undefined) {
      const name = node.name.replace(/^\./, '');
      return this.#resolve(node, name, functions.overloads(name), types, false);
    }
    const prefix = dottedName(node.target);
    if (prefix !== undefined) {
      const name = `${prefix}.${node.name}`;
      const overloads = functions.overloads(name);
      if (overloads !== undefined) {
        this.dotted.set(node.id, name);
        return this.#resolve(node, name, overloads, types, false);
      }
    }
    const target = this.check(node.target);
    return this.#resolve(node, node.name, functions.overloads(node.name), [target, ...types], true);
  }

  #resolve(
    node: CallNode,
    name: string,
    overloads: readonly Overload[] | undefined,
    types: readonly CelType[],
    method: boolean,
  ): CelType {
    if (overloads === undefined) {
      return this.#report(node.offset, `undeclared reference to '${name}' (in container '')`);
    }
    let result: CelType | undefined;
    const found: Overload[] = [];
    for (const overload of overloads) {
      if (overload.method !== method || overload.parameters.length !== types.length) continue;
      const own = instantiate(overload);
      if (!this.#assignability.assignable(types, own.parameters)) continue;
      found.push(overload);
      if (result === undefined) result = own.result;
      else if (!isDyn(result) && !sameType(result, own.result)) result = dynType;
    }
    if (result === undefined) {
      const [first, ...rest] = types.map(typeText);
      const applied = method ? `${first}.(${rest.join(', ')})` : `(${types.map(typeText).join(', ')})`;
      return this.#report(node.offset, `found no matching overload for '${name}' applied to '${applied}'`);
    }
    this.overloads.set(node.id, found);
    this.#checkConstants(node, name);
    return result;
  }

  /** Patterns, times and durations that are written out must be right. */
  #checkConstants(node: CallNode, name: string): void {
    const reads = {
      matches: patternOf,
      find: patternOf,
      findAll: patternOf,
      timestamp: parseTimestamp,
      duration: parseDuration,
    }[name];
    const argument = name === 'matches' && node.target === undefined ? node.args[1] : node.args[0];
    if (reads === undefined || argument?.kind !== 'literal' || typeof argument.value !== 'string') return;
    try {
      reads(argument.value);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      this.#report(argument.offset, `invalid ${name} argument`);
    }
  }

  #unwrapped(node: Node, given: CelType): CelType {
    const type = resolved(given);
    if (type.kind === 'opaque' && type.name === 'optional_type') return type.parameters[0] ?? dynType;
    if (isDyn(type)) return dynType;
    return this.#report(node.offset, `expected type '${typeText(optionalOf(type))}' but found '${typeText(type)}'`);
  }

  /** Literals of lists and maps have one type of member. */
  #joined(node: Node, previous: CelType | undefined, type: CelType): CelType {
    if (previous === undefined) return type;
    if (this.#assignability.assignable([previous], [type])) return Assignability.moreGeneral(previous, type);
    if (this.#mixed > 0) return dynType;
    return this.#report(node.offset, `expected type '${typeText(previous)}' but found '${typeText(type)}'`);
  }

  #struct(node: StructNode): CelType {
    const message = this.#environment.message?.(node.typeName);
    if (message === undefined) {
      for (const field of node.fields) this.check(field.value);
      return this.#report(node.offset, `undeclared reference to '${node.typeName}' (in container '')`);
    }
    for (const { name, offset, value, optional } of node.fields) {
      let type = this.check(value);
      if (optional) type = this.#unwrapped(value, type);
      const wanted = message.field(name);
      if (wanted === undefined) this.#report(offset, `undefined field '${name}'`);
      else if (!this.#assignability.assignable([type], [wanted])) {
        const expected = `expected type of field '${name}' is '${typeText(wanted)}'`;
        this.#report(offset, `${expected} but provided type is '${typeText(type)}'`);
      }
    }
    return message.type;
  }

  #comprehension(node: Comprehension): CelType {
    const range = resolved(this.check(node.range));
    const accumulated = this.check(node.init);
    let [first, second]: [CelType, CelType | undefined] = [dynType, dynType];
    if (range.kind === 'list')
      [first, second] = node.variable2 === undefined ? [range.element, undefined] : [intType, range.element];
    else if (range.kind === 'map') [first, second] = [range.key, range.value];
    else if (range.kind === 'variable') this.#assignability.assignable([range], [dynType]);
    else if (!isDyn(range)) {
      const text = `expression of type '${typeText(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`;
      first = this.#report(node.range.offset, text);
      second = errorType;
    }
    const scope = new Map([[node.accumulator, accumulated]]);
    this.#scopes.push(scope);
    const loop = new Map([[node.variable, first]]);
    if (node.variable2 !== undefined) loop.set(node.variable2, second ?? dynType);
    this.#scopes.push(loop);
    this.#expect(node.condition, boolType);
    this.#expect(node.step, accumulated);
    this.#scopes.pop();
    const result = this.check(node.result);
    this.#scopes.pop();
    return result;
  }

  #expect(node: Node, wanted: CelType): void {
    const type = this.check(node);
    if (!this.#assignability.assignable([type], [wanted]))
      this.#report(node.offset, `expected type '${typeText(wanted)}' but found '${typeText(type)}'`);
  }
}

let variables = 0;
const fresh = (): TypeVariable => ({ kind: 'variable', name: `_var${variables++ % 1000}`, bound: undefined });

function literalType(value: unknown): CelType {
  switch (typeof value) {
    case 'boolean':
      return boolType;
    case 'bigint':
      return intType;
    case 'number':
      return doubleType;
    case 'string':
      return stringType;
  }
  if (value === null) return nullType;
  return value instanceof Uint ? uintType : bytesType;
}

/** The overload's types with variables of its own. */
function instantiate(overload: Overload): { parameters: readonly CelType[]; result: CelType } {
  const own = new Map<CelType, TypeVariable>();
  const copy = (type: CelType): CelType => {
    switch (type.kind) {
      case 'variable': {
        let variable = own.get(type);
        if (variable === undefined) {
          variable = fresh();
          own.set(type, variable);
        }
        return variable;
      }
      case 'list':
        return listOf(copy(type.element));
      case 'map':
        return mapOf(copy(type.key), copy(type.value));
      case 'opaque':
        return type.parameters.length === 0 ? type : { ...type, parameters: type.parameters.map(copy) };
      default:
        return type;
    }
  };
  return { parameters: overload.parameters.map(copy), result: copy(overload.result) };
}
