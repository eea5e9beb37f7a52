/** Composition: options in, a running cluster out. */
export { Cluster } from './cluster.ts';
export {
  type ClusterOptions,
  ClusterOptionsError,
  type ListenOptions,
  type NodeGroup,
  type StartProgress,
} from './options.ts';
export type { SecurityOptions } from './security.ts';
export { componentGroups, UnknownComponentError } from './selection.ts';
