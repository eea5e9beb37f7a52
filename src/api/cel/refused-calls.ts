/**
 * What is said of a call or a loop whose values turn out not to fit, where types were not known before: in the words of the parts of
 * upstream's evaluator that notice it. The evaluator calls it.
 * @see cel-go common/stdlib/stdlib.go, common/decls/decls.go, interpreter/interpretable.go
 */
import { CelError, typeNameOf } from './values.ts';

const numbers = ['int', 'uint', 'double'];
const times = ['google.protobuf.Timestamp', 'google.protobuf.Duration'];

/** What the language's own operators take on their left: a value that can be added says itself that it fits no other. */
const operands: Readonly<Record<string, readonly string[]>> = {
  '_+_': [...numbers, 'string', 'bytes', 'list', ...times],
  '_-_': [...numbers, ...times],
  '_*_': numbers,
  '_/_': numbers,
  '_%_': ['int', 'uint'],
  '-_': ['int', 'double', 'google.protobuf.Duration'],
  ...Object.fromEntries(
    ['_<_', '_<=_', '_>_', '_>=_'].map((name) => [name, [...numbers, 'bool', 'string', 'bytes', ...times]]),
  ),
  size: ['string', 'bytes', 'list', 'map'],
  matches: ['string'],
};

/** These say themselves what they do not take. @see cel-go common/stdlib/stdlib.go */
const unguarded = ['!_', 'contains', 'startsWith', 'endsWith', '@in'];

/** A call whose arguments turn out to fit none of its overloads. */
export function refusedCall(name: string, args: readonly unknown[]): CelError {
  const types = args.map(typeNameOf);
  const fitting = operands[name];
  if (unguarded.includes(name) || fitting?.includes(types[0] ?? '')) return new CelError('no such overload');
  return new CelError(`no such overload: ${fitting === undefined ? `${name}(${types.join(', ')})` : name}`);
}

/** Go's names of the types of values that cannot be gone through. */
const unrangeable: Readonly<Record<string, string>> = {
  bool: 'types.Bool',
  int: 'types.Int',
  uint: 'types.Uint',
  double: 'types.Double',
  string: 'types.String',
  bytes: 'types.Bytes',
  null_type: 'types.Null',
  'google.protobuf.Timestamp': 'types.Timestamp',
  'google.protobuf.Duration': 'types.Duration',
  optional_type: '*types.Optional',
  type: '*types.Type',
};

/** A value that a macro cannot go through. `pairs`: with two variables. */
export function refusedRange(range: unknown, pairs: boolean): CelError {
  const type = typeNameOf(range);
  const shown = unrangeable[type] ?? type;
  return new CelError(
    pairs ? `unsupported comprehension range type: ${shown}` : `got '${shown}', expected iterable type`,
  );
}
