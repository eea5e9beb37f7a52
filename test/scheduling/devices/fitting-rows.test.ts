/** Remembered answers are those that the allocation would give, whatever is taken, given back, published or renamed. */
import { expect, test } from 'vitest';
import type { DeviceClass, Node, ResourceClaim, ResourceSlice } from '../../../src/api/index.ts';
import { seededRandom } from '../../../src/runtime/index.ts';
import { AllocatedDevices, DeviceAllocation, DeviceInventory, FittingRows } from '../../../src/scheduling/index.ts';
import { makeNode } from '../../support/scheduling.ts';

const gpu: DeviceClass = { metadata: { name: 'gpu' }, spec: {} };

/** A pool of one slice: of one node, or of those with a label. */
function slice(pool: string, devices: number, where: Partial<ResourceSlice['spec']>): ResourceSlice {
  return {
    metadata: { name: `s-${pool}` },
    spec: {
      driver: 'gpu.example.com',
      pool: { name: pool, generation: 1, resourceSliceCount: 1 },
      devices: Array.from({ length: devices }, (_, i) => ({ name: `d${i}` })),
      ...where,
    },
  };
}

const claimOf = (uid: string, count: number): ResourceClaim => ({
  metadata: { name: uid, namespace: 'd', uid },
  spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu', count } }] } },
});

const inRack: Partial<ResourceSlice['spec']> = {
  nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'rack', operator: 'In', values: ['a'] }] }] },
};

function world(slices: ResourceSlice[]) {
  const allocated = new AllocatedDevices();
  const inventory = new DeviceInventory(() => slices);
  const plain = (node: Node, claims: ResourceClaim[]) =>
    new DeviceAllocation(
      { inventory, allocated, classOf: () => gpu, select: () => true, shareId: () => 'share' },
      node,
      claims,
    ).run();
  return { allocated, inventory, plain, fitting: new FittingRows(inventory, allocated) };
}

test.each([1, 2, 3, 4])('what is remembered is what the allocation says (seed %i)', (seed) => {
  const random = seededRandom(seed);
  const below = (n: number) => Math.floor(random.next() * n);
  const nodes = Array.from({ length: 8 }, (_, i) => makeNode(`n${i}`, { rack: i < 4 ? 'a' : 'b' }));
  const slices = nodes.map(({ metadata }, i) => slice(`p${i}`, 3, { nodeName: metadata!.name! }));
  const { allocated, inventory, plain, fitting } = world(slices);
  /** Another slice in place of one: now and then the whole inventory is told to look again. */
  const replace = (at: number, by: ResourceSlice) => {
    const previous = slices[at]!;
    slices[at] = by;
    if (previous.metadata!.name === by.metadata!.name) inventory.changed(previous, by);
    else if (below(4) === 0) inventory.invalidate();
    else {
      inventory.changed(previous, undefined);
      inventory.changed(undefined, by);
    }
    const anew = new DeviceInventory(() => slices);
    for (const node of nodes) expect(inventory.reachable(node)).toEqual(anew.reachable(node));
  };
  const held: string[] = [];
  let remembered = 0;
  for (let step = 0; step < 600; step++) {
    const claim = claimOf(`c${step}`, 1 + below(3));
    const answers = fitting.of([claim]);
    for (const [row, node] of nodes.entries()) {
      const fits = plain(node, [claim]) !== undefined;
      const known = answers.get(row, node);
      if (known === undefined) answers.set(row, node, fits);
      else {
        remembered++;
        expect(known).toBe(fits);
      }
    }
    const what = below(40);
    if (what === 0) {
      replace(below(8), slice(`p${below(8)}x${step}`, 1 + below(4), { nodeName: `n${below(8)}` }));
    } else if (what === 1) {
      replace(0, slice('rack', 2, below(2) === 0 ? inRack : { nodeName: `n${below(8)}` }));
    } else if (what === 2) {
      const row = below(8);
      nodes[row] = makeNode(`n${row}`, { rack: below(2) === 0 ? 'a' : 'b' });
    } else if (what < 18 && held.length > 0) {
      allocated.forget(held.splice(below(held.length), 1)[0]!);
    } else {
      const allocation = plain(nodes[below(8)]!, [claim])?.[0];
      if (!allocation) continue;
      allocated.assume(claim.metadata!.uid!, allocation);
      held.push(claim.metadata!.uid!);
    }
  }
  expect(remembered).toBeGreaterThan(1000);
});

test('taking a device of one node leaves what is known of others', () => {
  const [here, there] = [makeNode('n1'), makeNode('n2')];
  const { allocated, plain, fitting } = world([slice('p1', 1, { nodeName: 'n1' }), slice('p2', 1, { nodeName: 'n2' })]);
  const claims = [claimOf('one', 1)];
  fitting.of(claims).set(0, here, true);
  fitting.of(claims).set(1, there, true);
  expect(fitting.of([claimOf('two', 1)]).get(0, here)).toBe(true);
  expect(fitting.of([claimOf('two', 2)]).get(0, here)).toBeUndefined();
  allocated.assume('one', plain(here, claims)![0]!);
  expect(fitting.of(claims).get(0, here)).toBeUndefined();
  expect(fitting.of(claims).get(1, there)).toBe(true);
});

test('a change of device classes, and another node on the row, leave nothing', () => {
  const node = makeNode('n1');
  const { fitting } = world([slice('p1', 1, { nodeName: 'n1' })]);
  const claims = [claimOf('one', 1)];
  fitting.of(claims).set(0, node, true);
  expect(fitting.of(claims).get(0, makeNode('n1'))).toBeUndefined();
  fitting.clear();
  expect(fitting.of(claims).get(0, node)).toBeUndefined();
});
