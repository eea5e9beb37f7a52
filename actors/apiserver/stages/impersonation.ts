/**
 * Acts as somebody else when the request asks to and the user may: `Impersonate-User`, `-Group`, `-Uid` and `-Extra-*`. The
 * narrow rights (`impersonate:user-info` on whom, `impersonate-on:user-info:list` on what) are asked first, then the wide one
 * (`impersonate`). @see staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation, KEP-5284
 */
import { StatusError } from '../../../src/api/index.ts';
import { unescaped } from '../authentication/front-proxy.ts';
import type { AccessRequest } from '../authorization/index.ts';
import type { Call, Credentials, Identity } from '../call.ts';
import type { Server } from '../server.ts';
import { ask, refusalOf, refusalText, requestOf } from './authorization.ts';

type HttpHeaders = Extract<Credentials, { type: 'http' }>['headers'];

const EXTRA = 'impersonate-extra-';
const ACCOUNT = 'system:serviceaccount:';
const NODE = 'system:node:';

export function impersonate(call: Call, server: Server): void | Promise<void> {
  const wanted = wantedIdentity(call.credentials);
  if (wanted !== undefined) return actAs(call, wanted, server);
}

async function actAs(call: Call, wanted: Wanted, server: Server): Promise<void> {
  const narrow = !(await all(targetsOf(call.user, wanted, 'impersonate'), server));
  if (narrow) {
    const about = requestOf(call, call.user, `impersonate-on:${modeOf(wanted.user)}:${call.verb}`);
    if (!(await ask(about, server)).allowed) throw refusalOf(call, about, '');
    await refuseTargets(call.user, wanted, server);
  }
  call.realUser = call.user;
  if (call.audit !== undefined) {
    call.audit.impersonatedUser = wanted.identity;
    if (narrow) call.audit.impersonationConstraint = `impersonate:${modeOf(wanted.user)}`;
  }
  call.user = wanted.identity;
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
  if (!(await all(targetsOf(user, wanted, 'impersonate'), server))) {
    const about: AccessRequest = { user, verb: `impersonate-on:${modeOf(wanted.user)}:${method.toLowerCase()}`, path };
    if (!(await ask(about, server)).allowed) {
      throw StatusError.forbidden({ group: '', name: '' }, '', refusalText(about));
    }
    await refuseTargets(user, wanted, server);
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

/** Few requests do: the others are to pay no more than a look at their headers' names. */
function impersonates(headers: HttpHeaders): boolean {
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
  const user = first(headers['impersonate-user']);
  const groups = values(headers['impersonate-group']);
  const uid = first(headers['impersonate-uid']);
  const extra: Record<string, string[]> = {};
  for (const name in headers) {
    if (name.startsWith(EXTRA)) extra[unescaped(name.slice(EXTRA.length))] = values(headers[name]);
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

async function all(requests: readonly AccessRequest[], server: Server): Promise<boolean> {
  for (const request of requests) if (!(await ask(request, server)).allowed) return false;
  return true;
}

/** @throws StatusError 403 naming the first of those to be impersonated whom the narrow right does not cover. */
async function refuseTargets(user: Identity, wanted: Wanted, server: Server): Promise<void> {
  for (const request of targetsOf(user, wanted, `impersonate:${modeOf(wanted.user)}`)) {
    if (!('resource' in request) || (await ask(request, server)).allowed) continue;
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
  if (user === 'system:anonymous') {
    if (!named.includes('system:unauthenticated')) named.push('system:unauthenticated');
  } else if (!named.includes('system:authenticated') && !named.includes('system:unauthenticated')) {
    named.push('system:authenticated');
  }
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
