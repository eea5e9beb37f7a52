/** createNodes and createNamespaces. */
import { z } from 'zod';
import type { Node } from '../../src/api/index.ts';
import { csiNodes, nodes } from '../../src/client/resources.ts';
import { defaultNode } from '../objects.ts';
import { createWidth, inParallel } from './parallel.ts';
import { type CreatedNode, defineOperation, type Run, templateParams } from './types.ts';

const count = z.number().int().min(0);

export const createNodes = defineOperation({
  opcode: 'createNodes',
  schema: z.looseObject({
    count,
    nodeTemplatePath: z.string().optional(),
    templateParams,
    labelNodePrepareStrategy: z.looseObject({ labelKey: z.string(), labelValues: z.array(z.string()) }).optional(),
    uniqueNodeLabelStrategy: z.looseObject({ labelKey: z.string() }).optional(),
    nodeAllocatableStrategy: z
      .looseObject({
        nodeAllocatable: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
        csiNodeAllocatable: z.record(z.string(), z.looseObject({ count: z.number().optional() })).optional(),
        migratedPlugins: z.array(z.string()).optional(),
      })
      .optional(),
  }),
  async run(operation, run) {
    const make =
      operation.nodeTemplatePath === undefined
        ? defaultNode
        : run.objects(operation.nodeTemplatePath, operation.templateParams);
    const label = operation.labelNodePrepareStrategy;
    const unique = operation.uniqueNodeLabelStrategy;
    const allocatable = operation.nodeAllocatableStrategy;
    const created: CreatedNode[] = [];
    await inParallel(operation.count, createWidth, async (index) => {
      const node = make(index, operation.count) as Node;
      const { generateName = 'node-', name = `${generateName}${run.random.suffix(10)}`, ...rest } = node.metadata ?? {};
      const metadata = { ...rest, name };
      // As upstream's harness, which knows the name before the API server does: what a kubelet would set.
      const labels: Record<string, string> = { ...metadata.labels, 'kubernetes.io/hostname': name };
      if (label !== undefined) labels[label.labelKey] = label.labelValues[index % label.labelValues.length] ?? '';
      if (unique !== undefined) labels[unique.labelKey] = String(index);
      const capacity = { ...node.status?.capacity };
      const added = Object.fromEntries(
        Object.entries(allocatable?.nodeAllocatable ?? {}).map(([name, amount]) => [name, String(amount)]),
      );
      await run.client.create(nodes, {
        ...node,
        metadata: { ...metadata, labels },
        status: {
          ...node.status,
          capacity: { ...capacity, ...added },
          allocatable: { ...(node.status?.allocatable ?? capacity), ...added },
          ...(run.declaredFeatures.length === 0 ? {} : { declaredFeatures: [...run.declaredFeatures] }),
        },
      });
      created.push({ name, capacity: { ...capacity, ...added } });
      if (allocatable?.csiNodeAllocatable !== undefined) {
        await run.client.create(csiNodes, {
          apiVersion: 'storage.k8s.io/v1',
          kind: 'CSINode',
          metadata: {
            name,
            annotations: {
              'storage.alpha.kubernetes.io/migrated-plugins': (allocatable.migratedPlugins ?? []).join(','),
            },
          },
          spec: {
            drivers: Object.entries(allocatable.csiNodeAllocatable).map(([driver, limits]) => ({
              name: driver,
              nodeID: driver,
              allocatable: limits.count === undefined ? {} : { count: limits.count },
            })),
          },
        });
      }
    });
    await run.nodesCreated(created);
  },
});

export const createNamespaces = defineOperation({
  opcode: 'createNamespaces',
  schema: z.looseObject({ prefix: z.string(), count, namespaceTemplatePath: z.string().optional() }),
  async run(operation, run: Run) {
    const make =
      operation.namespaceTemplatePath === undefined ? undefined : run.objects(operation.namespaceTemplatePath);
    await inParallel(operation.count, createWidth, async (index) => {
      const template = make?.(index, operation.count);
      await run.ensureNamespace(`${operation.prefix}-${index}`, template?.metadata?.labels);
    });
  },
});
