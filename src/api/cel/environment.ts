/** What an expression may refer to: variables, functions and message types. */
import { FunctionTable } from './functions.ts';
import { addressesLibrary } from './library-addresses.ts';
import { authorizerLibrary } from './library-authorizer.ts';
import { kubernetesLibrary } from './library-kubernetes.ts';
import { listsLibrary } from './library-lists.ts';
import { standardLibrary } from './library-standard.ts';
import { stringsLibrary } from './library-strings.ts';
import type { CelType } from './types.ts';

/** The fields of a message that expressions can make; undefined for a name it does not have. */
export interface MessageType {
  readonly type: CelType;
  field(name: string): CelType | undefined;
}

export interface Environment {
  /** By name; dotted names too, such as `authorizer.requestResource`. */
  readonly variables: Readonly<Record<string, CelType>>;
  /** The messages that expressions can make; none when left out. */
  message?(typeName: string): MessageType | undefined;
}

/** Kubernetes' functions: the same for all environments. */
export const functions = new FunctionTable([
  standardLibrary,
  stringsLibrary,
  listsLibrary,
  kubernetesLibrary,
  addressesLibrary,
  authorizerLibrary,
]);

/** Names of types, which are values: `type(x) == string`. */
export const typeNames: ReadonlySet<string> = new Set([
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
  'type',
  'optional_type',
  'google.protobuf.Timestamp',
  'google.protobuf.Duration',
  'kubernetes.Quantity',
  'kubernetes.URL',
  'kubernetes.Semver',
  'net.IP',
  'net.CIDR',
]);
