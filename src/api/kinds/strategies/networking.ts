/**
 * Strategies of networking.k8s.io and discovery.k8s.io.
 * @see pkg/apis/networking/v1/defaults.go, pkg/apis/discovery/v1/defaults.go
 */
import type { EndpointSlice, Ingress, IngressClass, NetworkPolicy } from '../../generated/types.ts';
import { semanticEqual } from '../semantic-equality.ts';
import { strategyOf } from '../strategy-of.ts';
import type { Strategy } from '../types.ts';
import { addressWarnings, cidrWarnings } from './address-warnings.ts';

export const ingressStrategy = strategyOf<Ingress>({
  generation: true,
  initialStatus: () => ({ loadBalancer: {} }),
  status: { keptMetadata: [] },
  warnings(ingress: Ingress, previous: Ingress | undefined) {
    const annotation = 'kubernetes.io/ingress.class';
    if (previous !== undefined || ingress.metadata?.annotations?.[annotation] === undefined) return [];
    return [`annotation "${annotation}" is deprecated, please use 'spec.ingressClassName' instead`];
  },
});

export const ingressClassStrategy = strategyOf<IngressClass>({
  defaults(ingressClass: IngressClass) {
    if (ingressClass.spec?.parameters !== undefined) ingressClass.spec.parameters.scope ??= 'Cluster';
  },
  generation: true,
});

export const networkPolicyStrategy = strategyOf<NetworkPolicy>({
  defaults(policy: NetworkPolicy) {
    policy.spec ??= { podSelector: {} };
    const spec = policy.spec;
    spec.podSelector ??= {};
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
    }
    if (spec.policyTypes?.length) return;
    // A policy says something about ingress even without a rule for it; about egress only with one.
    spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  generation: true,
  warnings(policy: NetworkPolicy) {
    const warnings: string[] = [];
    const check = (path: string, block: { cidr: string; except?: readonly string[] | undefined } | undefined) => {
      if (block === undefined) return;
      warnings.push(...cidrWarnings(`${path}.cidr`, block.cidr));
      block.except?.forEach((range, index) => {
        warnings.push(...cidrWarnings(`${path}.except[${index}]`, range));
      });
    };
    policy.spec?.ingress?.forEach((rule, index) => {
      rule.from?.forEach((peer, position) => {
        check(`spec.ingress[${index}].from[${position}].ipBlock`, peer.ipBlock);
      });
    });
    policy.spec?.egress?.forEach((rule, index) => {
      rule.to?.forEach((peer, position) => {
        check(`spec.egress[${index}].to[${position}].ipBlock`, peer.ipBlock);
      });
    });
    return warnings;
  },
});

export const serviceCidrStrategy: Strategy = { generation: false };

export const endpointSliceStrategy = strategyOf<EndpointSlice>({
  defaults(slice: EndpointSlice) {
    for (const port of slice.ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
    for (const endpoint of slice.endpoints ?? []) endpoint.conditions ??= {};
  },
  generation: (slice, previous) => !semanticEqual(withoutMetadata(slice), withoutMetadata(previous)),
  prepareForCreate: dropTopology,
  prepareForUpdate(slice: EndpointSlice, previous: EndpointSlice) {
    if (!semanticEqual(slice.endpoints, previous.endpoints)) dropTopology(slice);
  },
  warnings(slice: EndpointSlice) {
    const warnings: string[] = [];
    if (slice.addressType === 'FQDN') warnings.push('spec.addressType: FQDN endpoints are deprecated');
    // Our controllers write addresses in good form.
    if (ownControllers.has(slice.metadata?.labels?.['endpointslice.kubernetes.io/managed-by'] ?? '')) return warnings;
    if (slice.addressType === 'FQDN') return warnings;
    slice.endpoints?.forEach((endpoint, index) => {
      endpoint.addresses?.forEach((address, position) => {
        warnings.push(...addressWarnings(`endpoints[${index}].addresses[${position}]`, address));
      });
    });
    return warnings;
  },
});

const ownControllers: ReadonlySet<string> = new Set([
  'endpointslice-controller.k8s.io',
  'endpointslicemirroring-controller.k8s.io',
]);

/** The field is of versions before v1; v1 has fields for what it said. */
function dropTopology(slice: EndpointSlice): void {
  for (const endpoint of slice.endpoints ?? []) delete endpoint.deprecatedTopology;
}

/** What counts for a slice's generation: its content and its labels. */
function withoutMetadata({ metadata, ...content }: EndpointSlice): unknown {
  return { ...content, labels: metadata?.labels };
}
