/**
 * What admission measures, by upstream's names: its two steps, each plugin, webhooks, match conditions and policies. Cells of the
 * chain are looked up once a route, so that measuring a run costs little but looks at the clock.
 * @see staging/src/k8s.io/apiserver/pkg/admission/metrics/metrics.go, plugin/policy/validating/metrics/metrics.go
 */
import type { Clock, Histogram, Metrics, Summary } from '../../../src/runtime/index.ts';
import type { Operation } from './plugin.ts';

/** `admit` is the mutating half. */
export type StepType = 'admit' | 'validate';
type WebhookType = 'admit' | 'validating';

/** A histogram each for what let the request pass and what did not. */
export interface Durations {
  /** `seconds` is how long it took. */
  passed(seconds: number): void;
  rejected(seconds: number): void;
}

/** One call of a webhook; exactly one of its members is told. `code` is that of the answer. */
export interface WebhookCallMetrics {
  passed(): void;
  /** The webhook said no. */
  refused(code: number): void;
  /** The call failed; the request is let through all the same when that `isIgnored`. */
  failed(code: number, isIgnored: boolean): void;
  /** The call was not made, or the answer could not be used. */
  broke(): void;
}

export interface PolicyCheck {
  readonly policy: string;
  readonly binding: string;
  /** Begins as the error of the check does; undefined where the expressions gave an answer that lets the request pass. */
  readonly message: string | undefined;
  readonly seconds: number;
}

export interface AdmissionMetrics {
  step(type: StepType, operation: Operation): Durations;
  controller(name: string, type: StepType, operation: Operation): Durations;
  /** A call begins. */
  webhook(name: string, type: WebhookType, operation: Operation): WebhookCallMetrics;
  /** Match conditions of a webhook or policy were evaluated since `startedMs`; `errors` of them failed. */
  conditions(of: ConditionsOwner, operation: Operation, startedMs: number, errors: number): void;
  /** A webhook is not called, by its match conditions. */
  excluded(name: string, type: StepType, operation: Operation): void;
  validated(check: PolicyCheck, action: 'allow' | 'deny' | 'audit' | 'warn'): void;
  mutated(check: PolicyCheck): void;
}

/** Policies are all of the type `validate`, the mutating ones too, as upstream. */
export type ConditionsOwner =
  | { readonly kind: 'webhook'; readonly name: string; readonly type: WebhookType }
  | { readonly kind: 'policy'; readonly name: string; readonly type: 'validate' };

const BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 2.5];
const WEBHOOK_BUCKETS = [...BUCKETS, 10, 25];
const EXPRESSION_BUCKETS = [0.0000005, 0.001, 0.01, 0.1, 1];
const QUANTILES = [0.5, 0.9, 0.99];
/** Summaries look back upon five of these. */
const PERIOD_MS = 3_600_000;
/** Keeps the series few, whatever webhooks answer. */
const CODE_MAX = 600;

const BROKEN_DOWN = 'broken out for each operation and API resource and';

export function createAdmissionMetrics(metrics: Metrics, clock: Clock): AdmissionMetrics {
  const summaries = new Set<Summary>();
  let periodEndsMs = clock.monotonic() + PERIOD_MS;
  metrics.beforeRead(() => {
    for (; clock.monotonic() >= periodEndsMs; periodEndsMs += PERIOD_MS)
      for (const summary of summaries) summary.endPeriod();
  });
  const secondsSince = (startedMs: number) => (clock.monotonic() - startedMs) / 1000;

  /** The cells of one series appear when it is first observed. */
  function durations(make: (rejected: 'true' | 'false') => Histogram): Durations {
    let passed: Histogram | undefined;
    let rejected: Histogram | undefined;
    return {
      passed(seconds) {
        passed ??= make('false');
        passed.observe(seconds);
      },
      rejected(seconds) {
        rejected ??= make('true');
        rejected.observe(seconds);
      },
    };
  }

  function stepCell(type: StepType, operation: Operation, rejected: 'true' | 'false'): Histogram {
    const name = 'apiserver_admission_step_admission_duration_seconds';
    const labels = { operation, rejected, type };
    const help = (what: string) =>
      `Admission sub-step latency ${what} in seconds, ${BROKEN_DOWN} step type (validate or admit).`;
    const histogram = metrics.histogram(name, help('histogram'), BUCKETS, labels);
    const summary = metrics.summary(`${name}_summary`, help('summary'), QUANTILES, labels);
    summaries.add(summary);
    return {
      observe(seconds) {
        histogram.observe(seconds);
        summary.observe(seconds);
      },
    };
  }

  return {
    step: (type, operation) => durations((rejected) => stepCell(type, operation, rejected)),
    controller: (name, type, operation) =>
      durations((rejected) =>
        metrics.histogram(
          'apiserver_admission_controller_admission_duration_seconds',
          `Admission controller latency histogram in seconds, identified by name and ${BROKEN_DOWN} type (validate or admit).`,
          BUCKETS,
          { name, operation, rejected, type },
        ),
      ),
    webhook(name, type, operation) {
      const startedMs = clock.monotonic();
      const observe = (code: number, isRejected: boolean) => {
        const rejected = String(isRejected);
        metrics
          .counter(
            'apiserver_admission_webhook_request_total',
            'Admission webhook request total, identified by name and broken out for each admission type (validating or mutating) and operation. Additional labels specify whether the request was rejected or not and an HTTP status code. Codes greater than 600 are truncated to 600, to keep the metrics cardinality bounded.',
            { code: String(Math.min(code, CODE_MAX)), name, operation, rejected, type },
          )
          .add();
        metrics
          .histogram(
            'apiserver_admission_webhook_admission_duration_seconds',
            `Admission webhook latency histogram in seconds, identified by name and ${BROKEN_DOWN} type (validate or admit).`,
            WEBHOOK_BUCKETS,
            { name, operation, rejected, type },
          )
          .observe(secondsSince(startedMs));
      };
      const reject = (code: number, errorType: string) => {
        metrics
          .counter(
            'apiserver_admission_webhook_rejection_count',
            'Admission webhook rejection count, identified by name and broken out for each admission type (validating or admit) and operation. Additional labels specify an error type (calling_webhook_error or apiserver_internal_error if an error occurred; no_error otherwise) and optionally a non-zero rejection code if the webhook rejects the request with an HTTP status code (honored by the apiserver when the code is greater or equal to 400). Codes greater than 600 are truncated to 600, to keep the metrics cardinality bounded.',
            { error_type: errorType, name, operation, rejection_code: String(Math.min(code, CODE_MAX)), type },
          )
          .add();
        observe(code, true);
      };
      return {
        passed: () => observe(200, false),
        refused: (code) => reject(code, 'no_error'),
        broke: () => reject(0, 'apiserver_internal_error'),
        failed(code, isIgnored) {
          if (!isIgnored) {
            reject(code, 'calling_webhook_error');
            return;
          }
          observe(code, false);
          metrics
            .counter(
              'apiserver_admission_webhook_fail_open_count',
              'Admission webhook fail open count, identified by name and broken out for each admission type (validating or mutating).',
              { name, type },
            )
            .add();
        },
      };
    },
    conditions({ kind, name, type }, operation, startedMs, errors) {
      const labels = { kind, name, operation, type };
      metrics
        .histogram(
          'apiserver_admission_match_condition_evaluation_seconds',
          'Admission match condition evaluation time in seconds, identified by name and broken out for each kind containing matchConditions (webhook or policy), operation and type (validate or admit).',
          BUCKETS,
          labels,
        )
        .observe(secondsSince(startedMs));
      if (errors === 0) return;
      metrics
        .counter(
          'apiserver_admission_match_condition_evaluation_errors_total',
          'Admission match condition evaluation errors count, identified by name of resource containing the match condition and broken out for each kind containing matchConditions (webhook or policy), operation and admission type (validate or admit).',
          labels,
        )
        .add(errors);
    },
    excluded(name, type, operation) {
      metrics
        .counter(
          'apiserver_admission_match_condition_exclusions_total',
          'Admission match condition evaluation exclusions count, identified by name of resource containing the match condition and broken out for each kind containing matchConditions (webhook or policy), operation and admission type (validate or admit).',
          { kind: 'webhook', name, operation, type },
        )
        .add();
    },
    validated(check, action) {
      const labels = { enforcement_action: action, ...labelsOf(check) };
      const name = 'apiserver_validating_admission_policy_check';
      metrics
        .counter(
          `${name}_total`,
          'Validation admission policy check total, labeled by policy and further identified by binding and enforcement action taken.',
          labels,
        )
        .add();
      metrics
        .histogram(
          `${name}_duration_seconds`,
          'Validation admission latency for individual validation expressions in seconds, labeled by policy and further including binding and enforcement action taken.',
          EXPRESSION_BUCKETS,
          labels,
        )
        .observe(check.seconds);
    },
    mutated(check) {
      const labels = labelsOf(check);
      const name = 'apiserver_mutating_admission_policy_check';
      metrics
        .counter(
          `${name}_total`,
          'Mutation admission policy check total, labeled by policy and further identified by binding.',
          labels,
        )
        .add();
      metrics
        .histogram(
          `${name}_duration_seconds`,
          'Mutation admission latency for individual mutation expressions in seconds, labeled by policy and binding.',
          EXPRESSION_BUCKETS,
          labels,
        )
        .observe(check.seconds);
    },
  };
}

function labelsOf({ policy, binding, message }: PolicyCheck): Readonly<Record<string, string>> {
  return { error_type: errorTypeOf(message), policy, policy_binding: binding };
}

/** A plain denial counts as an invalid error, as upstream. */
function errorTypeOf(message: string | undefined): string {
  if (message === undefined) return 'no_error';
  if (message.startsWith('compilation')) return 'compile_error';
  return message.startsWith('validation failed due to running out of cost budget') ? 'out_of_budget' : 'invalid_error';
}
