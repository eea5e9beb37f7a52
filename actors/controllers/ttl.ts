/**
 * ttl-controller: tells kubelets by an annotation of their Node for how long they may cache Secrets and ConfigMaps: the
 * larger the cluster, the longer.
 *
 * @see kubernetes/pkg/controller/ttl/ttl_controller.go
 */
import { isNotFound } from '../../src/api/index.ts';
import { nodes } from '../../src/client/index.ts';
import type { ControllerDefinition } from '../../src/controller/index.ts';

const annotation = 'node.alpha.kubernetes.io/ttl';

/** The ranges overlap, so that a cluster at a boundary does not swing. */
const steps = [
  { sizeMin: 0, sizeMax: 100, seconds: 0 },
  { sizeMin: 90, sizeMax: 500, seconds: 15 },
  { sizeMin: 450, sizeMax: 1_000, seconds: 30 },
  { sizeMin: 900, sizeMax: 2_000, seconds: 60 },
  { sizeMin: 1_800, sizeMax: Number.POSITIVE_INFINITY, seconds: 300 },
] as const;

export const ttlController: ControllerDefinition = {
  name: 'ttl-controller',
  queue: 'ttlcontroller',
  reconciles: nodes,
  create({ client, lister, observe }) {
    const nodeLister = lister(nodes);
    let size = 0;
    let step = 0;
    observe(nodes, ({ type }) => {
      if (type === 'added') size++;
      else if (type === 'deleted') size--;
      if (size > steps[step]!.sizeMax) step++;
      else if (size < steps[step]!.sizeMin) step--;
    });
    return {
      async reconcile(name) {
        const node = nodeLister.get(undefined, name);
        const { seconds } = steps[step]!;
        const current = node?.metadata?.annotations?.[annotation] ?? '';
        if (node === undefined || (/^[+-]?\d+$/.test(current) && Number(current) === seconds)) return undefined;
        const value = String(seconds);
        try {
          await client.patch(nodes, { name }, 'merge', { metadata: { annotations: { [annotation]: value } } });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
