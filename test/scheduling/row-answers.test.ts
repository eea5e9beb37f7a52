/** Which kinds of pods are remembered, and for how long. */
import { expect, test } from 'vitest';
import { NodeTable, RowAnswerCache } from '../../src/scheduling/index.ts';
import { makeNode, makePod, makeScheduler } from '../support/scheduling.ts';

function cacheOver(nodes: number) {
  const table = new NodeTable();
  for (let i = 0; i < nodes; i++) table.setNode(makeNode(`n${i}`));
  return { table, cache: new RowAnswerCache(table) };
}

test('a kind is remembered from the second time on', () => {
  const { cache } = cacheOver(3);
  expect(cache.of('a', true)).toBeUndefined();
  const answers = cache.of('a', true);
  expect(answers).toBeDefined();
  expect(cache.of('a', true)).toBe(answers);
});

test('kinds that come once take no room, and do not drive out those that come again', () => {
  const { cache } = cacheOver(3);
  cache.of('replica', true);
  const answers = cache.of('replica', true);
  for (let i = 0; i < 5000; i++) expect(cache.of(`single-${i}`, true)).toBeUndefined();
  expect(cache.of('replica', true)).toBe(answers);
});

test('of many kinds the one that was asked for longest ago makes room, and leaves nothing behind', () => {
  const { cache } = cacheOver(3);
  const made = Array.from({ length: 80 }, (_, i) => {
    cache.of(`k${i}`, true);
    return cache.of(`k${i}`, true)!;
  });
  expect(new Set(made).size).toBe(64);
  expect(cache.of('k79', true)).toBe(made[79]);
  made[79]!.filterStamps[0] = 7;
  made[79]!.victimStamps[0] = 7;
  expect(made[79]!.reuse(false)).toMatchObject({ complete: false, scoreSkips: 0 });
  expect(made[79]!.filterStamps[0]).toBe(-1);
  expect(made[79]!.victimStamps[0]).toBe(-1);
});

test('a change of nodes drops what is known, and not that the kinds came again', () => {
  const { cache, table } = cacheOver(3);
  cache.of('a', true);
  const before = cache.of('a', true);
  table.setNode(makeNode('another'));
  const after = cache.of('a', true);
  expect(after).toBeDefined();
  expect(after).not.toBe(before);
});

test('pods that are each of a kind of their own, among thousands of nodes, remember next to nothing', () => {
  const { addNodes, addPods, run, scheduler } = makeScheduler();
  addNodes(...Array.from({ length: 300 }, (_, i) => makeNode(`n${i}`)));
  addPods(...Array.from({ length: 300 }, (_, i) => makePod(`p${i}`, { requests: { cpu: `${i + 1}m` } })));
  expect(run().size).toBe(300);
  scheduler.stop();
});
