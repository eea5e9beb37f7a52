/**
 * Request bodies to objects of the kind that the path serves. Called by the decode stage and by subresources whose body is of
 * another kind.
 */
import {
  type ApiObject,
  type CustomForm,
  type Decoded,
  decodeJson,
  decodePatched,
  decodeProtobuf,
  decodeValue,
  decodeYaml,
  type ExpectedKind,
  type FieldValidation,
  openProtobuf,
  type ProtobufEnvelope,
  ProtobufError,
  parseYaml,
  type Schema,
  StatusError,
  schemaOf,
  syntaxError,
  YamlSyntaxError,
} from '../../src/api/index.ts';
import { unpack } from '../../src/runtime/index.ts';
import type { Body, Call } from './call.ts';

/** A kind by its names and the name of its definition. */
export interface NamedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly definition: string;
  readonly custom?: CustomForm;
}

const expectedKinds = new WeakMap<NamedKind, ExpectedKind>();

/** The kind with its schema, looked up once. */
export function expectedKindOf(kind: NamedKind): ExpectedKind {
  let expected = expectedKinds.get(kind);
  if (expected === undefined) {
    const { custom } = kind;
    const schema: Schema = custom?.schema ?? schemaOf(kind.definition);
    expected = { group: kind.group, version: kind.version, kind: kind.kind, schema, custom };
    expectedKinds.set(kind, expected);
  }
  return expected;
}

/** How unknown fields are treated: as the request says; by default they are warned about, and dropped silently on the bus. */
export function fieldValidationOf(call: Call): FieldValidation {
  const wanted = call.query['fieldValidation'];
  if (wanted === 'Ignore' || wanted === 'Warn' || wanted === 'Strict') return wanted;
  return call.door === 'bus' ? 'Ignore' : 'Warn';
}

/** Decodes the call's body as an object of the kind. */
export function decodeBody(call: Call, kind: NamedKind): ApiObject {
  const decoded = decode(call.body, expectedKindOf(kind), fieldValidationOf(call));
  if (decoded.warnings.length > 0 && call.attempt <= 1) call.warnings.push(...decoded.warnings);
  const { object } = decoded;
  call.emptied = decoded.emptied;
  object.metadata ??= {};
  return object;
}

function decode(body: Body | undefined, expected: ExpectedKind, validation: FieldValidation): Decoded {
  if (body === undefined || (body.bytes.length === 0 && body.form === 'packed'))
    return decodeValue({}, expected, validation);
  if (body.form === 'packed') return decodeValue(unpack(body.bytes), expected, validation);
  if (body.form === 'protobuf') return decodeValue(protobufValue(body.bytes, expected), expected, validation);
  return body.form === 'json'
    ? decodeJson(body.bytes, expected, validation)
    : decodeYaml(body.bytes, expected, validation);
}

/** A protobuf body as plain data. What it does not claim to be is not decoded: the claim alone is refused later. */
function protobufValue(bytes: Buffer, expected: ExpectedKind): Record<string, unknown> {
  const { apiVersion, kind, raw } = openEnvelope(bytes, expected.kind);
  const wanted = expected.group === '' ? expected.version : `${expected.group}/${expected.version}`;
  const isExpected = (kind === '' || kind === expected.kind) && (apiVersion === '' || apiVersion === wanted);
  const type = { ...(apiVersion === '' ? {} : { apiVersion }), ...(kind === '' ? {} : { kind }) };
  const { object } = expected.schema;
  if (!isExpected || object === undefined) return type;
  try {
    return Object.assign(decodeProtobuf(raw, object), type);
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    throw StatusError.badRequest(
      `${expected.kind} in version ${JSON.stringify(expected.version)} cannot be handled as a ${expected.kind}: ${error.message}`,
    );
  }
}

function openEnvelope(bytes: Buffer, expectedKind: string): ProtobufEnvelope {
  try {
    return openProtobuf(bytes);
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    const shown = bytes.subarray(0, PROTOBUF_SHOWN_BYTES).toString('hex');
    const summary = bytes.length > PROTOBUF_SHOWN_BYTES ? `${shown} ...` : shown;
    throw StatusError.badRequest(
      `the object provided is unrecognized (must be of type ${expectedKind}): ${error.message} (${summary})`,
    );
  }
}

const PROTOBUF_SHOWN_BYTES = 30;

const DELETE_OPTIONS: NamedKind = {
  group: '',
  version: 'v1',
  kind: 'DeleteOptions',
  definition: 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions',
};

/** The body as plain data, undefined when there is none; for options and patches, whose kind is not the path's. */
export function parseBody(body: Body | undefined): unknown {
  if (body === undefined || body.bytes.length === 0) return undefined;
  if (body.form === 'packed') return unpack(body.bytes);
  // Only the options of a delete come like this: patches are never protobuf.
  if (body.form === 'protobuf') return deleteOptionsOf(body.bytes);
  const text = body.bytes.toString('utf8');
  try {
    return body.form === 'json' ? JSON.parse(text) : parseYaml(text).value;
  } catch (error) {
    if (error instanceof YamlSyntaxError) throw StatusError.badRequest(error.message);
    throw StatusError.badRequest(`couldn't get version/kind; json parse error: ${syntaxError(text)}`);
  }
}

/** Refuses options of the wrong types, whatever version they claim to be of. @throws StatusError 400 */
export function checkDeleteOptions(value: object): void {
  const { kind: _kind, apiVersion: _version, ...options } = value as Record<string, unknown>;
  decodePatched(options as ApiObject, expectedKindOf(DELETE_OPTIONS), 'Ignore', (reason) =>
    StatusError.badRequest(reason),
  );
}

/** Options come under the version of the kind that is deleted as well as under `v1`; their form is the same. */
function deleteOptionsOf(bytes: Buffer): Record<string, unknown> {
  const expected = expectedKindOf(DELETE_OPTIONS);
  try {
    const { kind, raw } = openProtobuf(bytes);
    return { ...(expected.schema.object === undefined ? {} : decodeProtobuf(raw, expected.schema.object)), kind };
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    throw StatusError.badRequest(error.message);
  }
}
