/** createResourceDriver and allocResourceClaims: devices on nodes, and claims that hold some of them already. */
import { z } from 'zod';
import type { ResourceClaim, ResourceSlice } from '../../src/api/index.ts';
import { expressions, loadExpressions } from '../../src/api/index.ts';
import { deviceClasses, nodes, resourceClaims, resourceSlices } from '../../src/client/resources.ts';
import { AllocatedDevices, DeviceAllocation, DeviceInventory, rememberedSelector } from '../../src/scheduling/index.ts';
import { BenchConfigError } from '../config.ts';
import { createWidth, inParallel } from './parallel.ts';
import { defineOperation } from './types.ts';

/** The devices of one node, as upstream's harness publishes them. @see scheduler_perf/dra.go resourceSlice */
function sliceOf(driver: string, nodeName: string, count: number): ResourceSlice {
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name: nodeName },
    spec: {
      driver,
      nodeName,
      pool: { name: nodeName, generation: 1, resourceSliceCount: 1 },
      devices: Array.from({ length: count }, (_, i) => ({
        name: `instance-${i}`,
        attributes: {
          model: { string: 'A100' },
          family: { string: 'GRACE' },
          driverVersion: { version: '1.2.3' },
          dra_example_com: { bool: true },
        },
        capacity: { memory: { value: '1Gi' } },
      })),
    },
  };
}

/** A shell pattern of `*` and `?`. */
function patternOf(text: string): RegExp {
  const escaped = text
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`);
}

export const createResourceDriver = defineOperation({
  opcode: 'createResourceDriver',
  schema: z.looseObject({ driverName: z.string(), nodes: z.string(), maxClaimsPerNode: z.number().int().min(0) }),
  async run(operation, run) {
    const pattern = patternOf(operation.nodes);
    const { items } = await run.client.list(nodes);
    const names = items.map(({ metadata }) => metadata?.name ?? '').filter((name) => pattern.test(name));
    await inParallel(names.length, createWidth, async (index) => {
      await run.client.create(resourceSlices, sliceOf(operation.driverName, names[index]!, operation.maxClaimsPerNode));
    });
  },
});

export const allocResourceClaims = defineOperation({
  opcode: 'allocResourceClaims',
  schema: z.looseObject({ namespace: z.string() }),
  async run({ namespace }, run) {
    await loadExpressions();
    const { items: slices } = await run.client.list(resourceSlices);
    const { items: classes } = await run.client.list(deviceClasses);
    const { items: claims } = await run.client.list(resourceClaims);
    const { items: allNodes } = await run.client.list(nodes);
    const allocated = new AllocatedDevices();
    for (const claim of claims) allocated.set(claim.metadata?.uid ?? '', claim);
    const byName = new Map(classes.map((one) => [one.metadata?.name ?? '', one]));
    const dependencies = {
      inventory: new DeviceInventory(() => slices),
      allocated,
      classOf: (name: string) => byName.get(name),
      select: rememberedSelector((expression) => {
        const selector = expressions().compileDeviceSelector(expression);
        if ('error' in selector) throw new BenchConfigError(`device selector ${expression}: ${selector.error}`);
        return (device) => selector.matches(device as Parameters<typeof selector.matches>[0]) === true;
      }),
      shareId: () => run.random.uuid(),
    };
    const wanted = claims.filter(({ metadata, status }) => metadata?.namespace === namespace && !status?.allocation);
    const given: ResourceClaim[] = [];
    let from = 0;
    for (const claim of wanted) {
      for (let tried = 0; tried < allNodes.length; tried++) {
        const node = allNodes[(from + tried) % allNodes.length]!;
        const [allocation] = new DeviceAllocation(dependencies, node, [claim]).run() ?? [];
        if (!allocation) continue;
        // The next claim goes to the next node, so that all nodes fill alike.
        from = (from + tried + 1) % allNodes.length;
        allocated.assume(claim.metadata?.uid ?? '', allocation);
        given.push({ ...claim, status: { ...claim.status, allocation } });
        break;
      }
    }
    if (given.length < wanted.length) {
      throw new BenchConfigError(
        `allocResourceClaims: only ${given.length} of ${wanted.length} claims could be allocated`,
      );
    }
    await inParallel(given.length, createWidth, async (index) => {
      const { status, ...claim } = given[index]!;
      const finalizers = [...(claim.metadata?.finalizers ?? []), 'resource.kubernetes.io/delete-protection'];
      const updated = await run.client.update(resourceClaims, {
        ...claim,
        metadata: { ...claim.metadata, finalizers },
      });
      await run.client.update(resourceClaims, { ...updated, ...(status ? { status } : {}) }, { subresource: 'status' });
    });
  },
});
