/**
 * What every cluster has from its first moment: the system's namespaces and priority classes, the service range, and the
 * `kubernetes` Service. Data only; bootstrap/index.ts writes it.
 */
import type { ResolvedOptions } from '../options.ts';

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
        ipFamilies: ['IPv4'],
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

/** What an aggregated server needs to know whom to believe: it reads this at its start. */
function authenticationSettings({ https, proxyClient }: ResolvedOptions): SystemObject[] {
  const data: Record<string, string> = {};
  if (https?.clientCaPem !== undefined) data['client-ca-file'] = https.clientCaPem;
  if (proxyClient !== null) {
    data['requestheader-allowed-names'] = '["front-proxy-client"]';
    data['requestheader-client-ca-file'] = proxyClient.caPem;
    data['requestheader-extra-headers-prefix'] = '["X-Remote-Extra-"]';
    data['requestheader-group-headers'] = '["X-Remote-Group"]';
    data['requestheader-uid-headers'] = '["X-Remote-Uid"]';
    data['requestheader-username-headers'] = '["X-Remote-User"]';
  }
  if (Object.keys(data).length === 0) return [];
  const metadata = { name: 'extension-apiserver-authentication', namespace: 'kube-system' };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  return [{ group: '', version: 'v1', plural: 'configmaps', object }];
}

/** What servers of other APIs need to know to trust this one's users. @see pkg/controlplane/controller/clusterauthenticationtrust */
function authenticationTrust({ https, requestHeader }: ResolvedOptions): SystemObject[] {
  const list = (items: readonly string[]) => JSON.stringify(items);
  const clientCa = https?.clientCaPem ?? '';
  const data = {
    ...(clientCa === '' ? {} : { 'client-ca-file': clientCa }),
    ...(requestHeader === null
      ? {}
      : {
          'requestheader-allowed-names': list(requestHeader.allowedNames),
          'requestheader-client-ca-file': requestHeader.caPem,
          'requestheader-extra-headers-prefix': list(requestHeader.extraHeaderPrefixes),
          'requestheader-group-headers': list(requestHeader.groupHeaders),
          'requestheader-uid-headers': list(requestHeader.uidHeaders),
          'requestheader-username-headers': list(requestHeader.usernameHeaders),
        }),
  };
  if (Object.keys(data).length === 0) return [];
  const metadata = { name: 'extension-apiserver-authentication', namespace: 'kube-system' };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  return [{ group: '', version: 'v1', plural: 'configmaps', object }];
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
        spec: { cidrs: [options.serviceCidr] },
      },
    },
    ...authenticationSettings(options),
    kubernetesService(firstAddress, listening?.port ?? 6443),
    ...authenticationTrust(options),
    ...(listening === undefined ? [] : kubernetesEndpoints(listening.host, listening.port)),
  ];
}
