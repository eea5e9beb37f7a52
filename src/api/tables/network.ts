/** Tables of services, endpoints and what routes to them. @see pkg/printers/internalversion/printers.go */
import type {
  EndpointSlice,
  Endpoints,
  Ingress,
  IngressClass,
  IPAddress,
  NetworkPolicy,
  Service,
  ServiceCIDR,
} from '../generated/types.ts';
import {
  ageColumn,
  ageOf,
  column,
  firstThree,
  formatLabels,
  formatSelector,
  nameColumn,
  nameOf,
  tableOf,
} from './columns.ts';

const core = (type: string) => `io.k8s.api.core.v1.${type}`;
const networking = (type: string) => `io.k8s.api.networking.v1.${type}`;
const SLICE = 'io.k8s.api.discovery.v1.EndpointSlice';

export const serviceTable = tableOf<Service>({
  columns: [
    nameColumn,
    column('Type', 'string', [core('ServiceSpec'), 'type']),
    column('Cluster-IP', 'string', [core('ServiceSpec'), 'clusterIP']),
    column('External-IP', 'string', [core('ServiceSpec'), 'externalIPs']),
    column('Port(s)', 'string', [core('ServiceSpec'), 'ports']),
    ageColumn,
    column('Selector', 'string', [core('ServiceSpec'), 'selector'], 1),
  ],
  row(service, context) {
    const spec = service.spec ?? {};
    const ports = (spec.ports ?? []).map(({ port, nodePort, protocol }) =>
      nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
    );
    return [
      nameOf(service),
      spec.type ?? '',
      spec.clusterIPs?.[0] ?? '<none>',
      externalIp(service),
      ports.join(',') || '<none>',
      ageOf(service, context),
      formatLabels(spec.selector),
    ];
  },
});

function externalIp(service: Service): string {
  const spec = service.spec ?? {};
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external.join(',') || '<none>';
    case 'LoadBalancer':
      return [...loadBalancerAddresses(service.status?.loadBalancer?.ingress), ...external].join(',') || '<pending>';
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

/** Addresses or host names, each once, sorted. */
function loadBalancerAddresses(
  ingress: readonly { readonly ip?: string | undefined; readonly hostname?: string | undefined }[] | undefined,
): string[] {
  const addresses = new Set<string>();
  for (const { ip, hostname } of ingress ?? []) {
    const address = ip || hostname;
    if (address) addresses.add(address);
  }
  return [...addresses].sort();
}

export const ingressTable = tableOf<Ingress>({
  columns: [
    nameColumn,
    column('Class', 'string', 'The name of the IngressClass resource that should be used for additional configuration'),
    column('Hosts', 'string', 'Hosts that incoming requests are matched against before the ingress rule'),
    column('Address', 'string', 'Address is a list containing ingress points for the load-balancer'),
    column('Ports', 'string', 'Ports of TLS configurations that open'),
    ageColumn,
  ],
  row: (ingress, context) => [
    nameOf(ingress),
    ingress.spec?.ingressClassName ?? '<none>',
    hosts(ingress),
    loadBalancerAddresses(ingress.status?.loadBalancer?.ingress).join(','),
    ingress.spec?.tls?.length ? '80, 443' : '80',
    ageOf(ingress, context),
  ],
});

/** The first three hosts; rules without one count among those that are left out. */
function hosts(ingress: Ingress): string {
  const rules = ingress.spec?.rules ?? [];
  const list: string[] = [];
  let more = false;
  for (const { host } of rules) {
    if (list.length === 3) more = true;
    else if (host) list.push(host);
  }
  if (list.length === 0) return '*';
  return more ? `${list.join(',')} + ${rules.length - 3} more...` : list.join(',');
}

export const ingressClassTable = tableOf<IngressClass>({
  columns: [
    nameColumn,
    column('Controller', 'string', 'Controller that is responsible for handling this class'),
    column('Parameters', 'string', 'A reference to a resource with additional parameters'),
    ageColumn,
  ],
  row(ingressClass, context) {
    const parameters = ingressClass.spec?.parameters;
    const group = parameters?.apiGroup === undefined ? '' : `.${parameters.apiGroup}`;
    return [
      nameOf(ingressClass),
      ingressClass.spec?.controller ?? '',
      parameters === undefined ? '<none>' : `${parameters.kind}${group}/${parameters.name}`,
      ageOf(ingressClass, context),
    ];
  },
});

export const networkPolicyTable = tableOf<NetworkPolicy>({
  columns: [nameColumn, column('Pod-Selector', 'string', [networking('NetworkPolicySpec'), 'podSelector']), ageColumn],
  row: (policy, context) => [nameOf(policy), formatSelector(policy.spec?.podSelector ?? {}), ageOf(policy, context)],
});

export const serviceCidrTable = tableOf<ServiceCIDR>({
  columns: [nameColumn, column('CIDRs', 'string', [networking('ServiceCIDRSpec'), 'cidrs']), ageColumn],
  row: (range, context) => [nameOf(range), (range.spec?.cidrs ?? []).join(','), ageOf(range, context)],
});

export const ipAddressTable = tableOf<IPAddress>({
  columns: [nameColumn, column('ParentRef', 'string', [networking('IPAddressSpec'), 'parentRef'])],
  // Rows end with an age that has no column, as upstream's do.
  row(address, context) {
    const parent = address.spec?.parentRef;
    if (parent === undefined) return [nameOf(address), '<none>', ageOf(address, context)];
    const resource = (parent.group ? `${parent.resource}.${parent.group}` : parent.resource).toLowerCase();
    const text = [resource, parent.namespace, parent.name].filter(Boolean).join('/');
    return [nameOf(address), text, ageOf(address, context)];
  },
});

export const endpointsTable = tableOf<Endpoints>({
  columns: [nameColumn, column('Endpoints', 'string', [core('Endpoints'), 'subsets']), ageColumn],
  row: (endpoints, context) => [nameOf(endpoints), formatEndpoints(endpoints), ageOf(endpoints, context)],
});

function formatEndpoints(endpoints: Endpoints): string {
  if (!endpoints.subsets?.length) return '<none>';
  const list: string[] = [];
  for (const { addresses = [], ports = [] } of endpoints.subsets) {
    // Headless services may have no ports.
    if (ports.length === 0) list.push(...addresses.map(({ ip }) => ip));
    for (const { port } of ports)
      list.push(...addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)));
  }
  return firstThree(list, '');
}

export const endpointSliceTable = tableOf<EndpointSlice>({
  columns: [
    nameColumn,
    column('AddressType', 'string', [SLICE, 'addressType']),
    column('Ports', 'string', [SLICE, 'ports']),
    column('Endpoints', 'string', [SLICE, 'endpoints']),
    ageColumn,
  ],
  row: (slice, context) => [
    nameOf(slice),
    slice.addressType ?? '',
    firstThree(
      (slice.ports ?? []).map(({ port, name }) => (port === undefined ? (name ?? '*') : String(port))),
      '<unset>',
    ),
    firstThree(
      (slice.endpoints ?? []).flatMap(({ addresses }) => addresses ?? []),
      '<unset>',
    ),
    ageOf(slice, context),
  ],
});
