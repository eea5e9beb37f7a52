/**
 * Users that a proxy in front of the server names in headers. They count only over a connection whose client certificate an
 * authority of the front proxy signed, for one of the allowed names; anybody else's headers mean nothing.
 * @see staging/src/k8s.io/apiserver/pkg/authentication/request/headerrequest
 */
import type { Clock } from '../../../src/runtime/index.ts';
import type { Credentials, Identity } from '../call.ts';
import type { RequestHeaderOption } from '../options.ts';
import { type Authorities, objectionTo, presentedBy } from './certificates.ts';
import { repeatedHeader } from './headers.ts';

type HttpCredentials = Extract<Credentials, { type: 'http' }>;

export function frontProxyUser(
  option: RequestHeaderOption,
  authorities: Authorities,
  credentials: HttpCredentials,
  clock: Clock,
): Identity | undefined {
  const user = first(credentials, option.usernameHeaders);
  if (user === undefined) return undefined;
  const shown = presentedBy(credentials);
  if (shown === undefined || objectionTo(shown, authorities, clock) !== undefined) return undefined;
  if (option.allowedNames.length > 0 && !option.allowedNames.includes(shown.commonName)) return undefined;
  const uid = first(credentials, option.uidHeaders);
  const extra = extraOf(credentials, option.extraHeaderPrefixes);
  return {
    user,
    ...(uid === undefined ? {} : { uid }),
    groups: option.groupHeaders.flatMap((header) => repeatedHeader(credentials, header.toLowerCase())),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function first(credentials: HttpCredentials, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = repeatedHeader(credentials, name.toLowerCase())[0]?.trim();
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

function extraOf(credentials: HttpCredentials, prefixes: readonly string[]): Record<string, string[]> {
  const extra: Record<string, string[]> = {};
  for (const prefix of prefixes.map((text) => text.toLowerCase())) {
    for (const name in credentials.headers) {
      if (!name.startsWith(prefix)) continue;
      const key = unescaped(name.slice(prefix.length));
      extra[key] = [...(extra[key] ?? []), ...repeatedHeader(credentials, name)];
    }
  }
  return extra;
}

/** Keys are percent-encoded in headers; what cannot be decoded is taken as it is. */
export function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
