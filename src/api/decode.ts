/**
 * Turns a request's body into an object of its kind, or refuses it with upstream's 400. The API server's decode stage calls it for
 * JSON and YAML bodies, for packed values from the bus, and again for what a patch has made of an object.
 *
 * The built-in parser and one walk do the work; only when that walk notices something unknown, repeated or malformed is the text
 * read again, slowly, for an explanation.
 */
import { conform, type EmptiedList } from './conform.ts';
import { StatusError } from './errors.ts';
import { explain } from './explain.ts';
import { fieldErrors } from './field-errors.ts';
import { conversionError } from './former-fields.ts';
import { quote } from './go-text.ts';
import { type JsonNode, JsonSyntaxError, jsonNodeOf, parseJsonNode } from './json-text.ts';
import type { ApiObject, CustomForm } from './kinds/types.ts';
import { definitionOf, type Schema, schemaOf } from './schema.ts';
import { parseYaml, YamlSyntaxError } from './yaml-text.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** What the request's path says that the body is. */
export interface ExpectedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: Schema;
  /** Custom kinds. */
  readonly custom?: CustomForm | undefined;
}

export interface Decoded {
  readonly object: ApiObject;
  /** Texts for Warning headers. */
  readonly warnings: readonly string[];
  /** Where the body has an empty list that is stored as none: whoever sent it owns it all the same. */
  readonly emptied?: readonly EmptiedList[] | undefined;
}

interface Body {
  readonly value: unknown;
  /** For summaries in errors. */
  readonly bytes: Uint8Array;
  readonly text?: string;
  readonly repeated: readonly string[];
  readonly live?: ApiObject | undefined;
}

/** Numbers that `JSON.parse` would take for integers although upstream may refuse them: with a point, or very long. */
const suspiciousNumber = /(?:"\s*:|[[,])\s*-?(?:\d+[.eE]|\d{16})/;

/** @throws StatusError 400 */
export function decodeJson(body: Uint8Array, expected: ExpectedKind, validation: FieldValidation = 'Warn'): Decoded {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unrecognized(`couldn't get version/kind; json parse error: ${syntaxError(text)}`, body, expected);
  }
  return decodeBody({ value, bytes: body, text, repeated: [] }, expected, validation);
}

/** @throws StatusError 400 */
export function decodeYaml(body: Uint8Array, expected: ExpectedKind, validation: FieldValidation = 'Warn'): Decoded {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  try {
    const { value, repeated } = parseYaml(text);
    return decodeBody({ value: value ?? {}, bytes: body, repeated }, expected, validation);
  } catch (error) {
    if (error instanceof YamlSyntaxError) throw unrecognized(error.message, body, expected);
    throw error;
  }
}

/**
 * For what a patch has made of an object: `refuse` turns a reason into the error. Does not change `value`. What comes out shares with
 * `live`, where it is given, the members that the patch has left alone.
 * @throws what `refuse` makes
 */
export function decodePatched(
  value: unknown,
  expected: ExpectedKind,
  validation: FieldValidation,
  refuse: (reason: string) => StatusError,
  live?: ApiObject,
): Decoded {
  return decodeBody({ value, bytes: new Uint8Array(), repeated: [], live }, expected, validation, refuse);
}

/** For values that were never text: from the bus, or made by a patch. Does not change `value`. @throws StatusError 400 */
export function decodeValue(value: unknown, expected: ExpectedKind, validation: FieldValidation = 'Warn'): Decoded {
  return decodeBody({ value, bytes: new Uint8Array(), repeated: [] }, expected, validation);
}

/**
 * An object of a known kind in the form that is stored: unknown fields out, always-written ones in. For objects that the server
 * itself has made.
 */
export function normalize<Type>(object: Type, schema: Schema): Type {
  return conform(object, schema).value as Type;
}

/** Go's message for a text that is not JSON. */
export function syntaxError(text: string): string {
  try {
    parseJsonNode(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error.message;
    throw error;
  }
  return 'unexpected end of JSON input';
}

/** The beginning of a body, as upstream quotes it. */
function summary(body: Uint8Array): string {
  if (body.length === 0) return '<empty>';
  const start = Buffer.from(body.subarray(0, 30));
  const text = body[0] === 0x7b ? start.toString('utf8') : start.toString('hex');
  return body.length > 30 ? `${text} ...` : text;
}

function unrecognized(reason: string, body: Uint8Array, expected: ExpectedKind): StatusError {
  return StatusError.badRequest(
    `the object provided is unrecognized (must be of type ${expected.kind}): ${reason} (${summary(body)})`,
  );
}

const typeMetaStruct = String.raw`struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`;

/** Group, version and kind that the body itself claims; what it leaves out is as expected. */
function claimedKind(body: Body, expected: ExpectedKind): { group: string; version: string; kind: string } {
  const { value } = body;
  const refuse = (error: string): never => {
    throw unrecognized(`couldn't get version/kind; json parse error: ${error}`, body.bytes, expected);
  };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (value === null) return expected;
    return refuse(`json: cannot unmarshal ${jsonNodeOf(value).kind} into Go value of type ${typeMetaStruct}`);
  }
  const { apiVersion = null, kind = null } = value as Record<string, unknown>;
  for (const [name, member] of [['apiVersion', apiVersion] as const, ['kind', kind] as const]) {
    if (member !== null && typeof member !== 'string') {
      refuse(`json: cannot unmarshal ${jsonNodeOf(member).kind} into Go struct field .${name} of type string`);
    }
  }
  const given = (apiVersion as string | null) ?? '';
  const parts = given.split('/');
  if (parts.length > 2) {
    throw unrecognized(`unexpected GroupVersion string: ${given}`, body.bytes, expected);
  }
  const [group, version] = parts.length === 2 ? [parts[0] ?? '', parts[1] ?? ''] : ['', given];
  return {
    group: given === '' ? expected.group : group,
    version: given === '' ? expected.version : version,
    kind: ((kind as string | null) ?? '') === '' ? expected.kind : (kind as string),
  };
}

/** Versions that upstream's scheme still knows although nothing is served under them. */
const knownUnservedVersions =
  /^(apps\/v1beta[12]|extensions\/v1beta1|batch\/v1beta1|policy\/v1beta1|networking\.k8s\.io\/v1beta1|autoscaling\/v2beta[12])$/;

const versionText = ({ group, version }: { group: string; version: string }): string =>
  group === '' ? version : `${group}/${version}`;

function decodeBody(
  body: Body,
  expected: ExpectedKind,
  validation: FieldValidation,
  refuse?: (reason: string) => StatusError,
): Decoded {
  if (expected.custom !== undefined) return decodeCustom(body, expected, expected.custom, validation, refuse);
  const claimed = claimedKind(body, expected);
  const cannot =
    refuse ??
    ((reason: string): StatusError =>
      StatusError.badRequest(
        `${claimed.kind} in version ${quote(claimed.version)} cannot be handled as a ${expected.kind}: ${reason}`,
      ));
  if (claimed.kind !== expected.kind || versionText(claimed) !== versionText(expected)) {
    refuseOtherKind(body, claimed, expected, cannot);
  }
  const conformed = conform(body.value ?? {}, expected.schema, body.live);
  const repeated = body.text !== undefined && conformed.keys !== countKeys(body.text);
  const suspicious = body.text !== undefined && suspiciousNumber.test(body.text);
  let strict: readonly string[] = body.repeated;
  if (conformed.malformed || suspicious || conformed.unknown || repeated) {
    const found = explain(nodeOf(body, cannot), expected.schema);
    if (found.error !== undefined) throw cannot(found.error);
    strict = [...strict, ...found.strict];
  }
  if (strict.length > 0 && validation === 'Strict') throw cannot(`strict decoding error: ${strict.join(', ')}`);
  let object = conformed.value as ApiObject;
  const unconverted = expected.group === 'apps' ? conversionError(expected.kind, object) : undefined;
  if (unconverted !== undefined) throw cannot(unconverted);
  if (object.apiVersion === undefined || object.kind === undefined) {
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
    object = { kind: expected.kind, apiVersion: versionText(expected), ...rest } as ApiObject;
  }
  return { object, warnings: validation === 'Warn' ? strict : [], emptied: conformed.emptied };
}

/** Any JSON. */
const free: Schema = { kind: 'any', typeName: 'interface {}' };

/** Custom objects are read as they are, without what their schema does not name; values of a wrong type are validation's to refuse. */
function decodeCustom(
  body: Body,
  expected: ExpectedKind,
  custom: CustomForm,
  validation: FieldValidation,
  refuse?: (reason: string) => StatusError,
): Decoded {
  const cannot = (reason: string): StatusError =>
    refuse?.(reason) ??
    StatusError.badRequest(
      `${expected.kind} in version ${quote(expected.version)} cannot be handled as a ${expected.kind}: ${reason}`,
    );
  const claimed = claimedKind(body, expected);
  const value = (body.value ?? {}) as Record<string, unknown>;
  if (value['kind'] === undefined || value['kind'] === '') {
    const text = Buffer.from(body.bytes).toString('utf8');
    throw unrecognized(`Object 'Kind' is missing in '${text}'`, body.bytes, expected);
  }
  if (versionText(claimed) !== versionText(expected)) throw otherVersion(claimed, expected);
  const conformed = custom.conform(value);
  if (conformed.error !== undefined) throw cannot(conformed.error);
  const repeated = body.text !== undefined && conformed.keys !== countKeys(body.text);
  const strict = [
    ...body.repeated,
    ...(repeated ? explain(nodeOf(body, cannot), free).strict : []),
    ...conformed.strict,
  ];
  if (strict.length > 0 && validation === 'Strict') throw cannot(`strict decoding error: ${strict.join(', ')}`);
  const object = conformed.value as ApiObject;
  object.apiVersion ??= versionText(expected);
  if (object.kind !== expected.kind) {
    const error = fieldErrors.invalid('kind', object.kind, `must be ${expected.kind}`);
    throw StatusError.invalid({ group: expected.group, name: object.kind }, object.metadata?.name ?? '', [error]);
  }
  return { object, warnings: validation === 'Warn' ? strict : [] };
}

function nodeOf(body: Body, cannot: (reason: string) => StatusError): JsonNode {
  try {
    return body.text === undefined ? jsonNodeOf(body.value) : parseJsonNode(body.text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw cannot(error.message);
    throw error;
  }
}

/** How many keys the text has, if no string in it looks like one: more than the parsed value has when some are repeated. */
export function countKeys(text: string): number {
  let count = 0;
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    let before = at - 1;
    while (before >= 0 && text.charCodeAt(before) <= 0x20) before -= 1;
    if (text.charCodeAt(before) === 0x22 && text.charCodeAt(before - 1) !== 0x5c) count += 1;
  }
  return count;
}

function refuseOtherKind(
  body: Body,
  claimed: { group: string; version: string; kind: string },
  expected: ExpectedKind,
  cannot: (reason: string) => StatusError,
): never {
  const definition = definitionOf(claimed.group, claimed.version, claimed.kind);
  if (definition !== undefined) {
    if (versionText(claimed) !== versionText(expected)) throw otherVersion(claimed, expected);
    const found = explain(nodeOf(body, cannot), schemaOf(definition));
    if (found.error !== undefined) throw cannot(found.error);
    const internal = (expected.group === '' ? 'core' : expected.group).split('.')[0] ?? '';
    throw cannot(
      `converting (${claimed.version}.${claimed.kind}) to (${internal}.${expected.kind}): unknown conversion`,
    );
  }
  if (knownUnservedVersions.test(versionText(claimed))) throw otherVersion(claimed, expected);
  throw cannot(
    `no kind ${quote(claimed.kind)} is registered for version ${quote(versionText(claimed))} in scheme "pkg/api/legacyscheme/scheme.go:30"`,
  );
}

function otherVersion(claimed: { group: string; version: string }, expected: ExpectedKind): StatusError {
  return StatusError.badRequest(
    `the API version in the data (${versionText(claimed)}) does not match the expected API version (${versionText(expected)})`,
  );
}

/** 2^63 as JavaScript prints it. */
const doubleOfLargest = '9223372036854776000';

/** The JSON text of an answer: Go's escapes and a line end. */
export function encodeJsonText(value: unknown): string {
  let text = JSON.stringify(value);
  // The largest integer is the one beyond 2^53 that objects do hold; as a double it prints one too large for its readers.
  if (text.includes(doubleOfLargest)) text = text.replaceAll(doubleOfLargest, '9223372036854775807');
  return `${/[<>&\u2028\u2029]/.test(text) ? text.replace(/[<>&\u2028\u2029]/g, escapeCharacter) : text}\n`;
}

const escapeCharacter = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
