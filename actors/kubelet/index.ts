/** The kubelet as an actor: one a node, under the address `kubelet/<node>`. */
import { type KubeletOptions, startKubelet } from '../../src/node/index.ts';
import { defineActor } from '../../src/runtime/index.ts';

export type { KubeletOptions } from '../../src/node/index.ts';

export const kubeletActor = defineActor<KubeletOptions>({
  name: 'kubelet',
  module: import.meta.url,
  start: startKubelet,
});
