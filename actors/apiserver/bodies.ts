/**
 * Request bodies to objects: unpacks or parses, checks that the body is of the kind that the path serves, and decodes it by
 * the kind's schema. Called by the decode stage and by subresources whose body is of another kind.
 */
import { parse as parseYaml } from 'yaml';
import { type ApiObject, StatusError } from '../../src/api/index.ts';
import { unpack } from '../../src/runtime/index.ts';
import type { Body, Call } from './call.ts';
import { messageOf } from './failures.ts';

export interface ExpectedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly definition: string;
}

/** Decodes the call's body as an object of the expected kind. */
export function decodeBody(call: Call, expected: ExpectedKind): ApiObject {
  return checkKind(parseBody(call.body), expected);
}

/** The body as plain data, undefined when there is none. */
export function parseBody(body: Body | undefined): unknown {
  if (body === undefined || body.bytes.length === 0) return undefined;
  if (body.form === 'packed') return unpack(body.bytes);
  const text = body.bytes.toString('utf8');
  try {
    return body.form === 'json' ? JSON.parse(text) : parseYaml(text, { version: '1.1' });
  } catch (error) {
    throw StatusError.badRequest(`the object provided is unrecognized (must be of type ${''}): ${messageOf(error)}`);
  }
}

/** Fills in kind and apiVersion where the client left them out, and refuses those of another kind. */
function checkKind(value: unknown, expected: ExpectedKind): ApiObject {
  const apiVersion = expected.group === '' ? expected.version : `${expected.group}/${expected.version}`;
  const object = (value ?? {}) as ApiObject;
  if (object.apiVersion !== undefined && object.apiVersion !== apiVersion) {
    throw StatusError.badRequest(
      `the API version in the data (${object.apiVersion}) does not match the expected API version (${apiVersion})`,
    );
  }
  object.apiVersion ??= apiVersion;
  object.kind ??= expected.kind;
  object.metadata ??= {};
  return object;
}
