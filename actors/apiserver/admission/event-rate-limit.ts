/**
 * EventRateLimit: refuses events beyond a rate: of the server, of a namespace, of a user, or of a source and its object. It looks
 * at core events alone, as upstream's: what is written as `events.k8s.io` goes by.
 * @see plugin/pkg/admission/eventratelimit
 */
import { aggregateText, StatusError } from '../../../src/api/index.ts';
import type { Server } from '../server.ts';
import { AdmissionConfigurationError, type AdmissionPlugin, type Attributes } from './plugin.ts';

type LimitType = 'Server' | 'Namespace' | 'User' | 'SourceAndObject';

interface Limit {
  readonly type: LimitType;
  /** Events a second. */
  readonly qps: number;
  readonly burst: number;
  /** Keys whose rates are remembered; beyond it the one that was seen longest ago is forgotten. */
  readonly cacheSize: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

const TYPES: readonly string[] = ['Server', 'Namespace', 'User', 'SourceAndObject'];
const CACHE_SIZE = 4096;

export const eventRateLimit: AdmissionPlugin = {
  name: 'EventRateLimit',
  isOffByDefault: true,
  handles: (kind, operation, subresource) =>
    kind.kind === 'Event' &&
    kind.group === '' &&
    subresource === '' &&
    (operation === 'CREATE' || operation === 'UPDATE'),
  configure(given): AdmissionPlugin {
    const limits = limitsOf(given).map((limit) => ({ limit, buckets: new Map<string, Bucket>() }));
    return {
      ...eventRateLimit,
      validate(attributes, server) {
        if (attributes.call.dryRun) return;
        const refused = limits.filter(
          ({ limit, buckets }) => !take(limit, buckets, keyOf(limit.type, attributes), server),
        );
        if (refused.length === 0) return;
        const texts = refused.map(
          ({ limit }) => `limit reached on type ${limit.type} for key ${keyOf(limit.type, attributes)}`,
        );
        throw StatusError.other(429, 'TooManyRequests', `Too many requests: ${aggregateText(texts)}`);
      },
    };
  },
};

function take({ qps, burst, cacheSize }: Limit, buckets: Map<string, Bucket>, key: string, server: Server): boolean {
  const nowMs = server.context.clock.monotonic();
  const known = buckets.get(key);
  const bucket = known ?? { tokens: burst, atMs: nowMs };
  bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * qps);
  bucket.atMs = nowMs;
  // Put last, so that the first is the one unseen for longest.
  if (known !== undefined) buckets.delete(key);
  else if (buckets.size >= cacheSize) buckets.delete(buckets.keys().next().value as string);
  buckets.set(key, bucket);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

function keyOf(type: LimitType, { call, namespace = '', object }: Attributes): string {
  if (type === 'Server') return '';
  if (type === 'Namespace') return namespace;
  if (type === 'User') return call.user.user;
  const event = (object ?? {}) as unknown as Record<string, unknown>;
  const source = (event['source'] ?? {}) as Record<string, string>;
  const about = (event['involvedObject'] ?? {}) as Record<string, string>;
  return [
    source['component'],
    source['host'],
    about['kind'],
    about['namespace'],
    about['name'],
    about['uid'],
    about['apiVersion'],
  ].join('');
}

function limitsOf(given: unknown): Limit[] {
  const limits = (given as { limits?: unknown } | null | undefined)?.limits;
  if (!Array.isArray(limits) || limits.length === 0) {
    throw new AdmissionConfigurationError('EventRateLimit: limits: Required value');
  }
  return limits.map((limit: Partial<Limit>, index) => {
    const where = `EventRateLimit: limits[${index}]`;
    const { type = '', qps = 0, burst = 0, cacheSize = CACHE_SIZE } = limit;
    if (!TYPES.includes(type)) {
      throw new AdmissionConfigurationError(
        `${where}.type: Unsupported value: ${JSON.stringify(type)}: supported values: ${TYPES.map((one) => JSON.stringify(one)).join(', ')}`,
      );
    }
    if (!(qps > 0)) throw new AdmissionConfigurationError(`${where}.qps: Invalid value: ${qps}: must be positive`);
    if (!(burst > 0))
      throw new AdmissionConfigurationError(`${where}.burst: Invalid value: ${burst}: must be positive`);
    if (!(cacheSize >= 0))
      throw new AdmissionConfigurationError(`${where}.cacheSize: Invalid value: ${cacheSize}: must not be negative`);
    return { type: type as LimitType, qps, burst, cacheSize: cacheSize === 0 ? CACHE_SIZE : cacheSize };
  });
}
