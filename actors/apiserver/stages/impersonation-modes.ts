/**
 * The ways in which one user may act as another. The narrow ones are asked first: each is about one sort of user (the node that
 * a service account runs on, any node, a service account, anybody else) and about one verb. The wide one, `impersonate`, is
 * about everything. The first refusal is told. @see staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation/mode.go
 */
import {
  aggregateText,
  domainPathErrors,
  fieldErrorText,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
  StatusError,
} from '../../../src/api/index.ts';
import type { AccessRequest } from '../authorization/index.ts';
import type { Identity } from '../call.ts';
import type { Server } from '../server.ts';
import { ask, refusalText } from './authorization.ts';

/** Whom the headers name, as they name them. */
export interface Wanted {
  readonly user: string;
  /** Empty without one. */
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export interface Impersonation {
  readonly identity: Identity;
  /** The narrow right by which it is allowed; undefined by the wide one. */
  readonly constraint: string | undefined;
}

interface Mode {
  /** Empty: the wide right. */
  readonly name: string;
  applies(wanted: Wanted, requestor: Identity): boolean;
  /** The questions asked, as they are put to the authorizers. */
  asked?(request: AccessRequest): AccessRequest;
}

const NODE_NAME = 'authentication.kubernetes.io/node-name';
const ASSOCIATED: Mode = {
  name: 'associated-node',
  applies: (wanted, requestor) => {
    const names = requestor.extra?.[NODE_NAME] ?? [];
    const isAccount = accountOf(requestor.user) !== undefined;
    return onlyName(wanted) && isAccount && names.length === 1 && nodeNameOf(wanted.user) === names[0];
  },
  // The right holds for whatever node the account runs on: neither its name nor the account's other attributes count.
  asked(request) {
    const keys = Object.keys(request.user.extra ?? {}).sort();
    const user = { ...request.user, extra: { 'authentication.kubernetes.io/associated-node-keys': keys } };
    if ('path' in request || request.verb !== 'impersonate:associated-node') return { ...request, user };
    return { ...request, user, name: '*' };
  },
};
const WIDE: Mode = { name: '', applies: () => true };

const MODES: readonly Mode[] = [
  ASSOCIATED,
  { name: 'arbitrary-node', applies: (wanted) => onlyName(wanted) && nodeNameOf(wanted.user) !== undefined },
  { name: 'serviceaccount', applies: (wanted) => onlyName(wanted) && accountOf(wanted.user) !== undefined },
  {
    name: 'user-info',
    applies: ({ user }) => nodeNameOf(user) === undefined && accountOf(user) === undefined,
  },
  WIDE,
];

/** From so many groups or extra values on, a right to all of them is asked for first. */
const MANY = 4;
/** Users whose last way is remembered. */
const REMEMBERED_MAX = 10_000;

/** The way that last worked for a user is tried first, and its refusal is then the one that is told. */
const lastWays = new WeakMap<Server, Map<string, Mode>>();

/** Whom the request is made as. `about` is what it asks for, by who really asks. @throws StatusError 403 */
export async function impersonationOf(wanted: Wanted, about: AccessRequest, server: Server): Promise<Impersonation> {
  let known = lastWays.get(server);
  if (known === undefined) {
    known = new Map();
    lastWays.set(server, known);
  }
  const last = known.get(about.user.user);
  const order = last === undefined ? MODES : [last, ...MODES.filter((mode) => mode !== last)];
  let refusal: StatusError | undefined;
  for (const mode of order) {
    if (!mode.applies(wanted, about.user)) continue;
    const refused = await refusalOf(mode, wanted, about, server);
    if (refused === undefined) {
      if (known.size >= REMEMBERED_MAX) known.clear();
      known.set(about.user.user, mode);
      const constraint = mode === WIDE ? undefined : `impersonate:${mode.name}`;
      return { identity: identityOf(mode, wanted), constraint };
    }
    refusal ??= refused;
  }
  throw refusal ?? forbidden(about, '');
}

async function refusalOf(
  mode: Mode,
  wanted: Wanted,
  about: AccessRequest,
  server: Server,
): Promise<StatusError | undefined> {
  const refusedOf = async (request: AccessRequest): Promise<StatusError | undefined> => {
    const asked = mode.asked?.(request) ?? request;
    const { allowed, reason } = await ask(asked, server);
    return allowed ? undefined : forbidden(asked, reason);
  };
  if (mode !== WIDE) {
    const refused = await refusedOf({ ...about, verb: `impersonate-on:${mode.name}:${about.verb}` });
    if (refused !== undefined) return refused;
  }
  for (const part of partsOf(mode, wanted, about.user)) {
    if (part.objection !== undefined) return forbidden(part.requests[0] as AccessRequest, part.objection);
    if (part.all !== undefined && (await refusedOf(part.all)) === undefined) continue;
    for (const request of part.requests) {
      const refused = await refusedOf(request);
      if (refused !== undefined) return refused;
    }
  }
  return undefined;
}

interface Part {
  readonly requests: readonly AccessRequest[];
  /** A question whose yes serves for all the others. */
  readonly all?: AccessRequest | undefined;
  /** What is refused unasked. */
  readonly objection?: string | undefined;
}

/** What must be allowed of whom is impersonated. With the wide right, users and groups are of the group without a name. */
function partsOf(mode: Mode, wanted: Wanted, user: Identity): Part[] {
  const narrow = mode !== WIDE;
  const verb = narrow ? `impersonate:${mode.name}` : 'impersonate';
  const common = { user, verb, version: 'v1', subresource: '', namespace: '', name: '' };
  const authentication = { ...common, group: 'authentication.k8s.io' };
  const core = narrow ? authentication : { ...common, group: '' };
  const parts: Part[] = [{ requests: [{ ...core, ...whom(wanted.user, narrow) }] }];
  if (wanted.uid !== '') parts.push({ requests: [{ ...authentication, resource: 'uids', name: wanted.uid }] });
  if (wanted.groups.length > 0) {
    const groups = { ...core, resource: 'groups' };
    const objection = narrow ? objectionToGroups(wanted.groups) : undefined;
    if (objection !== undefined) {
      parts.push({ requests: [{ ...groups, name: objection.name }], objection: objection.text });
    } else {
      parts.push({
        requests: wanted.groups.map((name) => ({ ...groups, name })),
        all: narrow && wanted.groups.length >= MANY ? { ...groups, name: '*' } : undefined,
      });
    }
  }
  const extra = Object.entries(wanted.extra);
  if (extra.length > 0) {
    const extras = { ...authentication, resource: 'userextras' };
    const objection = narrow ? objectionToExtra(wanted.extra) : undefined;
    const requests = extra.flatMap(([subresource, values]) => values.map((name) => ({ ...extras, subresource, name })));
    const isMany = narrow && (extra.length >= MANY || requests.length >= MANY);
    parts.push(
      objection === undefined
        ? { requests, all: isMany ? { ...extras, subresource: '*', name: '*' } : undefined }
        : { requests: [extras], objection },
    );
  }
  return parts;
}

/** The user as an object that somebody may have a right to. */
function whom(user: string, narrow: boolean): { resource: string; namespace?: string; name: string } {
  const account = accountOf(user);
  if (account !== undefined) return { resource: 'serviceaccounts', ...account };
  const node = narrow ? nodeNameOf(user) : undefined;
  return node === undefined ? { resource: 'users', name: user } : { resource: 'nodes', name: node };
}

function objectionToGroups(groups: readonly string[]): { name: string; text: string } | undefined {
  if (groups.includes('')) return { name: '', text: 'impersonating the empty string group is not allowed' };
  if (!groups.includes('system:masters')) return undefined;
  return { name: 'system:masters', text: 'impersonating the system:masters group is not allowed' };
}

/** Keys are domain-prefixed paths in lower case, and have values. */
function objectionToExtra(extra: Wanted['extra']): string | undefined {
  for (const [key, values] of Object.entries(extra)) {
    if (key === '') return 'impersonating the empty string key in extra is not allowed';
    const faults = domainPathErrors('extra.key', key).map(fieldErrorText);
    if (faults.length > 0) return `impersonating an invalid key in extra is not allowed: ${aggregateText(faults)}`;
    if (key !== key.toLowerCase()) {
      return `impersonating a non-lowercase key in extra is not allowed: ${JSON.stringify(key)}`;
    }
    if (values.length === 0) return 'impersonating empty values in extra is not allowed';
    if (values.includes('')) return 'impersonating the empty string value in extra is not allowed';
  }
  return undefined;
}

function identityOf(mode: Mode, { user, uid, groups, extra }: Wanted): Identity {
  return {
    user,
    uid: uid === '' ? undefined : uid,
    groups: groupsFor(mode, user, groups),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

/** Service accounts get their groups when none are named, nodes theirs by a narrow right; who is not anonymous is authenticated. */
function groupsFor(mode: Mode, user: string, groups: readonly string[]): string[] {
  const named = [...groups];
  const account = accountOf(user);
  if (groups.length === 0 && account !== undefined) {
    named.push('system:serviceaccounts', `system:serviceaccounts:${account.namespace}`);
  }
  if (mode !== WIDE && nodeNameOf(user) !== undefined) named.push('system:nodes');
  if (user === 'system:anonymous') {
    if (!named.includes('system:unauthenticated')) named.push('system:unauthenticated');
  } else if (!named.includes('system:authenticated') && !named.includes('system:unauthenticated')) {
    named.push('system:authenticated');
  }
  return named;
}

function onlyName({ uid, groups, extra }: Wanted): boolean {
  return uid === '' && groups.length === 0 && Object.keys(extra).length === 0;
}

function nodeNameOf(user: string): string | undefined {
  const name = user.startsWith('system:node:') ? user.slice('system:node:'.length) : '';
  return name !== '' && nameIsDnsSubdomain(name, false).length === 0 ? name : undefined;
}

function accountOf(user: string): { readonly namespace: string; readonly name: string } | undefined {
  if (!user.startsWith('system:serviceaccount:')) return undefined;
  const [, , namespace = '', name = '', ...more] = user.split(':');
  if (more.length > 0 || nameIsDnsLabel(namespace, false).length > 0) return undefined;
  return nameIsDnsSubdomain(name, false).length === 0 ? { namespace, name } : undefined;
}

function forbidden(request: AccessRequest, reason: string): StatusError {
  const text = refusalText(request) + (reason === '' ? '' : `: ${reason}`);
  if ('path' in request) return StatusError.forbidden({ group: '', name: '' }, '', text);
  return StatusError.forbidden({ group: request.group, name: request.resource }, request.name, text);
}
