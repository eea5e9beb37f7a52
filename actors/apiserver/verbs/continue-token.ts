/**
 * The continue token of a list in pages: upstream's form, base64url of `{"v":"meta.k8s.io/v1","rv":R,"start":"key\u0000"}`,
 * where `start` is relative to the listed prefix. A revision of -1 reads the rest inconsistently, as it is now.
 * @see staging/src/k8s.io/apiserver/pkg/storage/continue.go
 */
import { StatusError } from '../../../src/api/index.ts';

export interface ContinueToken {
  readonly revision: number;
  /** First key of the next page, relative to the prefix. */
  readonly start: string;
}

const VERSION = 'meta.k8s.io/v1';

export function encodeContinue(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: VERSION, rv: token.revision, start: token.start })).toString('base64url');
}

export function decodeContinue(text: string): ContinueToken {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    throw StatusError.badRequest('continue key is not valid: illegal base64 data at input byte 0');
  }
  const { v, rv, start } = (value ?? {}) as { v?: unknown; rv?: unknown; start?: unknown };
  if (v !== VERSION)
    throw StatusError.badRequest(
      `continue key is not valid: server does not recognize this encoded version ${JSON.stringify(v ?? '')}`,
    );
  if (typeof rv !== 'number' || rv === 0)
    throw StatusError.badRequest(
      'continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)',
    );
  if (typeof start !== 'string' || start === '')
    throw StatusError.badRequest('continue key is not valid: encoded start key empty (version meta.k8s.io/v1)');
  if (`/${start}`.includes('/../')) throw StatusError.badRequest(`continue key is not valid: ${start}`);
  return { revision: rv, start };
}
