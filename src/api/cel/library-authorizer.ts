/**
 * Asking whether somebody may do something. The questions are put together here; the API server answers them.
 * @see k8s.io/apiserver/pkg/cel/library/authz.go
 */
import { type Row, row } from './functions.ts';
import { Opaque } from './values.ts';

/** What a check asks, of a resource or of a path. */
export interface AuthorizationQuestion {
  readonly verb: string;
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  /** Asked for another user: a service account. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
}

export interface AuthorizationAnswer {
  readonly allowed: boolean;
  readonly reason: string;
  readonly error?: string;
}

export type AuthorizationCheck = (question: AuthorizationQuestion) => AuthorizationAnswer;

class Asking extends Opaque {
  override readonly typeName: string;
  readonly ask: AuthorizationCheck;
  readonly question: Partial<AuthorizationQuestion>;

  constructor(typeName: string, ask: AuthorizationCheck, question: Partial<AuthorizationQuestion>) {
    super();
    this.typeName = `kubernetes.authorization.${typeName}`;
    this.ask = ask;
    this.question = question;
  }

  with(typeName: string, more: Partial<AuthorizationQuestion>): Asking {
    return new Asking(typeName, this.ask, { ...this.question, ...more });
  }

  check(verb: string): DecisionValue {
    return new DecisionValue(this.ask({ ...this.question, verb }));
  }

  override equals(other: unknown): boolean {
    return other === this;
  }
}

class DecisionValue extends Opaque {
  override readonly typeName = 'kubernetes.authorization.Decision';
  readonly answer: AuthorizationAnswer;

  constructor(answer: AuthorizationAnswer) {
    super();
    this.answer = answer;
  }

  override equals(other: unknown): boolean {
    return other === this;
  }
}

/** The variable `authorizer`. */
export function authorizerValue(ask: AuthorizationCheck): unknown {
  return new Asking('Authorizer', ask, {});
}

/** The variable `authorizer.requestResource`: about what the request is for. */
export function requestResourceValue(ask: AuthorizationCheck, question: Omit<AuthorizationQuestion, 'verb'>): unknown {
  return new Asking('ResourceCheck', ask, question);
}

export const authorizerLibrary: readonly Row[] = [
  row('Authorizer->path(string): PathCheck', (asking: Asking, path: string) => asking.with('PathCheck', { path })),
  row('PathCheck->check(string): Decision', (asking: Asking, verb: string) => asking.check(verb)),
  row('Authorizer->group(string): GroupCheck', (asking: Asking, group: string) => asking.with('GroupCheck', { group })),
  row('Authorizer->serviceAccount(string, string): Authorizer', (asking: Asking, namespace: string, name: string) =>
    asking.with('Authorizer', { serviceAccount: { namespace, name } }),
  ),
  row('GroupCheck->resource(string): ResourceCheck', (asking: Asking, resource: string) =>
    asking.with('ResourceCheck', { resource }),
  ),
  row('ResourceCheck->subresource(string): ResourceCheck', (asking: Asking, subresource: string) =>
    asking.with('ResourceCheck', { subresource }),
  ),
  row('ResourceCheck->namespace(string): ResourceCheck', (asking: Asking, namespace: string) =>
    asking.with('ResourceCheck', { namespace }),
  ),
  row('ResourceCheck->name(string): ResourceCheck', (asking: Asking, name: string) =>
    asking.with('ResourceCheck', { name }),
  ),
  row('ResourceCheck->fieldSelector(string): ResourceCheck', (asking: Asking, fieldSelector: string) =>
    asking.with('ResourceCheck', { fieldSelector }),
  ),
  row('ResourceCheck->labelSelector(string): ResourceCheck', (asking: Asking, labelSelector: string) =>
    asking.with('ResourceCheck', { labelSelector }),
  ),
  row('ResourceCheck->check(string): Decision', (asking: Asking, verb: string) => asking.check(verb)),
  row('Decision->allowed(): bool', ({ answer }: DecisionValue) => answer.allowed),
  row('Decision->reason(): string', ({ answer }: DecisionValue) => answer.reason),
  row('Decision->errored(): bool', ({ answer }: DecisionValue) => answer.error !== undefined),
  row('Decision->error(): string', ({ answer }: DecisionValue) => answer.error ?? ''),
];
