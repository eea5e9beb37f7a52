/**
 * NodeDeclaredFeatureValidator: a bound pod changes only where its node is known, since the node has to be able to do what the change asks.
 * @see plugin/pkg/admission/nodedeclaredfeatures/admission.go, KEP-5328
 */
import { semanticEqual } from '../../../src/api/index.ts';
import { type AdmissionPlugin, refusal } from './plugin.ts';

export const nodeDeclaredFeatures: AdmissionPlugin = {
  name: 'NodeDeclaredFeatureValidator',
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/pods' && operation === 'UPDATE' && ['', 'resize'].includes(subresource),
  validate(attributes, server) {
    const { object, previous } = attributes;
    const nodeName = (object?.['spec'] as { nodeName?: string } | undefined)?.nodeName ?? '';
    if (nodeName === '' || semanticEqual(object?.['spec'], previous?.['spec'])) return;
    const nodes = server.caches.cacheOf('/registry/minions', false);
    if (nodes.get(nodes.keyOf(undefined, nodeName)) !== undefined) return;
    throw refusal(attributes, `node ${JSON.stringify(nodeName)} not found`);
  },
};
