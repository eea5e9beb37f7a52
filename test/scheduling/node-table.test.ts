/** The columnar picture and its counters always say what a recount from scratch would say. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  Action,
  compileLabelSelector,
  Dimension,
  makePodInfo,
  NodeTable,
  type PodInfo,
  spreadSelector,
} from '../../src/scheduling/index.ts';
import { makeNode, makePod } from '../support/scheduling.ts';

const zone = 'zone';

type Step =
  | { do: 'node'; node: number; zone: string | undefined }
  | { do: 'drop'; node: number }
  | { do: 'add'; pod: number; node: number; app: string }
  | { do: 'remove'; pod: number };

const small = fc.integer({ min: 0, max: 5 });
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('node' as const), node: small, zone: fc.constantFrom('a', 'b', undefined) }),
  fc.record({ do: fc.constant('drop' as const), node: small }),
  fc.record({ do: fc.constant('add' as const), pod: small, node: small, app: fc.constantFrom('x', 'y') }),
  fc.record({ do: fc.constant('remove' as const), pod: small }),
);

test('requests, pod counts and counts by domain follow every step', () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 60 }), (steps) => {
      const table = new NodeTable();
      const spec = spreadSelector('default', { matchLabels: { app: 'x' } });
      const column = table.column(zone);
      const byDomain = table.index.members(spec).byDomain(column);
      const zones = new Map<number, string | undefined>();
      const placed = new Map<number, { info: PodInfo; node: number; app: string }>();
      for (const step of steps) {
        if (step.do === 'node') {
          zones.set(step.node, step.zone);
          table.setNode(makeNode(`n${step.node}`, step.zone ? { [zone]: step.zone } : {}));
        } else if (step.do === 'drop') {
          zones.delete(step.node);
          table.removeNode(`n${step.node}`);
        } else if (step.do === 'add' && !placed.has(step.pod)) {
          const pod = makePod(`p${step.pod}`, { labels: { app: step.app }, requests: { cpu: '100m' } });
          const info = makePodInfo(pod, table.index);
          table.addPod(info, `n${step.node}`);
          placed.set(step.pod, { info, node: step.node, app: step.app });
        } else if (step.do === 'remove' && placed.has(step.pod)) {
          table.removePod(placed.get(step.pod)!.info);
          placed.delete(step.pod);
        }
        expect(table.nodeCount).toBe(zones.size);
        expect([...table.order()].map((row) => table.names[row]).sort()).toEqual(
          [...zones.keys()].map((n) => `n${n}`).sort(),
        );
        for (const node of zones.keys()) {
          const row = table.rowOf(`n${node}`);
          const here = [...placed.values()].filter((one) => one.node === node);
          expect(table.podCount[row]).toBe(here.length);
          expect(table.requested[Dimension.Cpu]![row]).toBe(here.length * 100);
        }
        for (const name of ['a', 'b']) {
          const expected = [...placed.values()].filter((one) => one.app === 'x' && zones.get(one.node) === name).length;
          expect(byDomain.get(column.idOf(name))).toBe(expected);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('an update says what changed', () => {
  const table = new NodeTable();
  expect(table.setNode(makeNode('n'))).toBe(Action.Add);
  expect(table.setNode(makeNode('n'))).toBe(0);
  expect(table.setNode(makeNode('n', { a: 'b' }))).toBe(Action.UpdateNodeLabel);
  expect(table.setNode(makeNode('n', { a: 'b' }, { unschedulable: true }))).toBe(Action.UpdateNodeTaint);
  expect(table.setNode(makeNode('n', { a: 'b' }, { unschedulable: true }, { cpu: '9' }))).toBe(
    Action.UpdateNodeAllocatable,
  );
});

test('zones take turns in the order of nodes', () => {
  const table = new NodeTable();
  const label = 'topology.kubernetes.io/zone';
  for (const [name, where] of [
    ['a1', 'a'],
    ['a2', 'a'],
    ['a3', 'a'],
    ['b1', 'b'],
    ['c1', 'c'],
  ]) {
    table.setNode(makeNode(name!, { [label]: where! }));
  }
  expect([...table.order()].map((row) => table.names[row])).toEqual(['a1', 'b1', 'c1', 'a2', 'a3']);
});

test('labels of a namespace decide for selectors of namespaces', () => {
  const table = new NodeTable();
  table.setNode(makeNode('n'));
  table.addPod(makePodInfo(makePod('p', { namespace: 'team' }), table.index), 'n');
  const matcher = compileLabelSelector({ matchLabels: { kind: 'prod' } });
  const spec = {
    key: 'prod',
    parts: [{ namespaces: new Set<string>(), namespaceMatcher: matcher, matcher: () => true }],
  };
  expect(table.index.members(spec).rows.total).toBe(0);
  table.index.setNamespace('team', { kind: 'prod' });
  expect(table.index.members(spec).rows.total).toBe(1);
  table.index.setNamespace('team', {});
  expect(table.index.members(spec).rows.total).toBe(0);
});
