/**
 * simulated-csi-controller: the attacher of the simulated storage driver. Not of upstream: a driver brings such a component of
 * its own (external-attacher). An attachment of the driver is attached at once.
 *
 * @see https://kubernetes-csi.github.io/docs/external-attacher.html
 */
import { isNotFound } from '../../src/api/index.ts';
import { volumeAttachments } from '../../src/client/index.ts';
import type { ControllerDefinition } from '../../src/controller/index.ts';

const simulatedDriver = 'simulated.kubehive.io';

export const simulatedCsiController: ControllerDefinition = {
  name: 'simulated-csi-controller',
  grant: {
    name: 'simulated-csi-attacher',
    rules: [{ apiGroups: ['storage.k8s.io'], resources: ['volumeattachments/status'], verbs: ['patch', 'update'] }],
  },
  reconciles: volumeAttachments,
  create({ client, lister }) {
    const attachments = lister(volumeAttachments);
    return {
      async reconcile(name) {
        const attachment = attachments.get(undefined, name);
        if (attachment?.spec.attacher !== simulatedDriver || attachment.status?.attached === true) return undefined;
        if (attachment.metadata?.deletionTimestamp !== undefined) return undefined;
        const patch = { status: { attached: true } };
        try {
          await client.patch(volumeAttachments, { name }, 'merge', patch, { subresource: 'status' });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
