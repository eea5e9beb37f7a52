/** The kinds of `networking.k8s.io/v1`. */
import {
  ingressClassTable,
  ingressTable,
  ipAddressTable,
  networkPolicyTable,
  serviceCidrTable,
} from '../tables/network.ts';
import { rowsOf, STATUS } from './row.ts';
import {
  ingressClassStrategy,
  ingressStrategy,
  networkPolicyStrategy,
  serviceCidrStrategy,
} from './strategies/networking.ts';
import type { KindDefinition } from './types.ts';

const networking = rowsOf('networking.k8s.io', 'v1', 'io.k8s.api.networking.v1');

/** All resources of networking.k8s.io/v1, in alphabetical order. */
export const networkingKinds: readonly KindDefinition[] = [
  networking('IngressClass', {
    plural: 'ingressclasses',
    namespaced: false,
    strategy: ingressClassStrategy,
    table: ingressClassTable,
  }),
  networking('Ingress', {
    plural: 'ingresses',
    shortNames: ['ing'],
    storagePrefix: '/registry/ingress',
    subresources: [STATUS],
    strategy: ingressStrategy,
    table: ingressTable,
  }),
  networking('IPAddress', {
    plural: 'ipaddresses',
    namespaced: false,
    shortNames: ['ip'],
    table: ipAddressTable,
  }),
  networking('NetworkPolicy', {
    plural: 'networkpolicies',
    shortNames: ['netpol'],
    strategy: networkPolicyStrategy,
    table: networkPolicyTable,
  }),
  networking('ServiceCIDR', {
    plural: 'servicecidrs',
    namespaced: false,
    subresources: [STATUS],
    strategy: serviceCidrStrategy,
    table: serviceCidrTable,
  }),
];
