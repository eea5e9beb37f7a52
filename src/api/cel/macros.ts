/**
 * The macros: `has`, `all`, `exists`, `exists_one`, `map`, `filter`, their forms with two variables, and those of optional values.
 * Each becomes the loop that upstream makes of it, so that types and cost come out the same.
 * @see cel-go parser/macro.go, ext/comprehensions.go, cel/library.go (optional types)
 */
import type { Comprehension, LoopShape, Node } from './ast.ts';
import type { Parser } from './parser.ts';

export interface MacroCall {
  readonly name: string;
  readonly target: Node | undefined;
  readonly args: readonly Node[];
  /** Of the opening bracket. */
  readonly offset: number;
}

/** The accumulator's name: no identifier, so that no expression can mean it. */
const RESULT = '@result';

type Expander = (make: Maker, call: MacroCall & { readonly target: Node }) => Node | undefined;

/** Undefined when the call is no macro's. */
export function expandMacro(parser: Parser, call: MacroCall): Node | undefined {
  const make = new Maker(parser, call.offset);
  if (call.target === undefined) return call.name === 'has' && call.args.length === 1 ? has(make, call) : undefined;
  const key = `${call.name}/${call.args.length}`;
  const expand = Object.hasOwn(methods, key) ? methods[key] : undefined;
  return expand?.(make, { ...call, target: call.target });
}

class Maker {
  readonly #parser: Parser;
  readonly #offset: number;

  constructor(parser: Parser, offset: number) {
    this.#parser = parser;
    this.#offset = offset;
  }

  #place() {
    return { id: this.#parser.nextId(), offset: this.#offset };
  }

  literal(value: unknown): Node {
    return { kind: 'literal', ...this.#place(), value };
  }

  name(name: string): Node {
    return { kind: 'identifier', ...this.#place(), name };
  }

  result(): Node {
    return this.name(RESULT);
  }

  call(name: string, ...args: Node[]): Node {
    return { kind: 'call', ...this.#place(), name, target: undefined, args };
  }

  method(target: Node, name: string, ...args: Node[]): Node {
    return { kind: 'call', ...this.#place(), name, target, args };
  }

  list(...elements: Node[]): Node {
    return { kind: 'list', ...this.#place(), elements, optional: new Set() };
  }

  emptyMap(): Node {
    return { kind: 'map', ...this.#place(), entries: [] };
  }

  has(operand: Node, field: string): Node {
    return { kind: 'select', ...this.#place(), operand, field, testOnly: true };
  }

  error(node: Node, message: string): undefined {
    this.#parser.report(node.offset, message);
  }

  loop(
    shape: LoopShape,
    parts: {
      range: Node;
      variables: readonly string[];
      init: Node;
      condition?: Node;
      step: Node;
      result?: Node;
      predicate?: Node | undefined;
      item?: Node | undefined;
      accumulator?: string;
    },
  ): Comprehension {
    const { range, variables, init, condition, step, result, predicate, item, accumulator = RESULT } = parts;
    return {
      kind: 'comprehension',
      ...this.#place(),
      shape,
      range,
      variable: variables[0] ?? '',
      variable2: variables[1],
      accumulator,
      init,
      condition: condition ?? this.literal(true),
      step,
      result: result ?? this.result(),
      predicate,
      item,
    };
  }

  /** The names of loop variables; undefined, and reported, when one is no simple name. */
  variables(nodes: readonly Node[]): string[] | undefined {
    const names: string[] = [];
    for (const node of nodes) {
      if (node.kind !== 'identifier' || node.name.startsWith('.')) {
        return this.error(node, nodes.length > 1 ? 'argument must be a simple name' : 'argument is not an identifier');
      }
      names.push(node.name);
    }
    return names;
  }
}

function has(make: Maker, { args }: MacroCall): Node | undefined {
  const [field] = args as [Node];
  if (field.kind === 'select' && !field.testOnly) return make.has(field.operand, field.field);
  return make.error(field, 'invalid argument to has() macro') ?? make.literal(false);
}

function all(count: number): Expander {
  return (make, { target, args }) => {
    const variables = make.variables(args.slice(0, count));
    const predicate = args[count] as Node;
    if (variables === undefined) return make.literal(true);
    return make.loop('all', {
      range: target,
      variables,
      init: make.literal(true),
      condition: make.call('@not_strictly_false', make.result()),
      step: make.call('_&&_', make.result(), predicate),
      predicate,
    });
  };
}

function exists(count: number): Expander {
  return (make, { target, args }) => {
    const variables = make.variables(args.slice(0, count));
    const predicate = args[count] as Node;
    if (variables === undefined) return make.literal(false);
    return make.loop('exists', {
      range: target,
      variables,
      init: make.literal(false),
      condition: make.call('@not_strictly_false', make.call('!_', make.result())),
      step: make.call('_||_', make.result(), predicate),
      predicate,
    });
  };
}

function existsOne(count: number): Expander {
  return (make, { target, args }) => {
    const variables = make.variables(args.slice(0, count));
    const predicate = args[count] as Node;
    if (variables === undefined) return make.literal(false);
    const more = make.call('_+_', make.result(), make.literal(1n));
    return make.loop('existsOne', {
      range: target,
      variables,
      init: make.literal(0n),
      step: make.call('_?_:_', predicate, more, make.result()),
      result: make.call('_==_', make.result(), make.literal(1n)),
      predicate,
    });
  };
}

/** `map` and `transformList`, with or without a filter: the last argument is what is collected. */
function collect(count: number, filtered: boolean): Expander {
  return (make, { target, args }) => {
    const variables = make.variables(args.slice(0, count));
    if (variables === undefined) return make.list();
    const predicate = filtered ? args[count] : undefined;
    return collecting(make, target, variables, predicate, args.at(-1) as Node);
  };
}

function collecting(make: Maker, range: Node, variables: string[], predicate: Node | undefined, item: Node): Node {
  const add = make.call('_+_', make.result(), make.list(item));
  const step = predicate === undefined ? add : make.call('_?_:_', predicate, add, make.result());
  return make.loop('collect', { range, variables, init: make.list(), step, predicate, item });
}

const filter: Expander = (make, { target, args }) => {
  const variables = make.variables(args.slice(0, 1));
  if (variables === undefined) return make.list();
  return collecting(make, target, variables, args[1] as Node, make.name(variables[0] as string));
};

/** `transformMap` keeps the keys, `transformMapEntry` makes entries. */
function transform(entries: boolean, filtered: boolean): Expander {
  return (make, { target, args }) => {
    const variables = make.variables(args.slice(0, 2));
    if (variables === undefined) return make.emptyMap();
    const predicate = filtered ? args[2] : undefined;
    const item = args.at(-1) as Node;
    const insert = entries
      ? make.call('cel.@mapInsert', make.result(), item)
      : make.call('cel.@mapInsert', make.result(), make.name(variables[0] as string), item);
    const step = predicate === undefined ? insert : make.call('_?_:_', predicate, insert, make.result());
    return make.loop('collectEntries', { range: target, variables, init: make.emptyMap(), step, predicate, item });
  };
}

/** `target.optMap(x, e)`: `e` of the value, if there is one. */
function optional(flat: boolean): Expander {
  return (make, { target, args }) => {
    const variables = make.variables(args.slice(0, 1));
    if (variables === undefined) return make.literal(null);
    const bound = make.loop('bind', {
      range: make.list(),
      variables: ['#unused'],
      accumulator: variables[0] as string,
      init: make.method(target, 'value'),
      condition: make.literal(false),
      step: make.name(variables[0] as string),
      result: args[1] as Node,
    });
    const some = flat ? bound : make.call('optional.of', bound);
    return make.call('_?_:_', make.method(target, 'hasValue'), some, make.call('optional.none'));
  };
}

const SORTED = '@__sortBy_input__';

/** `target.sortBy(x, key)`: the list, ordered by the keys of its items. */
const sortBy: Expander = (make, { target, args }) => {
  if (target.kind === 'literal' || target.kind === 'map') {
    return (
      make.error(
        target,
        'sortBy can only be applied to a list, identifier, comprehension, call or select expression',
      ) ?? make.list()
    );
  }
  const variables = make.variables(args.slice(0, 1));
  if (variables === undefined) return make.list();
  const keys = collecting(make, make.name(SORTED), variables, undefined, args[1] as Node);
  return make.loop('bind', {
    range: make.list(),
    variables: ['#unused'],
    accumulator: SORTED,
    init: target,
    condition: make.literal(false),
    step: make.name(SORTED),
    result: make.method(make.name(SORTED), '@sortByAssociatedKeys', keys),
  });
};

const methods: Readonly<Record<string, Expander>> = {
  'all/2': all(1),
  'all/3': all(2),
  'exists/2': exists(1),
  'exists/3': exists(2),
  'exists_one/2': existsOne(1),
  'existsOne/2': existsOne(1),
  'exists_one/3': existsOne(2),
  'existsOne/3': existsOne(2),
  'map/2': collect(1, false),
  'map/3': collect(1, true),
  'filter/2': filter,
  'transformList/3': collect(2, false),
  'transformList/4': collect(2, true),
  'transformMap/3': transform(false, false),
  'transformMap/4': transform(false, true),
  'transformMapEntry/3': transform(true, false),
  'transformMapEntry/4': transform(true, true),
  'sortBy/2': sortBy,
  'optMap/2': optional(false),
  'optFlatMap/2': optional(true),
};
