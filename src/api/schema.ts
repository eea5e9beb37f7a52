/**
 * The schema tables: what fields each definition has, of which type, and how they are written and merged. Decoding, patches,
 * server-side apply and OpenAPI read them; CustomResourceDefinitions make the same shapes at run time (schema-custom.ts).
 * The generated file is read once a thread, on first use, and a definition is unfolded when it is first asked for.
 */
import { existsSync, readFileSync } from 'node:fs';

/**
 * `any` is free JSON, `raw` a free JSON object. `map` is a string-keyed map of one element type, `object` has named fields.
 */
export type SchemaKind =
  | 'string'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'double'
  | 'bytes'
  | 'time'
  | 'microtime'
  | 'quantity'
  | 'intOrString'
  | 'any'
  | 'raw'
  | 'object'
  | 'array'
  | 'map';

export interface Schema {
  readonly kind: SchemaKind;
  /** Of arrays and maps. */
  readonly element?: Schema | undefined;
  /** Of objects. */
  readonly object?: ObjectSchema | undefined;
  /** Arrays: how server-side apply merges them. Omitted: as `atomic`. */
  readonly listType?: 'atomic' | 'set' | 'map' | undefined;
  readonly listMapKeys?: readonly string[] | undefined;
  /** Objects and maps that server-side apply replaces as a whole. */
  readonly atomic?: boolean | undefined;
  /** Custom kinds: null is a value of its own. */
  readonly nullable?: boolean | undefined;
  /** Name that decoding errors print, such as `[]v1.Container`. */
  readonly typeName: string;
}

/**
 * What is written when a field has no value.
 * - `drop`: a scalar, list or map that is left out when empty;
 * - `keep`: kept as given, left out when not given;
 * - `always`: always written, with its empty value (null for lists and maps);
 * - `struct`: an object that is always written, as `{}` with what its own fields always write;
 * - `null`: written as null when not given.
 */
export type Presence = 'drop' | 'keep' | 'always' | 'struct' | 'null';

export interface FieldSchema {
  readonly name: string;
  /** Among the fields of its object, from 0. */
  readonly position: number;
  readonly schema: Schema;
  readonly required: boolean;
  readonly presence: Presence;
  readonly enum?: readonly string[] | undefined;
  /** Strategic merge patch: `merge`, `replace`, `retainKeys`. */
  readonly patchStrategies: readonly string[];
  readonly mergeKey?: string | undefined;
  /** Parts that the type inherits the field from, such as `VolumeSource`; decoding errors name them. */
  readonly inherited?: string | undefined;
  /** Custom kinds: the default value. */
  readonly default?: unknown;
}

export interface ObjectSchema {
  /** Full definition name, such as `io.k8s.api.core.v1.Pod`. */
  readonly name: string;
  /** `Pod`. */
  readonly shortName: string;
  readonly fields: ReadonlyMap<string, FieldSchema>;
  /** Fields that are written even when nobody gave them. */
  readonly written: readonly FieldSchema[];
  readonly groupVersionKind?: { readonly group: string; readonly version: string; readonly kind: string } | undefined;
  /** Server-side apply replaces it as a whole, unless a field says otherwise. */
  readonly atomic: boolean;
  /** Custom kinds: fields that are not named are kept. */
  readonly preserveUnknown?: boolean | undefined;
}

interface FieldTable {
  /** Type code: s b i l d y t u q x j o, `@index`, `[element`, `{element`. */
  t: string;
  r?: 1;
  l?: string;
  m?: string;
  p?: string;
  e?: string[];
  o?: string;
  g?: string;
  i?: string;
}

interface DefinitionTable {
  n: string;
  f: Record<string, FieldTable>;
  k?: [string, string, string];
  a?: 1;
}

const scalarKinds: Readonly<Record<string, readonly [SchemaKind, string]>> = {
  s: ['string', 'string'],
  b: ['boolean', 'bool'],
  i: ['int32', 'int32'],
  l: ['int64', 'int64'],
  d: ['double', 'float64'],
  y: ['bytes', '[]uint8'],
  t: ['time', 'v1.Time'],
  u: ['microtime', 'v1.MicroTime'],
  q: ['quantity', 'resource.Quantity'],
  x: ['intOrString', 'intstr.IntOrString'],
  j: ['any', 'interface {}'],
  o: ['raw', 'runtime.RawExtension'],
};

let tables: DefinitionTable[] | undefined;
let indexes: Map<string, number> | undefined;
const unfolded = new Map<number, ObjectSchema>();

/** A generated file's text. Bundles keep the files in `generated/` of the package's dist, sources beside this one. */
export function readGenerated(name: string): string {
  for (const place of ['./generated/', '../generated/', '../api/generated/']) {
    const url = new URL(place + name, import.meta.url);
    if (existsSync(url)) return readFileSync(url, 'utf8');
  }
  throw new Error(`${name} is missing: run "npm run generate" in a checkout, or reinstall the package`);
}

function loadTables(): DefinitionTable[] {
  tables ??= (JSON.parse(readGenerated('schema.json')) as { definitions: DefinitionTable[] }).definitions;
  return tables;
}

/** All definition names, sorted. */
export function definitionNames(): readonly string[] {
  return loadTables().map((table) => table.n);
}

/** The definition of that full name, or undefined. */
export function objectSchema(name: string): ObjectSchema | undefined {
  if (indexes === undefined) indexes = new Map(loadTables().map((table, index) => [table.n, index]));
  const index = indexes.get(name);
  return index === undefined ? undefined : unfold(index);
}

/** The schema of objects of that definition. Throws for an unknown name: definitions come from kinds, which are code. */
export function schemaOf(definition: string): Schema {
  const object = objectSchema(definition);
  if (object === undefined) throw new Error(`no definition is named ${definition}`);
  return { kind: 'object', object, typeName: goTypeName(object.name) };
}

/** `io.k8s.api.core.v1.Pod` → `v1.Pod`. */
function goTypeName(name: string): string {
  return name.split('.').slice(-2).join('.');
}

function unfold(index: number): ObjectSchema {
  const known = unfolded.get(index);
  if (known !== undefined) return known;
  const table = loadTables()[index];
  if (table === undefined) throw new Error(`definition ${index} is not in the tables`);
  let fields: Map<string, FieldSchema> | undefined;
  let written: FieldSchema[] | undefined;
  const made: ObjectSchema = {
    name: table.n,
    shortName: table.n.slice(table.n.lastIndexOf('.') + 1),
    atomic: table.a === 1,
    get fields() {
      fields ??= new Map(inOrder(table).map(([name, field], at) => [name, fieldSchema(name, at, field, table)]));
      return fields;
    },
    get written() {
      written ??= [...made.fields.values()].filter(({ presence }) => presence !== 'drop' && presence !== 'keep');
      return written;
    },
    ...(table.k === undefined
      ? {}
      : { groupVersionKind: { group: table.k[0], version: table.k[1], kind: table.k[2] } }),
  };
  unfolded.set(index, made);
  return made;
}

/** Upstream writes these first; the rest follows by name. */
const leading = ['kind', 'apiVersion', 'metadata'];
/** The members of metadata as upstream writes them. */
export const metadataOrder: readonly string[] = [
  'name',
  'generateName',
  'namespace',
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
];

function inOrder(table: DefinitionTable): [string, FieldTable][] {
  const order = table.n.endsWith('.ObjectMeta') ? metadataOrder : leading;
  const place = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return Object.entries(table.f).sort(([left], [right]) => place(left) - place(right));
}

let byKind: Map<string, string> | undefined;

/** The definition name of a built-in kind: `definitionOf('apps', 'v1', 'Deployment')`. */
export function definitionOf(group: string, version: string, kind: string): string | undefined {
  byKind ??= new Map(loadTables().flatMap(({ n, k }) => (k === undefined ? [] : [[k.join('/'), n] as const])));
  return byKind.get(`${group}/${version}/${kind}`);
}

function fieldSchema(name: string, position: number, table: FieldTable, definition: DefinitionTable): FieldSchema {
  const [strategies = '', mergeKey] = table.p?.split(':') ?? [];
  const typeMeta = definition.k !== undefined && (name === 'apiVersion' || name === 'kind');
  return {
    name,
    position,
    schema: typeSchema(table.t, table),
    required: table.r === 1,
    presence: typeMeta ? 'drop' : presenceOf(table),
    patchStrategies: strategies === '' ? [] : strategies.split('+'),
    enum: table.e,
    mergeKey,
    inherited: table.i,
  };
}

/** The codes that field-presence.ts explains, over the defaults by type. */
function presenceOf({ t: type, r: required, o: code }: FieldTable): Presence {
  const object = type.startsWith('@');
  const wrapped = 'tuqx'.includes(type);
  switch (code) {
    case 'p':
      return 'keep';
    case 's':
      return 'struct';
    case 'a':
    case 'z':
      return 'always';
    case 'd':
      return object || wrapped || type === 'o' ? 'keep' : 'drop';
    case 'n':
      return 'null';
    case 'x':
      return 'keep';
    default:
      if (required) return object ? 'struct' : 'always';
      return object || wrapped || type === 'o' || type === 'j' ? 'keep' : 'drop';
  }
}

function typeSchema(code: string, field?: FieldTable): Schema {
  const scalar = scalarKinds[code];
  if (scalar !== undefined) return { kind: scalar[0], typeName: field?.g ?? scalar[1] };
  const rest = code.slice(1);
  if (code.startsWith('@')) {
    const index = Number(rest);
    const table = loadTables()[index];
    let object: ObjectSchema | undefined;
    return {
      kind: 'object',
      get object() {
        object ??= unfold(index);
        return object;
      },
      atomic: field?.m === undefined ? table?.a === 1 : field.m === 'atomic',
      typeName: goTypeName(table?.n ?? ''),
    };
  }
  const named = field?.g;
  if (code.startsWith('[')) {
    const element = typeSchema(rest, named?.startsWith('[]') ? { t: rest, g: named.slice(2) } : undefined);
    const [listType, keys] = field?.l?.split(':') ?? [];
    return {
      kind: 'array',
      element,
      listType: listType as Schema['listType'],
      listMapKeys: keys?.split(','),
      typeName: named ?? `[]${element.typeName}`,
    };
  }
  const element = typeSchema(rest, named?.startsWith('map[string]') ? { t: rest, g: named.slice(11) } : undefined);
  return { kind: 'map', element, atomic: field?.m === 'atomic', typeName: named ?? `map[string]${element.typeName}` };
}
