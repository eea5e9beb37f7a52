/** `POST …/bindings`: the old way to bind a pod. */
import type { KindDefinition } from '../../../src/api/index.ts';
import { bindPod } from '../subresources/binding.ts';
import type { VirtualKind } from './handler.ts';

export const bindings: VirtualKind = {
  prefix: '/registry/bindings',
  create(call, server) {
    const pods = server.registry.byResource('', 'v1', 'pods') as KindDefinition;
    return bindPod(call, server, pods, call.object?.metadata.name ?? '', call.object as never);
  },
};
