/**
 * What every cluster has from its first moment: the system's namespaces and priority classes, the service range, and the
 * `kubernetes` Service. Data only; bootstrap/index.ts writes it.
 */
import type { RequestHeaderOption, ResolvedOptions } from '../options.ts';

/** An object to create when it is not there. */
export interface SystemObject {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly object: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly metadata: {
      readonly name: string;
      readonly namespace?: string;
      readonly labels?: Record<string, string>;
      readonly annotations?: Record<string, string>;
    };
    readonly [field: string]: unknown;
  };
}

export const SYSTEM_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease', 'default'] as const;

function namespace(name: string): SystemObject {
  return {
    group: '',
    version: 'v1',
    plural: 'namespaces',
    object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  };
}

function priorityClass(name: string, value: number, description: string): SystemObject {
  return {
    group: 'scheduling.k8s.io',
    version: 'v1',
    plural: 'priorityclasses',
    object: { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value, description },
  };
}

/** The API server's own Service; its address is the first of the range. */
function kubernetesService(clusterIP: string, targetPort: number): SystemObject {
  return {
    group: '',
    version: 'v1',
    plural: 'services',
    object: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'kubernetes',
        namespace: 'default',
        labels: { provider: 'kubernetes', component: 'apiserver' },
      },
      spec: {
        type: 'ClusterIP',
        clusterIP,
        clusterIPs: [clusterIP],
        ipFamilies: [clusterIP.includes(':') ? 'IPv6' : 'IPv4'],
        ipFamilyPolicy: 'SingleStack',
        sessionAffinity: 'None',
        ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort }],
      },
    },
  };
}

/** Where the API server itself listens, for those that go through the Service. */
function kubernetesEndpoints(host: string, port: number): SystemObject[] {
  const ports = [{ name: 'https', port, protocol: 'TCP' }];
  return [
    {
      group: '',
      version: 'v1',
      plural: 'endpoints',
      object: {
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: {
          name: 'kubernetes',
          namespace: 'default',
          labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
        },
        subsets: [{ addresses: [{ ip: host }], ports }],
      },
    },
    {
      group: 'discovery.k8s.io',
      version: 'v1',
      plural: 'endpointslices',
      object: {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [host], conditions: { ready: true } }],
        ports,
      },
    },
  ];
}

/**
 * What servers of other APIs need to know to trust this one's users, and this one when it passes requests on: they read it at their
 * start. @see pkg/controlplane/controller/clusterauthenticationtrust
 */
function authenticationTrust({ https, requestHeader, proxyClient }: ResolvedOptions): SystemObject[] {
  const clientCa = https?.clientCaPem ?? '';
  const proxies = trustedProxies(requestHeader, proxyClient);
  if (clientCa === '' && proxies === undefined) return [];
  const list = (items: readonly string[]) => JSON.stringify(items);
  const data = {
    ...(clientCa === '' ? {} : { 'client-ca-file': clientCa }),
    ...(proxies === undefined
      ? {}
      : {
          'requestheader-allowed-names': list(proxies.allowedNames),
          'requestheader-client-ca-file': proxies.caPem,
          'requestheader-extra-headers-prefix': list(proxies.extraHeaderPrefixes),
          'requestheader-group-headers': list(proxies.groupHeaders),
          'requestheader-uid-headers': list(proxies.uidHeaders),
          'requestheader-username-headers': list(proxies.usernameHeaders),
        }),
  };
  const metadata = { name: 'extension-apiserver-authentication', namespace: 'kube-system' };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  return [{ group: '', version: 'v1', plural: 'configmaps', object }];
}

const PROXY_NAME = 'front-proxy-client';
const PROXY_HEADERS = {
  usernameHeaders: ['X-Remote-User'],
  uidHeaders: ['X-Remote-Uid'],
  groupHeaders: ['X-Remote-Group'],
  extraHeaderPrefixes: ['X-Remote-Extra-'],
};

/** The front proxies that this server believes, and this server itself. */
function trustedProxies(
  requestHeader: ResolvedOptions['requestHeader'],
  proxyClient: ResolvedOptions['proxyClient'],
): RequestHeaderOption | undefined {
  if (proxyClient === null) return requestHeader ?? undefined;
  if (requestHeader === null) return { ...PROXY_HEADERS, caPem: proxyClient.caPem, allowedNames: [PROXY_NAME] };
  const { allowedNames, caPem } = requestHeader;
  return {
    ...requestHeader,
    caPem: caPem.includes(proxyClient.caPem.trim()) ? caPem : `${caPem.trimEnd()}\n${proxyClient.caPem}`,
    // Nobody named is everybody.
    allowedNames: allowedNames.length === 0 ? [] : [...new Set([...allowedNames, PROXY_NAME])],
  };
}

/** All of them in the order in which they are written. `host` and `port` say where the server listens, if it does. */
export function systemObjects(
  options: ResolvedOptions,
  firstAddress: string,
  listening: { readonly host: string; readonly port: number } | undefined,
): readonly SystemObject[] {
  return [
    ...SYSTEM_NAMESPACES.map(namespace),
    priorityClass(
      'system-node-critical',
      2000001000,
      'Used for system critical pods that must not be moved from their current node.',
    ),
    priorityClass(
      'system-cluster-critical',
      2000000000,
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    ),
    {
      group: 'networking.k8s.io',
      version: 'v1',
      plural: 'servicecidrs',
      object: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'ServiceCIDR',
        metadata: { name: 'kubernetes' },
        spec: { cidrs: options.serviceCidr.split(',').map((cidr) => cidr.trim()) },
      },
    },
    kubernetesService(firstAddress, listening?.port ?? 6443),
    ...authenticationTrust(options),
    ...(listening === undefined ? [] : kubernetesEndpoints(listening.host, listening.port)),
  ];
}
