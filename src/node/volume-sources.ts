/**
 * What the volumes of a pod stand for in the API: the volume behind a claim, and whether it has to be attached; the objects
 * that fill a volume with files. Says in the kubelet's words what is wrong with them. Asked by {@link PodVolumes} for the
 * pods that have such volumes; all others cost one look at their spec.
 * @see kubernetes/pkg/kubelet/volumemanager/populator/desired_state_of_world_populator.go
 * @see kubernetes/pkg/volume/{configmap,secret,projected}
 */
import {
  isNotFound,
  isStatusError,
  type KeyToPath,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type Volume,
} from '../api/index.ts';
import {
  type Client,
  configMaps,
  csiDrivers,
  persistentVolumeClaims,
  persistentVolumes,
  secrets,
} from '../client/index.ts';
import type { BoundPod } from './pod.ts';

/** Name of the volume that the admission of service accounts gives to each pod: what fills it is made with its namespace. */
const injectedPrefix = 'kube-api-access-';

const isClaim = ({ persistentVolumeClaim, ephemeral }: Volume): boolean =>
  persistentVolumeClaim !== undefined || ephemeral !== undefined;

const isFilled = ({ name, configMap, secret, projected }: Volume): boolean =>
  configMap !== undefined || secret !== undefined || (projected !== undefined && !name.startsWith(injectedPrefix));

export interface PodVolumeList {
  readonly claims: readonly Volume[];
  readonly filled: readonly Volume[];
}

/** The volumes that a container of the pod mounts and that the kubelet has to wait for; undefined when there are none. */
export function awaitedVolumes({ spec }: BoundPod): PodVolumeList | undefined {
  const { volumes } = spec;
  if (volumes === undefined || !volumes.some((volume) => isClaim(volume) || isFilled(volume))) return undefined;
  const used = new Set<string>();
  for (const containers of [spec.initContainers, spec.containers, spec.ephemeralContainers]) {
    for (const { volumeMounts, volumeDevices } of containers ?? []) {
      for (const { name } of volumeMounts ?? []) used.add(name);
      for (const { name } of volumeDevices ?? []) used.add(name);
    }
  }
  const mounted = volumes.filter(({ name }) => used.has(name));
  const claims = mounted.filter(isClaim);
  const filled = mounted.filter(isFilled);
  return claims.length + filled.length === 0 ? undefined : { claims, filled };
}

/** A volume that cannot be used as it stands; the message is what the pod is told. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}

/**
 * The name under which the node and the attach-detach controller speak of the volume behind a claim; undefined for one
 * that is not attached. Rejects with {@link VolumeError}.
 */
export async function attachableName(client: Client, pod: BoundPod, volume: Volume): Promise<string | undefined> {
  const { namespace, name: podName } = pod.metadata;
  const name = volume.persistentVolumeClaim?.claimName ?? `${podName}-${volume.name}`;
  const refuse = (text: string): VolumeError => new VolumeError(`error processing PVC ${namespace}/${name}: ${text}`);
  const fetched = async <Value>(what: string, value: Promise<Value>): Promise<Value> => {
    try {
      return await value;
    } catch (error) {
      if (!isStatusError(error)) throw error;
      throw refuse(`failed to fetch ${what} from API server: ${error.message}`);
    }
  };
  const claim = await fetched('PVC', client.get(persistentVolumeClaims, { namespace, name }));
  if (volume.ephemeral !== undefined && !isOwned(claim, pod)) {
    throw new VolumeError(
      `PVC ${namespace}/${name} was not created for pod ${namespace}/${podName} (pod is not owner)`,
    );
  }
  if (claim.metadata?.deletionTimestamp !== undefined) throw refuse('PVC is being deleted');
  if (claim.status?.phase !== 'Bound') throw refuse('PVC is not bound');
  const volumeName = claim.spec?.volumeName ?? '';
  if (volumeName === '') throw refuse('PVC has empty pvc.Spec.VolumeName');
  const { spec } = await fetched(`PV ${volumeName}`, client.get(persistentVolumes, { name: volumeName }));
  return spec?.csi === undefined || !(await isAttached(client, spec.csi)) ? undefined : uniqueName(spec.csi);
}

type CsiSource = NonNullable<NonNullable<PersistentVolume['spec']>['csi']>;

const uniqueName = ({ driver, volumeHandle }: CsiSource): string => `kubernetes.io/csi/${driver}^${volumeHandle}`;

/** As the attach-detach controller decides: a driver that says nothing of itself is taken to attach. */
async function isAttached(client: Client, { driver }: CsiSource): Promise<boolean> {
  try {
    return (await client.get(csiDrivers, { name: driver })).spec.attachRequired !== false;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}

const isOwned = ({ metadata }: PersistentVolumeClaim, pod: Pod): boolean =>
  metadata?.ownerReferences?.some(({ controller, uid }) => controller === true && uid === pod.metadata?.uid) ?? false;

/** Why the volume cannot be filled with files; undefined when it can. */
export async function fillingFailure(client: Client, pod: BoundPod, volume: Volume): Promise<string | undefined> {
  const { namespace } = pod.metadata;
  const { configMap, secret, projected } = volume;
  const check = async (
    kind: 'configmap' | 'secret',
    name: string,
    items: readonly KeyToPath[] | undefined,
    optional: boolean | undefined,
  ): Promise<string | undefined> => {
    const keys = await keysOf(client, kind, namespace, name);
    if (keys === undefined) return optional === true ? undefined : `${kind} "${name}" not found`;
    const absent = optional === true ? undefined : items?.find(({ key }) => !keys.has(key));
    if (absent === undefined) return undefined;
    return kind === 'secret'
      ? `references non-existent secret key: ${absent.key}`
      : `configmap references non-existent config key: ${absent.key}`;
  };
  if (configMap !== undefined) return check('configmap', configMap.name ?? '', configMap.items, configMap.optional);
  if (secret !== undefined) return check('secret', secret.secretName ?? '', secret.items, secret.optional);
  const failures = new Set<string>();
  for (const source of projected?.sources ?? []) {
    const [kind, from] = source.secret === undefined ? ['configmap', source.configMap] : ['secret', source.secret];
    if (from === undefined) continue;
    const failure = await check(kind as 'configmap' | 'secret', from.name ?? '', from.items, from.optional);
    if (failure !== undefined) failures.add(failure);
  }
  if (failures.size === 0) return undefined;
  return failures.size === 1 ? [...failures][0] : `[${[...failures].join(', ')}]`;
}

/** The keys of a ConfigMap or Secret; undefined when it is not there. */
async function keysOf(
  client: Client,
  kind: 'configmap' | 'secret',
  namespace: string,
  name: string,
): Promise<ReadonlySet<string> | undefined> {
  try {
    if (kind === 'secret') return new Set(Object.keys((await client.get(secrets, { namespace, name })).data ?? {}));
    const { data, binaryData } = await client.get(configMaps, { namespace, name });
    return new Set([...Object.keys(data ?? {}), ...Object.keys(binaryData ?? {})]);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
