/**
 * Kubehive: a Kubernetes control plane with its nodes, as an actor runtime. `Cluster.start()` is the way in; the parts stand
 * by themselves under `kubehive/runtime`, `kubehive/store`, `kubehive/client`, `kubehive/controller` and `kubehive/scheduling`.
 */

export { StatusError } from './api/index.ts';
export type { Client, KubernetesObject, ListOptions, ObjectKey, Resource, WatchEvent } from './client/index.ts';
export * as resources from './client/resources.ts';
export * from './cluster/index.ts';
