/**
 * ephemeral-volume-controller: makes the claims of pods' generic ephemeral volumes; the pod owns them, so they go with it.
 *
 * @see kubernetes/pkg/controller/volume/ephemeral/controller.go
 */
import { isAlreadyExists, type Pod, type Volume } from '../../src/api/index.ts';
import { persistentVolumeClaims, pods, type Resource } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  controllerMetrics,
  controllerReferenceTo,
  keyFor,
  messageOf,
  splitKey,
  volumeClaimIndex,
  volumeClaimsOf,
} from '../../src/controller/index.ts';

export const ephemeralVolumeController: ControllerDefinition = {
  name: 'ephemeral-volume-controller',
  queue: 'ephemeral_volume',
  component: 'ephemeral_volume',
  serviceAccount: 'ephemeral-volume-controller',
  interests: [{ resource: pods, interest: 'claiming' }],
  create({ client, context, enqueue, events, index, lister, observe }) {
    const podLister = lister(pods);
    const claimLister = lister(persistentVolumeClaims);
    const metrics = controllerMetrics(context.metrics, 'ephemeral_volume_controller_');
    observe(pods, ({ type, object }) => {
      if (type !== 'deleted' && object.spec?.volumes?.some(({ ephemeral }) => ephemeral !== undefined)) {
        enqueue(keyFor(object));
      }
    });
    index(pods, volumeClaimIndex, volumeClaimsOf);
    // A claim that somebody deleted is made again, and one that stood in the way is gone.
    observe(persistentVolumeClaims, ({ type, object }) => {
      if (type !== 'deleted') return;
      for (const pod of podLister.byIndex(volumeClaimIndex, keyFor(object))) enqueue(keyFor(pod));
    });

    /** @throws Error when the claim's name is taken by a claim of others */
    async function makeClaim(pod: Pod, volume: Volume): Promise<void> {
      const { namespace, name: podName, uid } = pod.metadata ?? {};
      const name = `${podName}-${volume.name}`;
      const existing = claimLister.get(namespace, name);
      if (existing !== undefined) {
        const owned = existing.metadata?.ownerReferences?.some(
          (owner) => owner.uid === uid && owner.controller === true,
        );
        if (owned === true) return;
        throw new Error(`PVC ${namespace}/${name} was not created for pod ${namespace}/${podName} (pod is not owner)`);
      }
      const template = volume.ephemeral?.volumeClaimTemplate;
      const { labels, annotations } = template?.metadata ?? {};
      metrics.count('ephemeral_volume_controller_create_total');
      const claim = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: {
          name,
          namespace,
          ...(labels === undefined ? {} : { labels }),
          ...(annotations === undefined ? {} : { annotations }),
          ownerReferences: [controllerReferenceTo(pod, pods as Resource)],
        },
        ...(template === undefined ? {} : { spec: template.spec }),
      };
      try {
        await client.create(persistentVolumeClaims, claim);
      } catch (error) {
        metrics.count('ephemeral_volume_controller_create_failures_total');
        // Just made, and not in the cache yet: a second look decides whose it is.
        if (isAlreadyExists(error)) throw error;
        throw new Error(`create PVC ${name}: ${messageOf(error)}`, { cause: error });
      }
    }

    return {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const pod = podLister.get(namespace, name);
        if (pod === undefined || pod.metadata?.deletionTimestamp !== undefined) return undefined;
        for (const volume of pod.spec?.volumes ?? []) {
          if (volume.ephemeral === undefined) continue;
          try {
            await makeClaim(pod, volume);
          } catch (error) {
            if (isAlreadyExists(error)) throw error;
            const message = `ephemeral volume ${volume.name}: ${messageOf(error)}`;
            events.event(pod, 'Warning', 'FailedBinding', message);
            throw new Error(message, { cause: error });
          }
        }
        return undefined;
      },
    };
  },
};
