/**
 * How requests fare at authentication and authorization, by upstream's names. Part of the server's metrics (metrics.ts).
 * @see staging/src/k8s.io/apiserver/pkg/endpoints/filters/metrics.go
 */
import type { Counter, Histogram, Metrics } from '../../src/runtime/index.ts';

export type AuthenticationResult = 'success' | 'failure' | 'error';
export type AuthorizationResult = 'allowed' | 'denied' | 'no-opinion' | 'error';

export interface AccessMetrics {
  /** A request's user is known, after `seconds`. */
  authenticated(user: string, seconds: number): void;
  /** `failure`: nothing was shown; `error`: what was shown does not do. */
  unauthenticated(result: 'failure' | 'error', seconds: number): void;
  authorized(result: AuthorizationResult, seconds: number): void;
}

/** From a millisecond on, each twice the one before. */
const BUCKETS = Array.from({ length: 15 }, (_, power) => 0.001 * 2 ** power);
/** The only users that are told by name. */
const KNOWN_USERS = new Set(['admin', 'client', 'kube_proxy', 'kubelet', 'system:serviceaccount:kube-system:default']);

interface Attempts {
  readonly total: Counter;
  readonly duration: Histogram;
}

export function createAccessMetrics(metrics: Metrics): AccessMetrics {
  const users = new Map<string, Counter>();
  const countUser = (username: string) => {
    let cell = users.get(username);
    if (cell === undefined) {
      const help = 'Counter of authenticated requests broken out by username.';
      cell = metrics.counter('authenticated_user_requests', help, { username });
      users.set(username, cell);
    }
    cell.add(1);
  };
  const authentication = remember<AuthenticationResult>((result) => ({
    total: metrics.counter('authentication_attempts', 'Counter of authenticated attempts.', { result }),
    duration: metrics.histogram(
      'authentication_duration_seconds',
      'Authentication duration in seconds broken out by result.',
      BUCKETS,
      { result },
    ),
  }));
  const authorization = remember<AuthorizationResult>((result) => ({
    total: metrics.counter(
      'authorization_attempts_total',
      "Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', 'no-opinion' or 'error'.",
      { result },
    ),
    duration: metrics.histogram(
      'authorization_duration_seconds',
      'Authorization duration in seconds broken out by result.',
      BUCKETS,
      { result },
    ),
  }));
  return {
    authenticated(user, seconds) {
      countUser(KNOWN_USERS.has(user) ? user : user.includes('@') ? 'email_id' : 'other');
      authentication('success', seconds);
    },
    unauthenticated: authentication,
    authorized: authorization,
  };
}

function remember<Result extends string>(
  make: (result: Result) => Attempts,
): (result: Result, seconds: number) => void {
  const known = new Map<Result, Attempts>();
  return (result, seconds) => {
    let attempts = known.get(result);
    if (attempts === undefined) {
      attempts = make(result);
      known.set(result, attempts);
    }
    attempts.total.add(1);
    attempts.duration.observe(seconds);
  };
}
