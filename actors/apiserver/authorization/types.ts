/** What authorizers are asked, and what they answer. */
import type { Identity } from '../call.ts';
import type { Rule } from './rules.ts';

/** A resource and what is to be done with it; empty members are none. */
export interface ResourceReference {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/** What somebody wants to do, to a resource or to a path. */
export type AccessRequest =
  | (ResourceReference & {
      readonly user: Identity;
      /** Of a list, a watch or a deletion of many. */
      readonly fieldSelector?: string | undefined;
      readonly labelSelector?: string | undefined;
    })
  | { readonly user: Identity; readonly verb: string; readonly path: string };

export interface Decision {
  readonly allowed: boolean;
  /** Why, for people; often empty. */
  readonly reason: string;
  /** Later modes are not asked any more. */
  readonly denied?: true;
}

/** One of the modes. What it does not allow is left to the next one. */
export interface Authorizer {
  decide(request: AccessRequest): Decision | Promise<Decision>;
}

/** What a user may do in a namespace, for people. */
export interface UserRules {
  readonly rules: readonly Rule[];
  /** Why there may be more than these. */
  readonly errors: readonly string[];
}
