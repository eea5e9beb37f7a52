/** Whether the user may. Everybody may: there are no authorizers yet, and what asks for a decision asks here. */
import { StatusError } from '../../../src/api/index.ts';
import type { Call, Identity } from '../call.ts';
import { forbiddenOf } from '../failures.ts';
import type { Server } from '../server.ts';

/** What somebody wants to do, to a resource or to a path. */
export type AccessRequest =
  | {
      readonly user: Identity;
      readonly verb: string;
      readonly group: string;
      readonly version: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly user: Identity; readonly verb: string; readonly path: string };

export interface Decision {
  readonly allowed: boolean;
  /** Why, for people; often empty. */
  readonly reason: string;
}

const ALLOWED: Decision = { allowed: true, reason: '' };

export function decide(_request: AccessRequest, _server: Server): Decision {
  return ALLOWED;
}

export function authorize(call: Call, server: Server): void {
  const { kind, subresource, user, verb } = call;
  const { allowed, reason } = decide(
    {
      user,
      verb,
      group: kind.group,
      version: kind.version,
      resource: kind.plural,
      subresource: subresource?.name ?? '',
      namespace: call.namespace ?? '',
      name: call.name ?? '',
    },
    server,
  );
  if (allowed) return;
  if (user.user === '') throw StatusError.unauthorized();
  throw forbiddenOf(kind, call.name ?? '', reason);
}
