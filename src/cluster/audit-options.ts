/**
 * What an operator says of the audit log: what is recorded, where to, and whether requests wait for it. The policy is read when
 * the cluster starts, and not again, as upstream. @see staging/src/k8s.io/apiserver/pkg/server/options/audit.go
 */
import {
  type ApiserverOptions,
  AUDIT_LEVELS,
  AUDIT_MODES,
  AUDIT_STAGES,
  type AuditBatching,
  type AuditMode,
} from '../../actors/apiserver/index.ts';
import { durationMs, readDocument, readEndpoint } from './config-files.ts';
import { ClusterOptionsError } from './options-error.ts';
import { refuseOddMembers, type Shape } from './strict-document.ts';

export interface AuditOptions {
  /** Policy of audit.k8s.io. */
  readonly auditPolicyFile?: string | object;
  /** `-`: standard output. */
  readonly auditLogPath?: string;
  /** Megabytes; default, also for 0: 100. */
  readonly auditLogMaxsize?: number;
  readonly auditLogMaxbackup?: number;
  /** Days. */
  readonly auditLogMaxage?: number;
  readonly auditLogCompress?: boolean;
  /** `json` (the default) or `legacy`. */
  readonly auditLogFormat?: string;
  /** `batch` (the default), `blocking` or `blocking-strict`. */
  readonly auditLogMode?: string;
  readonly auditLogBatchBufferSize?: number;
  readonly auditLogBatchMaxSize?: number;
  /** A duration such as `30s`. */
  readonly auditLogBatchMaxWait?: string;
  /** Default false. */
  readonly auditLogBatchThrottleEnable?: boolean;
  /** Batches a second. */
  readonly auditLogBatchThrottleQps?: number;
  readonly auditLogBatchThrottleBurst?: number;
  readonly auditLogTruncateEnabled?: boolean;
  /** Bytes. */
  readonly auditLogTruncateMaxEventSize?: number;
  readonly auditLogTruncateMaxBatchSize?: number;
  /** Kubeconfig of a service that takes audit events. */
  readonly auditWebhookConfigFile?: string;
  /** A duration. */
  readonly auditWebhookInitialBackoff?: string;
  /** `batch` (the default), `blocking` or `blocking-strict`. */
  readonly auditWebhookMode?: string;
  readonly auditWebhookBatchBufferSize?: number;
  readonly auditWebhookBatchMaxSize?: number;
  /** A duration. */
  readonly auditWebhookBatchMaxWait?: string;
  /** Default true. */
  readonly auditWebhookBatchThrottleEnable?: boolean;
  readonly auditWebhookBatchThrottleQps?: number;
  readonly auditWebhookBatchThrottleBurst?: number;
  readonly auditWebhookTruncateEnabled?: boolean;
  readonly auditWebhookTruncateMaxEventSize?: number;
  readonly auditWebhookTruncateMaxBatchSize?: number;
}

type Audit = NonNullable<ApiserverOptions['audit']>;

const policyShape: Shape = {
  apiVersion: 'string',
  kind: 'string',
  metadata: 'any',
  rules: [
    {
      level: 'string',
      users: ['string'],
      userGroups: ['string'],
      verbs: ['string'],
      resources: [{ group: 'string', resources: ['string'], resourceNames: ['string'] }],
      namespaces: ['string'],
      nonResourceURLs: ['string'],
      omitStages: ['string'],
      omitManagedFields: 'boolean',
    },
  ],
  omitStages: ['string'],
  omitManagedFields: 'boolean',
};

/** What the API server is told; undefined when nothing is to be recorded. @throws ClusterOptionsError */
export function auditOptions(options: AuditOptions): Audit | undefined {
  const { auditPolicyFile, auditLogPath, auditWebhookConfigFile } = options;
  if (auditLogPath === undefined && auditWebhookConfigFile === undefined) return undefined;
  if (auditPolicyFile === undefined) {
    throw new ClusterOptionsError(
      'audit-log-path and audit-webhook-config-file need audit-policy-file, which says what is recorded',
    );
  }
  return {
    policy: policyOf(auditPolicyFile),
    ...(auditLogPath === undefined ? {} : { log: logOf(options, auditLogPath) }),
    ...(auditWebhookConfigFile === undefined ? {} : { webhook: webhookOf(options, auditWebhookConfigFile) }),
  };
}

function policyOf(source: string | object): Audit['policy'] {
  const option = 'audit-policy-file';
  const policy = readDocument<Audit['policy']>(option, source, 'Policy', ['audit.k8s.io/v1']);
  const from = typeof source === 'string' ? `${option}: ${source}` : option;
  refuseOddMembers(from, policy, policyShape);
  if ((policy.rules ?? []).length === 0) throw new ClusterOptionsError(`${from}: loaded illegal policy with 0 rules`);
  const known = <Item extends string>(list: readonly Item[], text: string, where: string) => {
    if (list.includes(text as Item)) return;
    throw new ClusterOptionsError(`${from}: ${where}: ${JSON.stringify(text)} is none of ${list.join(', ')}`);
  };
  (policy.rules ?? []).forEach((rule, index) => {
    known(AUDIT_LEVELS, rule.level, `rules[${index}].level`);
    for (const stage of rule.omitStages ?? []) known(AUDIT_STAGES, stage, `rules[${index}].omitStages`);
  });
  for (const stage of policy.omitStages ?? []) known(AUDIT_STAGES, stage, 'omitStages');
  return { ...policy, rules: policy.rules ?? [] };
}

function logOf(options: AuditOptions, path: string): NonNullable<Audit['log']> {
  return {
    path,
    maxSizeMegabytes: options.auditLogMaxsize ?? 0,
    maxBackups: options.auditLogMaxbackup ?? 0,
    maxAgeDays: options.auditLogMaxage ?? 0,
    compress: options.auditLogCompress ?? false,
    format: formatOf(options.auditLogFormat),
    ...batching(options, 'Log', false),
    ...truncation(options, 'Log'),
  };
}

function webhookOf(options: AuditOptions, file: string): NonNullable<Audit['webhook']> {
  const backoff = options.auditWebhookInitialBackoff;
  return {
    endpoint: readEndpoint('audit-webhook-config-file', file),
    ...(backoff === undefined ? {} : { backoffMs: durationMs('audit-webhook-initial-backoff', backoff, 0) }),
    ...batching(options, 'Webhook', true),
    ...truncation(options, 'Webhook'),
  };
}

function formatOf(format = 'json'): 'json' | 'legacy' {
  if (format === 'json' || format === 'legacy') return format;
  throw new ClusterOptionsError(`invalid audit log format ${format}, allowed formats are "legacy,json"`);
}

function modeOf(plugin: string, text = 'batch'): AuditMode {
  const mode = AUDIT_MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  const allowed = JSON.stringify(AUDIT_MODES.join(','));
  throw new ClusterOptionsError(`invalid audit ${plugin} mode ${text}, allowed modes are ${allowed}`);
}

/** As upstream's defaults. */
const QPS = 10;
const BURST = 15;

/** The back end whose options are read, as they spell it. */
type Plugin = 'Log' | 'Webhook';

function batching(options: AuditOptions, of: Plugin, isThrottledUsually: boolean): AuditBatching {
  const plugin = of.toLowerCase();
  const mode = modeOf(plugin, options[`audit${of}Mode`]);
  if (mode !== 'batch') return { mode };
  const bufferSize = options[`audit${of}BatchBufferSize`];
  const maxSize = options[`audit${of}BatchMaxSize`];
  const maxWait = options[`audit${of}BatchMaxWait`];
  const isThrottled = options[`audit${of}BatchThrottleEnable`] ?? isThrottledUsually;
  const qps = options[`audit${of}BatchThrottleQps`] ?? QPS;
  const burst = options[`audit${of}BatchThrottleBurst`] ?? BURST;
  const positive = (what: string, value: number | undefined) => {
    if (value === undefined || value > 0) return;
    throw new ClusterOptionsError(`invalid audit batch ${plugin} ${what} ${value}, must be a positive number`);
  };
  positive('buffer size', bufferSize);
  positive('max batch size', maxSize);
  if (isThrottled) {
    positive('throttle QPS', qps);
    positive('throttle burst', burst);
  }
  return {
    ...(bufferSize === undefined ? {} : { bufferEventsMax: bufferSize }),
    ...(maxSize === undefined ? {} : { batchEventsMax: maxSize }),
    ...(maxWait === undefined ? {} : { batchWaitMs: durationMs(`audit-${plugin}-batch-max-wait`, maxWait, 0) }),
    ...(isThrottled ? { throttle: { perSecond: qps, burst } } : {}),
  };
}

/** The members of an audit back end by which large events are kept out, where that is on. */
function truncation(
  options: AuditOptions,
  of: Plugin,
): { truncation?: { eventBytesMax: number; batchBytesMax: number } } {
  if (options[`audit${of}TruncateEnabled`] !== true) return {};
  const eventBytesMax = options[`audit${of}TruncateMaxEventSize`] ?? 100 * 1024;
  const batchBytesMax = options[`audit${of}TruncateMaxBatchSize`] ?? 10 * 1024 * 1024;
  const where = `invalid audit truncate ${of.toLowerCase()} max`;
  if (eventBytesMax <= 0)
    throw new ClusterOptionsError(`${where} event size ${eventBytesMax}, must be a positive number`);
  if (batchBytesMax < eventBytesMax) {
    const text = `${where} batch size ${batchBytesMax}, must be greater than max event size (${eventBytesMax})`;
    throw new ClusterOptionsError(text);
  }
  return { truncation: { eventBytesMax, batchBytesMax } };
}
