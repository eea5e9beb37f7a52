/**
 * Request bodies to objects of the kind that the path serves. Called by the decode stage and by subresources whose body is of
 * another kind.
 */
import {
  type ApiObject,
  type Decoded,
  decodeJson,
  decodeValue,
  decodeYaml,
  type ExpectedKind,
  type FieldValidation,
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
}

const expectedKinds = new WeakMap<NamedKind, ExpectedKind>();

/** The kind with its schema, looked up once. */
export function expectedKindOf(kind: NamedKind): ExpectedKind {
  let expected = expectedKinds.get(kind);
  if (expected === undefined) {
    const schema: Schema = schemaOf(kind.definition);
    expected = { group: kind.group, version: kind.version, kind: kind.kind, schema };
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
  object.metadata ??= {};
  return object;
}

function decode(body: Body | undefined, expected: ExpectedKind, validation: FieldValidation): Decoded {
  if (body === undefined || body.bytes.length === 0) return decodeValue({}, expected, validation);
  if (body.form === 'packed') return decodeValue(unpack(body.bytes), expected, validation);
  return body.form === 'json'
    ? decodeJson(body.bytes, expected, validation)
    : decodeYaml(body.bytes, expected, validation);
}

/** The body as plain data, undefined when there is none; for options and patches, whose kind is not the path's. */
export function parseBody(body: Body | undefined): unknown {
  if (body === undefined || body.bytes.length === 0) return undefined;
  if (body.form === 'packed') return unpack(body.bytes);
  const text = body.bytes.toString('utf8');
  try {
    return body.form === 'json' ? JSON.parse(text) : parseYaml(text).value;
  } catch (error) {
    if (error instanceof YamlSyntaxError) throw StatusError.badRequest(error.message);
    throw StatusError.badRequest(`couldn't get version/kind; json parse error: ${syntaxError(text)}`);
  }
}
