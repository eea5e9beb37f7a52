/**
 * Cluster events: what happened to which kind of object, as far as pending pods may care. Plugins register the events
 * that can make a pod they rejected schedulable; the queue moves pods by them. Actions are bits, so that matching a
 * registration costs one `and`.
 * @see kube-scheduler/framework/types.go
 */
import type { KubernetesObject } from '../client/index.ts';
import type { PodInfo } from './pod-info.ts';

export const Action = {
  Add: 1,
  Delete: 2,
  UpdateNodeAllocatable: 4,
  UpdateNodeLabel: 8,
  UpdateNodeTaint: 16,
  UpdateNodeCondition: 32,
  UpdateNodeAnnotation: 64,
  UpdatePodLabel: 128,
  UpdatePodScaleDown: 256,
  UpdatePodToleration: 512,
  UpdatePodSchedulingGatesEliminated: 1024,
  UpdatePodGeneratedResourceClaim: 2048,
  /** Any other change of the object. */
  Update: 4096,
  UpdateNodeDeclaredFeature: 8192,
} as const;

/** All actions. */
export const anyAction = 16_383;

const actionNames: ReadonlyMap<number, string> = new Map(
  Object.entries(Action).map(([name, action]) => [action, name]),
);
export type EventResource =
  | 'Node'
  | 'AssignedPod'
  | 'UnscheduledPod'
  /** The pending pod itself was changed. */
  | 'TargetPod'
  | 'PersistentVolume'
  | 'PersistentVolumeClaim'
  | 'StorageClass'
  | 'CSINode'
  | 'CSIDriver'
  | 'CSIStorageCapacity'
  | 'VolumeAttachment'
  | 'ResourceClaim'
  | 'ResourceSlice'
  | 'DeviceClass'
  | 'PodGroup'
  | '*';

export interface ClusterEvent {
  readonly resource: EventResource;
  /** Bits of {@link Action}. */
  readonly action: number;
  /** Upstream's label for logs and metrics, such as `AssignedPodDelete`. */
  readonly label: string;
}

const groups: Partial<Record<EventResource, string>> = {
  CSINode: 'storage.k8s.io/',
  CSIDriver: 'storage.k8s.io/',
  CSIStorageCapacity: 'storage.k8s.io/',
  StorageClass: 'storage.k8s.io/',
  VolumeAttachment: 'storage.k8s.io/',
  ResourceClaim: 'resource.k8s.io/',
  ResourceSlice: 'resource.k8s.io/',
  DeviceClass: 'resource.k8s.io/',
  PodGroup: 'scheduling.k8s.io/',
};

const made = new Map<EventResource, Map<number, ClusterEvent>>();

/** The event with its label; where several actions came at once, the label names the first. */
export function clusterEvent(resource: EventResource, action: number): ClusterEvent {
  let byAction = made.get(resource);
  if (!byAction) {
    byAction = new Map();
    made.set(resource, byAction);
  }
  let event = byAction.get(action);
  if (!event) {
    const name = actionNames.get(action & -action) ?? '';
    event = { resource, action, label: `${groups[resource] ?? ''}${resource}${name}` };
    byAction.set(action, event);
  }
  return event;
}

/** Should the rejected pod be tried again? Objects are the event's old and new state; one of them may be absent. */
export type QueueingHint = (
  pod: PodInfo,
  previous: KubernetesObject | undefined,
  current: KubernetesObject | undefined,
) => boolean;

export interface EventRegistration {
  readonly resource: EventResource;
  readonly action: number;
  /** Omitted: every such event queues the pod. */
  readonly hint?: QueueingHint;
  /** Key of the claim that the event is about, when it helps nobody but pods that name it: others are not even asked. */
  readonly claimKey?: (
    previous: KubernetesObject | undefined,
    current: KubernetesObject | undefined,
  ) => string | undefined;
}

export const events = {
  assignedPodAdd: clusterEvent('AssignedPod', Action.Add),
  assignedPodUpdate: clusterEvent('AssignedPod', Action.Update),
  assignedPodDelete: clusterEvent('AssignedPod', Action.Delete),
  unscheduledPodAdd: clusterEvent('UnscheduledPod', Action.Add),
  unscheduledPodUpdate: clusterEvent('UnscheduledPod', Action.Update),
  unscheduledPodDelete: clusterEvent('UnscheduledPod', Action.Delete),
  nodeAdd: clusterEvent('Node', Action.Add),
  nodeDelete: clusterEvent('Node', Action.Delete),
  unschedulableTimeout: { resource: '*', action: anyAction, label: 'UnschedulableTimeout' },
  forceActivate: { resource: '*', action: anyAction, label: 'ForceActivate' },
} as const satisfies Record<string, ClusterEvent>;

/** Does a registration cover an event? The wildcard event reaches everyone. */
export function covers(registration: EventRegistration, event: ClusterEvent): boolean {
  if (event.resource === '*') return true;
  return (
    (registration.resource === '*' || registration.resource === event.resource) &&
    (registration.action & event.action) !== 0
  );
}
