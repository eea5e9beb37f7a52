/**
 * PodTopologyLabels: a pod that is bound to a node gets the node's zone and region as labels.
 * @see plugin/pkg/admission/podtopologylabels/admission.go, KEP-4742
 */
import type { ApiObject } from '../../../src/api/index.ts';
import type { Server } from '../server.ts';
import type { AdmissionPlugin } from './plugin.ts';

const LABELS = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

export const podTopologyLabels: AdmissionPlugin = {
  name: 'PodTopologyLabels',
  handles: (kind, operation, subresource) =>
    operation === 'CREATE' &&
    ((kind.storagePrefix === '/registry/pods' && (subresource === '' || subresource === 'binding')) ||
      (kind.group === '' && kind.kind === 'Binding')),
  mutate({ kind, subresource, object }, server) {
    if (object === undefined) return;
    if (kind.kind === 'Pod' && subresource === '') {
      const { nodeName } = (object['spec'] ?? {}) as { nodeName?: string };
      if (nodeName !== undefined && nodeName !== '') addLabels(object, nodeName, server);
      return;
    }
    const { target } = object as { target?: { kind?: string; name?: string } };
    if (target?.kind === 'Node' && target.name !== undefined) addLabels(object, target.name, server);
  },
};

/** Labels that the object has already stay as they are. */
function addLabels(object: ApiObject, node: string, server: Server): void {
  const cache = server.caches.cacheOf('/registry/minions', false);
  const labels = cache.get(cache.keyOf(undefined, node))?.object.metadata.labels;
  if (labels === undefined) return;
  const known = labels as Readonly<Record<string, string>>;
  const { metadata } = object;
  for (const key of LABELS) {
    const value = known[key];
    if (value === undefined) continue;
    const own = (metadata.labels ?? {}) as Readonly<Record<string, string>>;
    if (own[key] === undefined) metadata.labels = { ...own, [key]: value };
  }
}
