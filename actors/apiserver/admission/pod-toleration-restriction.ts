/**
 * PodTolerationRestriction: pods get the default tolerations of their namespace, and may have only those that it lists.
 * @see plugin/pkg/admission/podtolerationrestriction/admission.go
 */
import { syntaxError } from '../../../src/api/index.ts';
import { plainError } from '../failures.ts';
import type { Server } from '../server.ts';
import { AdmissionConfigurationError, type AdmissionPlugin, type Attributes } from './plugin.ts';
import { covers, mergeTolerations, type Toleration } from './tolerations.ts';

const DEFAULTS = 'scheduler.alpha.kubernetes.io/defaultTolerations';
const WHITELIST = 'scheduler.alpha.kubernetes.io/tolerationsWhitelist';
const PRESSURE: Toleration = { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' };

interface Configuration {
  readonly default: readonly Toleration[];
  readonly whitelist: readonly Toleration[];
}

interface PodSpec {
  tolerations?: Toleration[];
  containers?: { resources?: { requests?: object; limits?: object } }[];
}

export const podTolerationRestriction: AdmissionPlugin = {
  name: 'PodTolerationRestriction',
  isOffByDefault: true,
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/pods' && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  configure(given): AdmissionPlugin {
    const configuration = configurationOf(given);
    return {
      ...podTolerationRestriction,
      mutate(attributes, server) {
        const spec = attributes.object?.['spec'] as PodSpec | undefined;
        if (spec === undefined) return;
        if (attributes.operation === 'CREATE') {
          const own = annotated(server, attributes, DEFAULTS);
          const defaults = own.length > 0 ? own : configuration.default;
          const merged = mergeTolerations(defaults, spec.tolerations ?? []);
          const wanted = isBestEffort(spec) ? merged : mergeTolerations(merged, [PRESSURE]);
          if (wanted.length > 0) spec.tolerations = wanted;
        }
        checkWhitelist(attributes, server, configuration);
      },
      validate: (attributes, server) => checkWhitelist(attributes, server, configuration),
    };
  },
};

function checkWhitelist(attributes: Attributes, server: Server, { whitelist }: Configuration): void {
  const tolerations = (attributes.object?.['spec'] as PodSpec | undefined)?.tolerations ?? [];
  if (tolerations.length === 0) return;
  const own = annotated(server, attributes, WHITELIST);
  const allowed = own.length > 0 ? own : whitelist;
  if (allowed.length === 0) return;
  if (tolerations.every((toleration) => allowed.some((one) => covers(one, toleration)))) return;
  throw plainError(
    'pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist',
  );
}

function annotated(server: Server, { namespace = '' }: Attributes, key: string): readonly Toleration[] {
  const cache = server.caches.cacheOf('/registry/namespaces', false);
  const metadata = cache.get(cache.keyOf(undefined, namespace))?.object.metadata;
  const text = (metadata?.annotations as Readonly<Record<string, string>> | undefined)?.[key];
  if (text === undefined || text === '') return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    throw plainError(syntaxError(text));
  }
}

function isBestEffort({ containers }: PodSpec): boolean {
  return (containers ?? []).every(
    ({ resources }) =>
      Object.keys(resources?.requests ?? {}).length === 0 && Object.keys(resources?.limits ?? {}).length === 0,
  );
}

function configurationOf(given: unknown): Configuration {
  const { default: defaults = [], whitelist = [] } = (given ?? {}) as Partial<Record<'default' | 'whitelist', unknown>>;
  if (!Array.isArray(defaults) || !Array.isArray(whitelist)) {
    throw new AdmissionConfigurationError(
      'PodTolerationRestriction: default and whitelist must be lists of tolerations',
    );
  }
  return { default: defaults, whitelist };
}
