/** The kinds of `networking.k8s.io/v1`. */
import { rowsOf, STATUS } from './row.ts';
import type { KindDefinition } from './types.ts';

const networking = rowsOf('networking.k8s.io', 'v1', 'io.k8s.api.networking.v1');

/** All resources of networking.k8s.io/v1, in alphabetical order. */
export const networkingKinds: readonly KindDefinition[] = [
  networking('IngressClass', { plural: 'ingressclasses', namespaced: false }),
  networking('Ingress', {
    plural: 'ingresses',
    shortNames: ['ing'],
    storagePrefix: '/registry/ingress',
    subresources: [STATUS],
  }),
  networking('IPAddress', { plural: 'ipaddresses', namespaced: false, shortNames: ['ip'] }),
  networking('NetworkPolicy', { plural: 'networkpolicies', shortNames: ['netpol'] }),
  networking('ServiceCIDR', { plural: 'servicecidrs', namespaced: false, subresources: [STATUS] }),
];
