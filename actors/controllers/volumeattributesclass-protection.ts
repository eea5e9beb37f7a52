/**
 * volumeattributesclass-protection-controller: a class that is being deleted stays, by its finalizer, as long as a claim or a
 * volume names it.
 *
 * @see kubernetes/pkg/controller/volume/vacprotection/vac_protection_controller.go
 */
import { isNotFound, type PersistentVolumeClaim } from '../../src/api/index.ts';
import { persistentVolumeClaims, persistentVolumes, volumeAttributesClasses } from '../../src/client/index.ts';
import type { ControllerDefinition } from '../../src/controller/index.ts';

const finalizer = 'kubernetes.io/vac-protection';
const classIndex = 'volume-attributes-class';

/** The classes that a claim asks for, has, or is on its way to. */
function classesOf({ spec, status }: PersistentVolumeClaim): readonly string[] {
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return [...new Set(names.filter((name): name is string => name !== undefined && name !== ''))];
}

export const volumeAttributesClassProtectionController: ControllerDefinition = {
  name: 'volumeattributesclass-protection-controller',
  queue: 'vacprotection',
  reconciles: volumeAttributesClasses,
  create({ client, enqueue, index, lister, observe }) {
    const classes = lister(volumeAttributesClasses);
    const claims = lister(persistentVolumeClaims);
    const volumes = lister(persistentVolumes);
    index(persistentVolumeClaims, classIndex, classesOf);
    index(persistentVolumes, classIndex, ({ spec }) =>
      spec?.volumeAttributesClassName === undefined ? [] : [spec.volumeAttributesClassName],
    );
    observe(persistentVolumeClaims, (change) => {
      if (change.type === 'deleted') for (const name of classesOf(change.object)) enqueue(name);
      else if (change.type === 'updated') for (const name of classesOf(change.previous)) enqueue(name);
    });
    observe(persistentVolumes, (change) => {
      const before = change.type === 'updated' ? change.previous : change.object;
      const name = before.spec?.volumeAttributesClassName;
      if (change.type !== 'added' && name !== undefined) enqueue(name);
    });
    return {
      async reconcile(name) {
        const found = classes.get(undefined, name);
        if (found === undefined) return undefined;
        const finalizers = found.metadata?.finalizers ?? [];
        const deleting = found.metadata?.deletionTimestamp !== undefined;
        if (finalizers.includes(finalizer) !== deleting) return undefined;
        const used = claims.byIndex(classIndex, name).length + volumes.byIndex(classIndex, name).length > 0;
        if (deleting && used) return undefined;
        const wanted = deleting ? finalizers.filter((other) => other !== finalizer) : [...finalizers, finalizer];
        try {
          await client.update(volumeAttributesClasses, {
            ...found,
            metadata: { ...found.metadata, finalizers: wanted },
          });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
