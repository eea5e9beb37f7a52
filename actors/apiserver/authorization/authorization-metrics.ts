/**
 * What authorizers decide and how webhooks among them do, by upstream's names.
 * @see staging/src/k8s.io/apiserver/pkg/authorization/metrics/metrics.go, plugin/pkg/authorizer/webhook/metrics/metrics.go, pkg/authorization/cel/metrics.go
 */
import type { Counter, Metrics } from '../../../src/runtime/index.ts';
import type { Decision } from './types.ts';

export interface AuthorizationMetrics {
  /** Counts the decisions of one authorizer that end the question; what is left to the next one does not count. */
  decisionsOf(type: string, name: string): (decision: Decision) => void;
  webhook(name: string): WebhookMetrics;
}

export interface WebhookMetrics {
  /** A round-trip, or several where the first ones failed, ended. */
  evaluated(result: 'success' | 'timeout' | 'error', seconds: number): void;
  /** A round-trip failed, and the next authorizer decides. */
  failedOpen(result: 'timeout' | 'error'): void;
  conditionsEvaluated(seconds: number): void;
  conditionsFailed(): void;
  /** By its match conditions it is not asked. */
  excluded(): void;
}

const WEBHOOK_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const CONDITION_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25];
const PREFIX = 'apiserver_authorization_';

export function createAuthorizationMetrics(metrics: Metrics): AuthorizationMetrics {
  return {
    decisionsOf(type, name) {
      const cells = new Map<string, Counter>();
      const cellOf = (decision: 'allowed' | 'denied'): Counter => {
        let cell = cells.get(decision);
        if (cell === undefined) {
          cell = metrics.counter(
            `${PREFIX}decisions_total`,
            'Total number of terminal decisions made by an authorizer split by authorizer type, name, and decision.',
            { decision, name, type },
          );
          cells.set(decision, cell);
        }
        return cell;
      };
      let allowed: Counter | undefined;
      return (decision) => {
        if (decision.allowed) {
          allowed ??= cellOf('allowed');
          allowed.add(1);
        } else if (decision.denied === true) cellOf('denied').add(1);
      };
    },
    webhook(name) {
      const labels = { name, type: 'Webhook' };
      return {
        evaluated(result, seconds) {
          metrics
            .counter(`${PREFIX}webhook_evaluations_total`, 'Round-trips to authorization webhooks.', { name, result })
            .add();
          metrics
            .histogram(`${PREFIX}webhook_duration_seconds`, 'Request latency in seconds.', WEBHOOK_BUCKETS, {
              name,
              result,
            })
            .observe(seconds);
        },
        failedOpen(result) {
          metrics
            .counter(
              `${PREFIX}webhook_evaluations_fail_open_total`,
              'NoOpinion results due to webhook timeout or error.',
              { name, result },
            )
            .add();
        },
        conditionsEvaluated(seconds) {
          metrics
            .histogram(
              `${PREFIX}match_condition_evaluation_seconds`,
              'Authorization match condition evaluation time in seconds, split by authorizer type and name.',
              CONDITION_BUCKETS,
              labels,
            )
            .observe(seconds);
        },
        conditionsFailed() {
          metrics
            .counter(
              `${PREFIX}match_condition_evaluation_errors_total`,
              'Total number of errors when an authorization webhook encounters a match condition error split by authorizer type and name.',
              labels,
            )
            .add();
        },
        excluded() {
          metrics
            .counter(
              `${PREFIX}match_condition_exclusions_total`,
              'Total number of exclusions when an authorization webhook is skipped because match conditions exclude it.',
              labels,
            )
            .add();
        },
      };
    },
  };
}
