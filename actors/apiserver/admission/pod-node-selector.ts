/**
 * PodNodeSelector: pods go to the nodes that their namespace, or the cluster's default, selects.
 * @see plugin/pkg/admission/podnodeselector/admission.go
 */
import { StatusError } from '../../../src/api/index.ts';
import { plainError } from '../failures.ts';
import type { Server } from '../server.ts';
import { AdmissionConfigurationError, type AdmissionPlugin, type Attributes, refusal } from './plugin.ts';

const ANNOTATION = 'scheduler.alpha.kubernetes.io/node-selector';
const CLUSTER_DEFAULT = 'clusterDefaultNodeSelector';

type Labels = Readonly<Record<string, string>>;

export const podNodeSelector: AdmissionPlugin = {
  name: 'PodNodeSelector',
  isOffByDefault: true,
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/pods' && operation === 'CREATE' && subresource === '',
  configure(given): AdmissionPlugin {
    const selectors = configurationOf(given);
    return {
      ...podNodeSelector,
      mutate(attributes, server) {
        const spec = attributes.object?.['spec'] as { nodeSelector?: Labels } | undefined;
        if (spec === undefined) return;
        const wanted = namespaceSelector(attributes, server, selectors);
        refuseConflict(attributes, wanted, spec.nodeSelector);
        const merged = { ...wanted, ...spec.nodeSelector };
        if (Object.keys(merged).length > 0) spec.nodeSelector = merged;
        checkWhitelist(attributes, selectors);
      },
      validate(attributes, server) {
        const spec = attributes.object?.['spec'] as { nodeSelector?: Labels } | undefined;
        refuseConflict(attributes, namespaceSelector(attributes, server, selectors), spec?.nodeSelector);
        checkWhitelist(attributes, selectors);
      },
    };
  },
};

function namespaceSelector({ namespace = '' }: Attributes, server: Server, selectors: Labels): Labels {
  const cache = server.caches.cacheOf('/registry/namespaces', false);
  const entry = cache.get(cache.keyOf(undefined, namespace));
  if (entry === undefined) throw StatusError.notFound({ group: '', name: 'namespaces' }, namespace);
  const annotations = entry.object.metadata.annotations as Labels | undefined;
  return labelsOf(annotations?.[ANNOTATION] ?? selectors[CLUSTER_DEFAULT] ?? '');
}

function refuseConflict(attributes: Attributes, wanted: Labels, own: Labels | undefined): void {
  if (!Object.entries(wanted).some(([key, value]) => own?.[key] !== undefined && own[key] !== value)) return;
  throw refusal(attributes, 'pod node label selector conflicts with its namespace node label selector');
}

function checkWhitelist(attributes: Attributes, selectors: Labels): void {
  const allowed = labelsOf(selectors[attributes.namespace ?? ''] ?? '');
  if (Object.keys(allowed).length === 0) return;
  const own = (attributes.object?.['spec'] as { nodeSelector?: Labels } | undefined)?.nodeSelector ?? {};
  if (Object.entries(own).every(([key, value]) => allowed[key] === value)) return;
  throw refusal(attributes, 'pod node label selector labels conflict with its namespace whitelist');
}

/** `a=b,c=d` as labels. @see staging/src/k8s.io/apimachinery/pkg/labels/labels.go ConvertSelectorToLabelsMap */
function labelsOf(selector: string): Labels {
  if (selector === '') return {};
  const labels: Record<string, string> = {};
  for (const part of selector.split(',')) {
    const [key, value, ...more] = part.split('=');
    if (key === undefined || value === undefined || more.length > 0) throw plainError(`invalid selector: [${part}]`);
    labels[key.trim()] = value.trim();
  }
  return labels;
}

function configurationOf(given: unknown): Labels {
  if (given === undefined || given === null) return {};
  const selectors = (given as { podNodeSelectorPluginConfig?: unknown }).podNodeSelectorPluginConfig ?? {};
  if (typeof selectors !== 'object' || Object.values(selectors as object).some((text) => typeof text !== 'string')) {
    throw new AdmissionConfigurationError('PodNodeSelector: podNodeSelectorPluginConfig must map names to selectors');
  }
  return selectors as Labels;
}
