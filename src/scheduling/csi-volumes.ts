/**
 * Which CSI driver a volume is attached by, and under which unique name: what limits of volumes a node count. Volumes of
 * the drivers that were once built in count for the CSI driver in their place where the node says so.
 * @see k8s.io/csi-translation-lib and kubernetes/pkg/scheduler/framework/plugins/nodevolumelimits/csi.go
 */
import type { CSINode, PersistentVolumeSpec, Volume } from '../api/index.ts';

export interface CsiVolume {
  readonly driver: string;
  /** Of the volume, within the driver. */
  readonly handle: string;
}

interface Migration {
  /** Name of the built-in plugin, as provisioner and in the annotation of a CSINode. */
  readonly plugin: string;
  readonly driver: string;
  readonly handleOf: (source: Pick<PersistentVolumeSpec & Volume, MigratedField>) => string | undefined;
}

type MigratedField =
  | 'awsElasticBlockStore'
  | 'azureDisk'
  | 'azureFile'
  | 'cinder'
  | 'gcePersistentDisk'
  | 'portworxVolume'
  | 'vsphereVolume';

const migrations: readonly Migration[] = [
  {
    plugin: 'kubernetes.io/aws-ebs',
    driver: 'ebs.csi.aws.com',
    // `aws://zone/id`, or the id alone.
    handleOf: ({ awsElasticBlockStore }) => awsElasticBlockStore?.volumeID.split('/').at(-1),
  },
  { plugin: 'kubernetes.io/gce-pd', driver: 'pd.csi.storage.gke.io', handleOf: (one) => one.gcePersistentDisk?.pdName },
  { plugin: 'kubernetes.io/azure-disk', driver: 'disk.csi.azure.com', handleOf: (one) => one.azureDisk?.diskURI },
  { plugin: 'kubernetes.io/azure-file', driver: 'file.csi.azure.com', handleOf: (one) => one.azureFile?.shareName },
  { plugin: 'kubernetes.io/cinder', driver: 'cinder.csi.openstack.org', handleOf: (one) => one.cinder?.volumeID },
  {
    plugin: 'kubernetes.io/vsphere-volume',
    driver: 'csi.vsphere.vmware.com',
    handleOf: (one) => one.vsphereVolume?.volumePath,
  },
  {
    plugin: 'kubernetes.io/portworx-volume',
    driver: 'pxd.portworx.com',
    handleOf: (one) => one.portworxVolume?.volumeID,
  },
];

const migratedAnnotation = 'storage.alpha.kubernetes.io/migrated-plugins';

/** Does the node attach volumes of a built-in plugin by its CSI driver? */
const isMigrated = (node: CSINode | undefined, plugin: string): boolean =>
  (node?.metadata?.annotations?.[migratedAnnotation] ?? '').split(',').includes(plugin);

const migrationOf = (source: PersistentVolumeSpec | Volume): Migration | undefined =>
  migrations.find(({ handleOf }) => handleOf(source) !== undefined);

/** Is it a volume that pods name themselves and that a CSI driver may attach? Inline CSI volumes are not attached. */
export const isMigratable = (volume: Volume): boolean => migrationOf(volume) !== undefined;

/** What a volume's source is to a node; undefined: nothing that counts. */
export function csiVolumeOf(source: PersistentVolumeSpec | Volume, node: CSINode | undefined): CsiVolume | undefined {
  const migration = migrationOf(source);
  if (!migration || !isMigrated(node, migration.plugin)) return undefined;
  return { driver: migration.driver, handle: migration.handleOf(source)! };
}

/** The driver that will provision for a class, as the node will have it. */
export function csiProvisioner(provisioner: string, node: CSINode | undefined): string | undefined {
  const migration = migrations.find(({ plugin }) => plugin === provisioner);
  if (!migration) return provisioner;
  return isMigrated(node, migration.plugin) ? migration.driver : undefined;
}
