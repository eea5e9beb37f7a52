/** Strategies of storage.k8s.io. @see pkg/apis/storage/v1/defaults.go, pkg/registry/storage */
import type { CSIDriver, CSIStorageCapacity, StorageClass } from '../../generated/types.ts';
import { semanticEqual } from '../semantic-equality.ts';
import { strategyOf } from '../strategy-of.ts';
import type { Strategy } from '../types.ts';
import { deprecatedNodeLabels } from './node-labels.ts';

export const storageClassStrategy = strategyOf<StorageClass>({
  defaults(storageClass: StorageClass) {
    storageClass.reclaimPolicy ??= 'Delete';
    storageClass.volumeBindingMode ??= 'Immediate';
  },
  warnings(storageClass: StorageClass) {
    const warnings: string[] = [];
    storageClass.allowedTopologies?.forEach((topology, index) => {
      topology.matchLabelExpressions?.forEach(({ key }, position) => {
        const message = deprecatedNodeLabels[key];
        if (message === undefined) return;
        warnings.push(`allowedTopologies[${index}].matchLabelExpressions[${position}]: ${message}`);
      });
    });
    return warnings;
  },
});

export const csiDriverStrategy = strategyOf<CSIDriver>({
  defaults(driver: CSIDriver) {
    driver.spec ??= {};
    const spec = driver.spec;
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  generation: false,
  prepareForUpdate(driver: CSIDriver, previous: CSIDriver) {
    // A driver starts without a generation, and gets one with its first change.
    if (semanticEqual(driver.spec, previous.spec)) return;
    driver.metadata ??= {};
    driver.metadata.generation = (previous.metadata?.generation ?? 0) + 1;
  },
  warnings(driver: CSIDriver) {
    const spec = driver.spec;
    if (!spec?.tokenRequests?.length || spec.serviceAccountTokenInSecrets !== undefined) return [];
    return [
      'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes',
    ];
  },
  allowUnconditionalUpdate: false,
});

export const csiNodeStrategy: Strategy = { allowUnconditionalUpdate: false };

export const csiStorageCapacityStrategy = strategyOf<CSIStorageCapacity>({
  allowUnconditionalUpdate: false,
  warnings({ nodeTopology }: CSIStorageCapacity) {
    const warnings: string[] = [];
    nodeTopology?.matchExpressions?.forEach(({ key }, index) => {
      const message = deprecatedNodeLabels[key];
      if (message !== undefined) warnings.push(`nodeTopology.matchExpressions[${index}]: ${key} is ${message}`);
    });
    for (const key in nodeTopology?.matchLabels) {
      const message = deprecatedNodeLabels[key];
      if (message !== undefined) warnings.push(`nodeTopology.matchLabels.${key}: ${message}`);
    }
    return warnings;
  },
});

export const volumeAttachmentStrategy: Strategy = {
  generation: false,
  initialStatus: () => ({ attached: false }),
  status: { keptMetadata: 'all' },
  allowUnconditionalUpdate: false,
};
