/**
 * Creates and deletes the pods of a controlling object, with the events that upstream reports on it. Rejections are passed on
 * after they were reported; a namespace that is being deleted is reported by nobody.
 *
 * @see kubernetes/pkg/controller/controller_utils.go
 */
import { isNotFound, isStatusError, type Pod, type PodTemplateSpec } from '../api/index.ts';
import { type Client, type EventRecorder, type KubernetesObject, keyOf, pods, type Resource } from '../client/index.ts';
import { controllerReferenceTo } from './owner-references.ts';

export interface PodControl {
  /** Makes a pod from the template with the owner as its controller. `adjust` may change it before it is written. */
  create(
    owner: KubernetesObject,
    ownerResource: Resource,
    template: PodTemplateSpec,
    adjust?: (pod: Pod) => void,
  ): Promise<void>;
  /** A pod that is gone already counts as deleted. */
  delete(owner: KubernetesObject, pod: Pod): Promise<void>;
}

/** The kubelet is told of a deletion when the controller is; its `Killing` comes first, as people know it from upstream. */
const deletionNewsDelayMs = 50;

export function createPodControl(client: Client, events: EventRecorder): PodControl {
  return {
    async create(owner, ownerResource, template, adjust) {
      const pod = podFromTemplate(owner, ownerResource, template);
      adjust?.(pod);
      try {
        // The watch brings the pod; here its name is all that is asked for.
        const created = await client.create(pods, pod, { quiet: true });
        events.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata?.name}`);
      } catch (error) {
        if (!isNamespaceTerminating(error)) {
          events.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
        }
        throw error;
      }
    },
    async delete(owner, pod) {
      const name = pod.metadata?.name;
      try {
        const { uid } = pod.metadata ?? {};
        await client.delete(pods, keyOf(pod), {
          quiet: true,
          ...(uid === undefined ? {} : { preconditions: { uid } }),
        });
        events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`, { delayMs: deletionNewsDelayMs });
      } catch (error) {
        if (isNotFound(error)) return;
        events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
        throw new Error(`unable to delete pods: ${messageOf(error)}`, { cause: error });
      }
    },
  };
}

/** The template's pod, named `<owner>-<suffix>` by the server, with the template's labels, annotations and finalizers. */
export function podFromTemplate(owner: KubernetesObject, ownerResource: Resource, template: PodTemplateSpec): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const { name = '', namespace } = owner.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: prefixOf(name),
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels: { ...labels } }),
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ...(finalizers === undefined ? {} : { finalizers: [...finalizers] }),
      ownerReferences: [controllerReferenceTo(owner, ownerResource)],
    },
    ...(template.spec === undefined ? {} : { spec: { ...template.spec } }),
  };
}

/** A pod's name must be a DNS subdomain: a name too long for the dash goes without it. */
function prefixOf(controllerName: string): string {
  const prefix = `${controllerName}-`;
  return prefix.length <= 253 && /^[a-z0-9]([-a-z0-9.]*)-$/.test(prefix) ? prefix : controllerName;
}

/** Whether a create was refused because its namespace is being deleted. */
export function isNamespaceTerminating(error: unknown): boolean {
  if (!isStatusError(error)) return false;
  return error.status.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') ?? false;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
