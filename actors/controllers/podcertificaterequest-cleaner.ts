/**
 * podcertificaterequest-cleaner-controller: deletes PodCertificateRequests that are older than any exchange between a kubelet and
 * a signer takes.
 *
 * @see kubernetes/pkg/controller/certificates/cleaner/pcrcleaner.go
 */
import { isConflict, isNotFound } from '../../src/api/index.ts';
import { podCertificateRequests } from '../../src/client/index.ts';
import { type ControllerDefinition, splitKey, timeMs } from '../../src/controller/index.ts';

const keptMs = 15 * 60_000;

export const podCertificateRequestCleanerController: ControllerDefinition = {
  name: 'podcertificaterequest-cleaner-controller',
  serviceAccount: 'podcertificaterequestcleaner',
  needs: podCertificateRequests,
  reconciles: podCertificateRequests,
  create({ client, context, lister }) {
    const requests = lister(podCertificateRequests);
    return {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const { uid = '', creationTimestamp } = requests.get(namespace, name)?.metadata ?? {};
        if (uid === '') return undefined;
        const leftMs = timeMs(creationTimestamp) + keptMs - context.clock.now();
        if (leftMs > 0) return { requeueAfterMs: leftMs, background: true };
        try {
          await client.delete(podCertificateRequests, { namespace, name }, { preconditions: { uid } });
        } catch (error) {
          // Another one of its name is looked at when its own time is up.
          if (!isNotFound(error) && !isConflict(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
