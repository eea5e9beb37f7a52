/**
 * Which claims the volumes of a pod are, and which drivers stand for the volume plugins that Kubernetes itself once had. Pure; the
 * controllers of volumes call it.
 *
 * @see kubernetes/pkg/controller/volume/common/common.go
 * @see kubernetes/staging/src/k8s.io/csi-translation-lib
 */
import type { Pod } from '../api/index.ts';

/** Name of the index of pods by the claims that they use. */
export const volumeClaimIndex = 'volume-claims';

/** Keys of the claims that a pod uses, those of its ephemeral volumes included. */
export function volumeClaimsOf({ metadata, spec }: Pod): readonly string[] {
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return `${metadata?.namespace}/${persistentVolumeClaim.claimName}`;
    return ephemeral === undefined ? [] : `${metadata?.namespace}/${metadata?.name}-${name}`;
  });
}

const driverByPlugin: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
  'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
};

/** The driver that does the work of a former plugin; undefined when the plugin never was, or never left. */
export const migratedDriver = (plugin: string): string | undefined => driverByPlugin[plugin];
