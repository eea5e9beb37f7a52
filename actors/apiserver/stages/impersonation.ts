/**
 * Acts as somebody else when the request asks to and the user may: `Impersonate-User`, `-Group`, `-Uid` and `-Extra-*`. The
 * narrow rights (`impersonate:user-info` on whom, `impersonate-on:user-info:list` on what) are asked first, then the wide one
 * (`impersonate`). @see staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation, KEP-5284
 */
import { StatusError } from '../../../src/api/index.ts';
import type { AccessRequest } from '../authorization/index.ts';
import type { Call, Credentials, Identity } from '../call.ts';
import type { Server } from '../server.ts';
import { decide, refusalOf, refusalText, requestOf } from './authorization.ts';

const EXTRA = 'impersonate-extra-';
const ACCOUNT = 'system:serviceaccount:';
const NODE = 'system:node:';

export function impersonate(call: Call, server: Server): void {
  const wanted = wantedIdentity(call.credentials);
  if (wanted === undefined) return;
  const narrow = `impersonate-on:${modeOf(wanted.user)}:`;
  const about = requestOf(call, call.user, narrow + call.verb);
  if (!all(targetsOf(call.user, wanted, 'impersonate'), server)) {
    if (!decide(about, server).allowed) throw refusalOf(call, about, '');
    refuseTargets(call.user, wanted, server);
  }
  call.realUser = call.user;
  call.user = wanted.identity;
}

/** The same for paths that are not resources. @throws StatusError 403 */
export function impersonatedOnPath(
  user: Identity,
  credentials: Credentials,
  method: string,
  path: string,
  server: Server,
): Identity {
  const wanted = wantedIdentity(credentials);
  if (wanted === undefined) return user;
  const about: AccessRequest = { user, verb: `impersonate-on:${modeOf(wanted.user)}:${method.toLowerCase()}`, path };
  if (!all(targetsOf(user, wanted, 'impersonate'), server)) {
    if (!decide(about, server).allowed) throw StatusError.forbidden({ group: '', name: '' }, '', refusalText(about));
    refuseTargets(user, wanted, server);
  }
  return wanted.identity;
}

interface Wanted {
  readonly user: string;
  readonly groups: readonly string[];
  readonly uid: string | undefined;
  readonly extra: Readonly<Record<string, readonly string[]>>;
  readonly identity: Identity;
}

/** Whom the headers name. @throws StatusError 400 when they name no user. */
function wantedIdentity(credentials: Credentials): Wanted | undefined {
  if (credentials.type !== 'http') return undefined;
  const { headers } = credentials;
  const user = first(headers['impersonate-user']);
  const groups = values(headers['impersonate-group']);
  const uid = first(headers['impersonate-uid']);
  const extra: Record<string, string[]> = {};
  for (const name in headers) {
    if (name.startsWith(EXTRA)) extra[decodeURIComponent(name.slice(EXTRA.length))] = values(headers[name]);
  }
  if (user === undefined || user === '') {
    if (groups.length === 0 && uid === undefined && Object.keys(extra).length === 0) return undefined;
    throw StatusError.badRequest(`requested ${goText(uid, groups, extra)} without impersonating a user name`);
  }
  const identity = {
    user,
    uid,
    groups: groupsFor(user, groups),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  } satisfies Identity;
  return { user, groups, uid, extra, identity };
}

/** How upstream prints a user without a name. */
function goText(uid: string | undefined, groups: readonly string[], extra: Readonly<Record<string, string[]>>): string {
  const list = (items: readonly string[]) => `[]string{${items.map((item) => JSON.stringify(item)).join(', ')}}`;
  const names = Object.keys(extra).sort();
  const map = names.map((name) => `${JSON.stringify(name)}:${list(extra[name] ?? [])}`).join(', ');
  return (
    `&user.DefaultInfo{Name:"", UID:${JSON.stringify(uid ?? '')}, ` +
    `Groups:${groups.length === 0 ? '[]string(nil)' : list(groups)}, ` +
    `Extra:map[string][]string${names.length === 0 ? '(nil)' : `{${map}}`}}`
  );
}

function modeOf(user: string): string {
  if (user.startsWith(ACCOUNT)) return 'serviceaccount';
  return user.startsWith(NODE) ? 'arbitrary-node' : 'user-info';
}

/** What must be allowed of whom is impersonated. With the wide right, users and groups are of the group without a name. */
function targetsOf(user: Identity, wanted: Wanted, verb: string): AccessRequest[] {
  const narrow = verb !== 'impersonate';
  const common = { user, verb, version: 'v1', subresource: '', namespace: '' };
  const authentication = { ...common, group: 'authentication.k8s.io' };
  const core = narrow ? authentication : { ...common, group: '' };
  const requests: AccessRequest[] = [];
  if (wanted.user.startsWith(ACCOUNT)) {
    const [, , namespace = '', name = ''] = wanted.user.split(':');
    requests.push({ ...core, resource: 'serviceaccounts', namespace, name });
  } else if (narrow && wanted.user.startsWith(NODE)) {
    requests.push({ ...core, resource: 'nodes', name: wanted.user.slice(NODE.length) });
  } else {
    requests.push({ ...core, resource: 'users', name: wanted.user });
  }
  for (const group of wanted.groups) requests.push({ ...core, resource: 'groups', name: group });
  if (wanted.uid !== undefined) requests.push({ ...authentication, resource: 'uids', name: wanted.uid });
  for (const key in wanted.extra) {
    for (const value of wanted.extra[key] ?? []) {
      requests.push({ ...authentication, resource: 'userextras', subresource: key, name: value });
    }
  }
  return requests;
}

function all(requests: readonly AccessRequest[], server: Server): boolean {
  return requests.every((request) => decide(request, server).allowed);
}

/** @throws StatusError 403 naming the first of those to be impersonated whom the narrow right does not cover. */
function refuseTargets(user: Identity, wanted: Wanted, server: Server): void {
  for (const request of targetsOf(user, wanted, `impersonate:${modeOf(wanted.user)}`)) {
    if (decide(request, server).allowed || !('resource' in request)) continue;
    const { group, resource, name } = request;
    throw StatusError.forbidden({ group, name: resource }, name, refusalText(request));
  }
}

/** Service accounts get their groups when none are named; everybody who is not anonymous is authenticated. */
function groupsFor(user: string, groups: string[]): string[] {
  const named = [...groups];
  if (groups.length === 0 && user.startsWith(ACCOUNT)) {
    named.push('system:serviceaccounts', `system:serviceaccounts:${user.split(':')[2]}`);
  }
  const always = user === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  if (!named.includes(always)) named.push(always);
  return named;
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

/** Node joins repeated headers with a comma. */
function values(value: string | readonly string[] | undefined): string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? value.split(', ') : [...value];
}
