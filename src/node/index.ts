/** The kubelet's building blocks: what the kubelet actor starts, the channels that others reach it by, and the runtime contract. */
export { startKubelet } from './kubelet.ts';
export { kubeletVersion, nodeAddresses, nodePodCidrs } from './node-object.ts';
export type { AddressFamily, KubeletOptions } from './options.ts';
export type { EventVerbosity } from './pod-events.ts';
export * from './protocol.ts';
export type * from './runtime.ts';
export type { SimulationDelays } from './simulated/behaviour.ts';
