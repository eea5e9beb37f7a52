/**
 * What the API holds of a pod's insides: the environment of its containers and the files of its volumes, read when somebody
 * looks into a container. A kubelet asks as itself, so it sees only what its own pods refer to.
 * @see pkg/kubelet/kubelet_pods.go makeEnvironmentVariables, pkg/volume/{configmap,secret,projected,downwardapi}
 */
import { type Container, isStatusError, type Pod, quantityMilliValue, type Volume } from '../api/index.ts';
import { type Client, configMaps, secrets, serviceAccounts, services } from '../client/index.ts';

export interface VolumeFile {
  /** Below the volume's root. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** The files of a volume that the API fills; undefined for one that begins empty and can be written. */
export type VolumeContent = readonly VolumeFile[] | undefined;

export interface PodContent {
  environment(pod: Pod, container: Container): Promise<Map<string, string>>;
  volume(pod: Pod, volume: Volume): Promise<VolumeContent>;
}

const encoder = new TextEncoder();
const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const tokenSeconds = 3607;

export interface PodContentOptions {
  readonly client: Client;
  readonly hostIps: readonly string[];
  /** Value of a resource when a container sets no limit. */
  allocatable(resource: string): string | undefined;
}

export function createPodContent({ client, allocatable, hostIps }: PodContentOptions): PodContent {
  const namespaceOf = (pod: Pod): string => pod.metadata?.namespace ?? 'default';

  /** Undefined when the object is not there, or not for this node to read: the container then sees nothing of it. */
  const dataOf = async (
    kind: 'configMap' | 'secret',
    namespace: string,
    name: string,
  ): Promise<Record<string, Uint8Array> | undefined> => {
    try {
      if (kind === 'secret') {
        const { data = {} } = await client.get(secrets, { namespace, name });
        return mapValues(data, (value) => Buffer.from(value, 'base64'));
      }
      const { data = {}, binaryData = {} } = await client.get(configMaps, { namespace, name });
      return {
        ...mapValues(data, (value) => encoder.encode(value)),
        ...mapValues(binaryData, (value) => Buffer.from(value, 'base64')),
      };
    } catch (error) {
      if (isStatusError(error)) return undefined;
      throw error;
    }
  };

  const resourceValue = (pod: Pod, name: string | undefined, container: string, resource: string, divisor?: string) => {
    const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
    const spec = all.find((one) => one.name === (name ?? container));
    const [list, ...rest] = resource.split('.');
    const key = rest.join('.');
    const quantity =
      list === 'requests' ? spec?.resources?.requests?.[key] : (spec?.resources?.limits?.[key] ?? allocatable(key));
    const value = quantityMilliValue(String(quantity ?? '0'));
    const unit = quantityMilliValue(divisor === undefined || divisor === '0' ? '1' : divisor);
    return String(Math.ceil(value / unit));
  };

  const environment = async (given: Pod, container: Container): Promise<Map<string, string>> => {
    const pod = {
      ...given,
      status: { ...given.status, hostIP: hostIps[0], hostIPs: hostIps.map((ip) => ({ ip })) },
    } as Pod;
    const namespace = namespaceOf(pod);
    const variables = new Map<string, string>([
      ['PATH', searchPath],
      ['HOSTNAME', hostnameOf(pod)],
      ['HOME', '/root'],
    ]);
    for (const [name, value] of await serviceVariables(client)) variables.set(name, value);
    for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
      const name = configMapRef?.name ?? secretRef?.name ?? '';
      const data = await dataOf(secretRef === undefined ? 'configMap' : 'secret', namespace, name);
      for (const key in data) variables.set(prefix + key, Buffer.from(data[key] as Uint8Array).toString());
    }
    for (const { name, value, valueFrom } of container.env ?? []) {
      if (valueFrom?.fieldRef !== undefined) variables.set(name, fieldOf(pod, valueFrom.fieldRef.fieldPath));
      else if (valueFrom?.resourceFieldRef !== undefined) {
        const { containerName, resource, divisor } = valueFrom.resourceFieldRef;
        variables.set(name, resourceValue(pod, containerName, container.name, resource, divisor));
      } else if (valueFrom !== undefined) {
        const reference = valueFrom.configMapKeyRef ?? valueFrom.secretKeyRef;
        const kind = valueFrom.secretKeyRef === undefined ? 'configMap' : 'secret';
        const data = await dataOf(kind, namespace, reference?.name ?? '');
        const bytes = data?.[reference?.key ?? ''];
        if (bytes !== undefined) variables.set(name, Buffer.from(bytes).toString());
      } else variables.set(name, expandVariables(value ?? '', variables));
    }
    return variables;
  };

  const volume = async (pod: Pod, { configMap, secret, downwardAPI, projected }: Volume): Promise<VolumeContent> => {
    const namespace = namespaceOf(pod);
    if (configMap !== undefined) {
      const data = (await dataOf('configMap', namespace, configMap.name ?? '')) ?? {};
      return chosen(data, configMap.items, configMap.defaultMode);
    }
    if (secret !== undefined) {
      const data = (await dataOf('secret', namespace, secret.secretName ?? '')) ?? {};
      return chosen(data, secret.items, secret.defaultMode);
    }
    const downward = (items: NonNullable<typeof downwardAPI>['items'], defaultMode = 0o644): VolumeFile[] =>
      (items ?? []).map(({ path, fieldRef, resourceFieldRef, mode }) => ({
        path,
        mode: mode ?? defaultMode,
        bytes: encoder.encode(
          fieldRef !== undefined
            ? fieldOf(pod, fieldRef.fieldPath)
            : resourceValue(
                pod,
                resourceFieldRef?.containerName,
                '',
                resourceFieldRef?.resource ?? '',
                resourceFieldRef?.divisor,
              ),
        ),
      }));
    if (downwardAPI !== undefined) return downward(downwardAPI.items, downwardAPI.defaultMode);
    if (projected === undefined) return undefined;
    const files: VolumeFile[] = [];
    const mode = projected.defaultMode;
    for (const source of projected.sources ?? []) {
      if (source.configMap !== undefined) {
        const data = (await dataOf('configMap', namespace, source.configMap.name ?? '')) ?? {};
        files.push(...chosen(data, source.configMap.items, mode));
      } else if (source.secret !== undefined) {
        const data = (await dataOf('secret', namespace, source.secret.name ?? '')) ?? {};
        files.push(...chosen(data, source.secret.items, mode));
      } else if (source.downwardAPI !== undefined) files.push(...downward(source.downwardAPI.items, mode));
      else if (source.serviceAccountToken !== undefined) {
        const { audience, path } = source.serviceAccountToken;
        const token = await tokenOf(client, pod, audience);
        if (token !== undefined) files.push({ path, bytes: encoder.encode(token), mode: mode ?? 0o644 });
      }
    }
    return files;
  };
  return { environment, volume };
}

export function hostnameOf(pod: Pod): string {
  return pod.spec?.hostname ?? pod.metadata?.name ?? '';
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, make: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, make(value)]));
}

function chosen(
  data: Readonly<Record<string, Uint8Array>>,
  items: readonly { key: string; path: string; mode?: number | undefined }[] | undefined,
  defaultMode = 0o644,
): VolumeFile[] {
  const wanted =
    items ??
    Object.keys(data).map((key): { key: string; path: string; mode?: number | undefined } => ({ key, path: key }));
  return wanted.flatMap(({ key, path, mode }) => {
    const bytes = data[key];
    return bytes === undefined ? [] : [{ path, bytes, mode: mode ?? defaultMode }];
  });
}

async function tokenOf(client: Client, pod: Pod, audience: string | undefined): Promise<string | undefined> {
  const { name, namespace, uid } = pod.metadata ?? {};
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: {},
    spec: {
      audiences: audience === undefined ? [] : [audience],
      expirationSeconds: tokenSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    },
  };
  const key = { namespace, name: pod.spec?.serviceAccountName ?? 'default' };
  try {
    const answer = (await client.post(serviceAccounts, key, 'token', body)) as { status?: { token?: string } };
    return answer.status?.token;
  } catch (error) {
    // The account may have gone since the pod was admitted.
    if (isStatusError(error)) return undefined;
    throw error;
  }
}

/** Where the API server is, as every container is told. */
async function serviceVariables(client: Client): Promise<[string, string][]> {
  let address: string;
  let port: string;
  try {
    const { spec } = await client.get(services, { namespace: 'default', name: 'kubernetes' });
    address = spec?.clusterIP ?? '';
    port = String(spec?.ports?.[0]?.port ?? 443);
  } catch (error) {
    if (isStatusError(error)) return [];
    throw error;
  }
  const tcp = `tcp://${address}:${port}`;
  return [
    ['KUBERNETES_SERVICE_HOST', address],
    ['KUBERNETES_SERVICE_PORT', port],
    ['KUBERNETES_SERVICE_PORT_HTTPS', port],
    ['KUBERNETES_PORT', tcp],
    [`KUBERNETES_PORT_${port}_TCP`, tcp],
    [`KUBERNETES_PORT_${port}_TCP_PROTO`, 'tcp'],
    [`KUBERNETES_PORT_${port}_TCP_PORT`, port],
    [`KUBERNETES_PORT_${port}_TCP_ADDR`, address],
  ];
}

/** `$(NAME)` stands for a variable that is known by then, `$$(NAME)` for itself. */
function expandVariables(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (all, name: string | undefined) =>
    all === '$$' ? '$' : (variables.get(name ?? '') ?? all),
  );
}

function fieldOf(pod: Pod, path: string): string {
  const { metadata, spec, status } = pod;
  const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (subscript !== null) return metadata?.[subscript[1] as 'labels' | 'annotations']?.[subscript[2] as string] ?? '';
  const list = (record: Readonly<Record<string, string>> | undefined): string =>
    Object.keys(record ?? {})
      .sort()
      .map((key) => `${key}=${JSON.stringify(record?.[key])}`)
      .join('\n');
  switch (path) {
    case 'metadata.name':
      return metadata?.name ?? '';
    case 'metadata.namespace':
      return metadata?.namespace ?? '';
    case 'metadata.uid':
      return metadata?.uid ?? '';
    case 'metadata.labels':
      return list(metadata?.labels);
    case 'metadata.annotations':
      return list(metadata?.annotations);
    case 'spec.nodeName':
      return spec?.nodeName ?? '';
    case 'spec.serviceAccountName':
      return spec?.serviceAccountName ?? 'default';
    case 'status.hostIP':
      return status?.hostIP ?? '';
    case 'status.hostIPs':
      return (status?.hostIPs ?? []).map(({ ip }) => ip).join(',');
    case 'status.podIP':
      return status?.podIP ?? '';
    case 'status.podIPs':
      return (status?.podIPs ?? []).map(({ ip }) => ip).join(',');
    default:
      return '';
  }
}
