/**
 * Whether the user may. What asks for a decision about somebody else (reviews, impersonation) asks the same authorizers.
 * @see staging/src/k8s.io/apiserver/pkg/endpoints/filters/authorization.go
 */
import { StatusError } from '../../../src/api/index.ts';
import { noteDecision } from '../audit/event.ts';
import { askedInstead } from '../authorization/components.ts';
import { checkGrant, grantsRights } from '../authorization/escalation.ts';
import type { AccessRequest, Decision } from '../authorization/index.ts';
import type { Call, Identity } from '../call.ts';
import { forbiddenOf } from '../failures.ts';
import type { Server } from '../server.ts';

export type { AccessRequest, Decision } from '../authorization/index.ts';

/** A promise only where a webhook has to be asked. */
export function ask(request: AccessRequest, server: Server): Decision | Promise<Decision> {
  return server.authorization.ask(request);
}

/** The question whether the request itself may go on: its answers are counted and timed. */
function askAtDoor(request: AccessRequest, server: Server): Decision | Promise<Decision> {
  const { clock } = server.context;
  const startedMs = clock.monotonic();
  const told = (decision: Decision): Decision => {
    const result = decision.allowed ? 'allowed' : decision.denied === true ? 'denied' : 'no-opinion';
    server.metrics.access.authorized(result, (clock.monotonic() - startedMs) / 1000);
    return decision;
  };
  const decision = ask(request, server);
  return decision instanceof Promise ? decision.then(told) : told(decision);
}

export function authorize(call: Call, server: Server): void | Promise<void> {
  const { access } = server.metrics;
  if (call.user.groups.includes('system:masters')) {
    access.authorized('allowed', 0);
    if (call.audit !== undefined) noteDecision(call.audit, true, '');
    return;
  }
  const request = requestOf(call, call.user, call.verb);
  const decision = askAtDoor(request, server);
  if (decision instanceof Promise) return decision.then((known) => conclude(call, request, known, server));
  return conclude(call, request, decision, server);
}

function conclude(
  call: Call,
  request: Extract<AccessRequest, { resource: string }>,
  decision: Decision,
  server: Server,
): void {
  const instead = decision.allowed ? undefined : askedInstead(call, request);
  const final = instead === undefined ? decision : server.authorization.decide(instead);
  if (call.audit !== undefined) noteDecision(call.audit, final.allowed, final.reason);
  if (final.allowed) return;
  if (call.user.user === '') throw StatusError.unauthorized();
  const refusal = refusalOf(call, request, decision.reason);
  if (call.door === 'bus') server.context.log.warn('a component was refused', { message: refusal.message });
  throw refusal;
}

const SELECTING: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection']);

/** The question whether `user` may do what the call asks for. */
export function requestOf(call: Call, user: Identity, verb: string): Extract<AccessRequest, { resource: string }> {
  const { kind, subresource, query } = call;
  const selects = SELECTING.has(call.verb);
  const fieldSelector = selects ? query['fieldSelector'] : undefined;
  const named = call.verb === 'deletecollection' ? undefined : fieldSelector;
  return {
    user,
    verb,
    group: kind.group,
    version: kind.version,
    resource: kind.plural,
    subresource: subresource?.name ?? '',
    namespace: kind.plural === 'namespaces' && kind.group === '' ? (call.name ?? '') : (call.namespace ?? ''),
    name: call.name ?? (named === undefined ? '' : nameIn(named)),
    fieldSelector,
    labelSelector: selects ? query['labelSelector'] : undefined,
  };
}

/** A list or watch of one object by its name is about that object, unless no path could name it. */
function nameIn(fieldSelector: string): string {
  const name = /(?:^|,)metadata\.name==?([^,=!]+)/.exec(fieldSelector)?.[1] ?? '';
  return name === '.' || name === '..' || /[/%]/.test(name) ? '' : name;
}

/** 403 with upstream's words: `User "jane" cannot list resource "pods" in API group "" in the namespace "x"`. */
export function refusalOf(
  call: Call,
  request: Extract<AccessRequest, { resource: string }>,
  reason: string,
): StatusError {
  return forbiddenOf(call.kind, request.name, refusalText(request) + (reason === '' ? '' : `: ${reason}`));
}

export function refusalText(request: AccessRequest): string {
  const who = `User ${JSON.stringify(request.user.user)} cannot ${request.verb}`;
  if ('path' in request) return `${who} path ${JSON.stringify(request.path)}`;
  const { resource, subresource, group, namespace } = request;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return `${who} resource "${what}" in API group "${group}" ${where}`;
}

/** Requests of paths that are not resources. @throws StatusError 403 */
export async function authorizePath(user: Identity, method: string, path: string, server: Server): Promise<Decision> {
  const request: AccessRequest = { user, verb: method.toLowerCase(), path };
  const decision = await askAtDoor(request, server);
  if (decision.allowed) return decision;
  const { reason } = decision;
  throw StatusError.forbidden({ group: '', name: '' }, '', refusalText(request) + (reason === '' ? '' : `: ${reason}`));
}

/** After decoding: rights that the write would give away. An update that would create needs the right to create. */
export function authorizeContent(call: Call, server: Server): void | Promise<void> {
  const { object, previous } = call;
  if (object === undefined) return;
  const creates = call.verb !== 'create' && previous === undefined && call.subresource === undefined;
  if (creates || grantsRights(call.kind)) return checkContent(call, server, creates);
}

async function checkContent(call: Call, server: Server, creates: boolean): Promise<void> {
  const { object, previous, user } = call;
  if (creates) {
    const request = requestOf(call, user, 'create');
    const { allowed, reason } = await ask(request, server);
    if (!allowed) throw refusalOf(call, request, reason);
  }
  if (!grantsRights(call.kind) || object === undefined) return;
  await checkGrant({ kind: call.kind, user, namespace: call.namespace, object, previous: previous?.object }, server);
}
