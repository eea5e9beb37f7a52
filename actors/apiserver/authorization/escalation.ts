/**
 * Nobody gives away more than they have: roles may hold only what their writer may do, and bindings may name only roles
 * whose rules their writer has. `escalate` and `bind` lift this. @see pkg/registry/rbac/*\/policybased/storage.go
 */
import type { ApiObject, KindDefinition } from '../../../src/api/index.ts';
import type { Identity } from '../call.ts';
import { forbiddenOf, notFoundOf, plainError } from '../failures.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import { aggregate } from './rbac.ts';
import { notCovered, type Rule, textOf } from './rules.ts';

export interface Grant {
  readonly kind: KindDefinition;
  readonly user: Identity;
  readonly namespace: string | undefined;
  readonly object: ApiObject;
  readonly previous: ApiObject | undefined;
}

/** Whether writes of the kind can give rights away. */
export function grantsRights(kind: KindDefinition): boolean {
  return kind.group === 'rbac.authorization.k8s.io';
}

/** @throws StatusError 403 when the write gives away what the user does not have. */
export async function checkGrant(grant: Grant, server: Server): Promise<void> {
  if (grant.user.groups.includes('system:masters') || server.options.authorizationModes.includes('AlwaysAllow')) return;
  if (grant.kind.kind.endsWith('Binding')) await checkBinding(grant, server);
  else await checkRole(grant, server);
}

async function may(
  verb: string,
  { user, namespace, object }: Grant,
  resource: string,
  name: string,
  server: Server,
): Promise<boolean> {
  const place = namespace ?? object.metadata.namespace ?? '';
  const group = 'rbac.authorization.k8s.io';
  const request = { user, verb, group, version: 'v1', resource, subresource: '', namespace: place, name };
  return (await server.authorization.ask(request)).allowed;
}

async function checkRole(grant: Grant, server: Server): Promise<void> {
  const { kind, object, previous } = grant;
  const rules = (object['rules'] ?? []) as readonly Rule[];
  if (previous !== undefined && sameValue(rules, previous['rules'] ?? []) && sameAggregation(object, previous)) return;
  const name = object.metadata.name ?? '';
  if (await may('escalate', grant, kind.plural, name, server)) return;
  // What an aggregation rule will bring is not known yet: it takes every right.
  const wanted: Rule[] =
    object['aggregationRule'] === undefined || sameAggregation(object, previous)
      ? [...rules]
      : [...rules, { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, { verbs: ['*'], nonResourceURLs: ['*'] }];
  refuseMissing(grant, wanted, server);
}

function sameAggregation(object: ApiObject, previous: ApiObject | undefined): boolean {
  return previous !== undefined && sameValue(object['aggregationRule'], previous['aggregationRule']);
}

async function checkBinding(grant: Grant, server: Server): Promise<void> {
  const { object, previous, namespace } = grant;
  if (
    previous !== undefined &&
    sameValue(object['roleRef'], previous['roleRef']) &&
    sameValue(object['subjects'], previous['subjects'])
  ) {
    return;
  }
  const role = { kind: '', name: '', ...(object['roleRef'] as { kind?: string; name?: string } | null | undefined) };
  const isKnown = role.kind === 'Role' || role.kind === 'ClusterRole';
  if (isKnown && (await may('bind', grant, `${role.kind.toLowerCase()}s`, role.name, server))) return;
  if (!isKnown) throw plainError(`unsupported role reference kind: ${JSON.stringify(role.kind)}`);
  const rules = server.authorization.rbac.rulesOfRole(role.kind, namespace ?? '', role.name);
  if (rules === undefined) {
    const plural = `${role.kind.toLowerCase()}s`;
    const kind = server.registry.byResource('rbac.authorization.k8s.io', 'v1', plural);
    throw notFoundOf(kind ?? grant.kind, role.name);
  }
  refuseMissing(grant, rules, server);
}

function refuseMissing(grant: Grant, wanted: readonly Rule[], server: Server): void {
  const { kind, user, namespace, object } = grant;
  const owned = server.authorization.rulesOf(user, namespace ?? '');
  const missing = notCovered(owned.rules, wanted);
  if (missing.length === 0) return;
  const groups = user.groups.map((group) => JSON.stringify(group)).join(' ');
  const list = missing.map(textOf).sort().join('\n');
  const errors = owned.errors.length === 0 ? '' : `; resolution errors: ${aggregate(owned.errors)}`;
  throw forbiddenOf(
    kind,
    object.metadata.name ?? '',
    `user ${JSON.stringify(user.user)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${list}${errors}`,
  );
}
