/**
 * Acts as somebody else when the request asks to: `Impersonate-User`, `-Group`, `-Uid` and `-Extra-*`.
 * @see staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation.go
 */
import { StatusError } from '../../../src/api/index.ts';
import type { Call, Identity } from '../call.ts';

const EXTRA = 'impersonate-extra-';

export function impersonate(call: Call): void {
  if (call.credentials.type !== 'http') return;
  const { headers } = call.credentials;
  const user = first(headers['impersonate-user']);
  const groups = all(headers['impersonate-group']);
  const uid = first(headers['impersonate-uid']);
  const extra: Record<string, string[]> = {};
  for (const name in headers) {
    if (name.startsWith(EXTRA)) extra[decodeURIComponent(name.slice(EXTRA.length))] = all(headers[name]);
  }
  if (user === undefined) {
    if (groups.length === 0 && uid === undefined && Object.keys(extra).length === 0) return;
    throw StatusError.internalError('requested [] without impersonating a user');
  }
  call.realUser = call.user;
  call.user = {
    user,
    uid,
    groups: groupsFor(user, groups),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  } satisfies Identity;
}

/** Service accounts get their groups when none are named; everybody who is not anonymous is authenticated. */
function groupsFor(user: string, groups: string[]): string[] {
  const all = [...groups];
  if (groups.length === 0 && user.startsWith('system:serviceaccount:')) {
    all.push('system:serviceaccounts', `system:serviceaccounts:${user.split(':')[2]}`);
  }
  const always = user === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  if (!all.includes(always)) all.push(always);
  return all;
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

/** Node joins repeated headers with a comma. */
function all(value: string | readonly string[] | undefined): string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? value.split(', ') : [...value];
}
