/**
 * The API server's own metrics, by upstream's names. Cells are looked up once per label set, so that counting a request is two
 * array stores.
 */
import type { Clock, Counter, Gauge, Histogram, Metrics } from '../../src/runtime/index.ts';
import { type AccessMetrics, createAccessMetrics } from './access-metrics.ts';
import { type AdmissionMetrics, createAdmissionMetrics } from './admission/admission-metrics.ts';
import type { Call } from './call.ts';

const DURATION_BUCKETS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];

interface RequestCells {
  readonly total: Counter;
  readonly duration: Histogram;
}

export interface ServerMetrics {
  readonly access: AccessMetrics;
  readonly admission: AdmissionMetrics;
  readonly watchers: Gauge;
  /** Counts a finished request. `seconds` is its duration. */
  request(call: Call, code: number, seconds: number): void;
}

export function createServerMetrics(metrics: Metrics, clock: Clock): ServerMetrics {
  const cells = new Map<string, RequestCells>();
  // Both are there from the start, whether anything is recorded or not.
  metrics.counter('apiserver_audit_event_total', 'Counter of audit events generated and sent to the audit backend.');
  metrics.counter(
    'apiserver_audit_requests_rejected_total',
    'Counter of apiserver requests rejected due to an error in audit logging backend.',
  );
  return {
    access: createAccessMetrics(metrics),
    admission: createAdmissionMetrics(metrics, clock),
    watchers: metrics.gauge('apiserver_longrunning_requests', 'Gauge of all active long-running apiserver requests.'),
    request(call, code, seconds) {
      const { kind, subresource, verb, namespace, name } = call;
      const scope = name !== undefined ? 'resource' : namespace !== undefined ? 'namespace' : 'cluster';
      const key = `${verb}|${kind.group}|${kind.version}|${kind.plural}|${subresource?.name ?? ''}|${scope}|${code}`;
      let found = cells.get(key);
      if (found === undefined) {
        const labels = {
          verb: verb.toUpperCase(),
          group: kind.group,
          version: kind.version,
          resource: kind.plural,
          subresource: subresource?.name ?? '',
          scope,
        };
        found = {
          total: metrics.counter(
            'apiserver_request_total',
            'Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.',
            { ...labels, component: 'apiserver', dry_run: '', code: String(code) },
          ),
          duration: metrics.histogram(
            'apiserver_request_duration_seconds',
            'Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.',
            DURATION_BUCKETS,
            { ...labels, component: 'apiserver', dry_run: '' },
          ),
        };
        cells.set(key, found);
      }
      found.total.add(1);
      found.duration.observe(seconds);
    },
  };
}
