/**
 * Acts as somebody else when the request asks to and the user may: `Impersonate-User`, `-Group`, `-Uid` and `-Extra-*`. The
 * narrow rights (`impersonate:user-info` on whom, `impersonate-on:user-info:list` on what) are asked first, then the wide one
 * (`impersonate`). @see staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation, KEP-5284
 */
import { StatusError } from '../../../src/api/index.ts';
import { unescaped } from '../authentication/front-proxy.ts';
import { repeatedHeader } from '../authentication/headers.ts';
import type { AccessRequest } from '../authorization/index.ts';
import type { Call, Credentials, Identity } from '../call.ts';
import type { Server } from '../server.ts';
import { requestOf } from './authorization.ts';
import { impersonationOf, type Wanted } from './impersonation-modes.ts';

type HttpCredentials = Extract<Credentials, { type: 'http' }>;

const EXTRA = 'impersonate-extra-';

export function impersonate(call: Call, server: Server): void | Promise<void> {
  const wanted = wantedIdentity(call.credentials);
  if (wanted !== undefined) return actAs(call, wanted, server);
}

async function actAs(call: Call, wanted: Wanted, server: Server): Promise<void> {
  const { identity, constraint } = await impersonationOf(wanted, requestOf(call, call.user, call.verb), server);
  call.realUser = call.user;
  if (call.audit !== undefined) {
    call.audit.impersonatedUser = identity;
    call.audit.impersonationConstraint = constraint;
  }
  call.user = identity;
}

/** The same for paths that are not resources. @throws StatusError 403 */
export async function impersonatedOnPath(
  user: Identity,
  credentials: Credentials,
  method: string,
  path: string,
  server: Server,
): Promise<Identity> {
  const wanted = wantedIdentity(credentials);
  if (wanted === undefined) return user;
  const about: AccessRequest = { user, verb: method.toLowerCase(), path };
  return (await impersonationOf(wanted, about, server)).identity;
}

/** Few requests do: the others are to pay no more than a look at their headers' names. */
function impersonates(headers: HttpCredentials['headers']): boolean {
  for (const name in headers) if (name.charCodeAt(0) === LETTER_I && name.startsWith(PREFIX)) return true;
  return false;
}

const PREFIX = 'impersonate-';
const LETTER_I = 0x69;

/** Whom the headers name. @throws StatusError 400 when they name no user. */
function wantedIdentity(credentials: Credentials): Wanted | undefined {
  if (credentials.type !== 'http') return undefined;
  const { headers } = credentials;
  if (!impersonates(headers)) return undefined;
  const all = (name: string) => repeatedHeader(credentials, name);
  const user = all('impersonate-user')[0] ?? '';
  const uid = all('impersonate-uid')[0] ?? '';
  const groups = all('impersonate-group');
  const extra: Record<string, string[]> = {};
  for (const name in headers) {
    if (!name.startsWith(EXTRA)) continue;
    const key = unescaped(name.slice(EXTRA.length));
    extra[key] = [...(extra[key] ?? []), ...all(name)];
  }
  if (user !== '') return { user, uid, groups, extra };
  if (groups.length === 0 && uid === '' && Object.keys(extra).length === 0) return undefined;
  throw StatusError.badRequest(`requested ${goText(uid, groups, extra)} without impersonating a user name`);
}

/** How upstream prints a user without a name. */
function goText(uid: string, groups: readonly string[], extra: Readonly<Record<string, string[]>>): string {
  const list = (items: readonly string[]) => `[]string{${items.map((item) => JSON.stringify(item)).join(', ')}}`;
  const names = Object.keys(extra).sort();
  const map = names.map((name) => `${JSON.stringify(name)}:${list(extra[name] ?? [])}`).join(', ');
  return (
    `&user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, ` +
    `Groups:${groups.length === 0 ? '[]string(nil)' : list(groups)}, ` +
    `Extra:map[string][]string${names.length === 0 ? '(nil)' : `{${map}}`}}`
  );
}
