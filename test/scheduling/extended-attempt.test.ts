/** Attempts in which an extender has a say: what becomes of a nomination, and what is explained. */
import { afterEach, expect, test } from 'vitest';
import { RealClock } from '../../src/runtime/index.ts';
import { Explanations } from '../../src/scheduling/index.ts';
import { startExtender, type TestExtender } from '../support/extender.ts';
import { makeNode, makePod, makeScheduler } from '../support/scheduling.ts';

let server: TestExtender | undefined;
afterEach(() => {
  server?.stop();
  server = undefined;
});

/** A scheduler over nodes n1 to n3 whose extender refuses one of them. */
async function withRefusal(refused: string) {
  server = await startExtender((_path, { NodeNames }) => ({
    nodenames: (NodeNames as string[]).filter((name) => name !== refused),
    failedNodes: { [refused]: 'not that one' },
  }));
  const { urlPrefix } = server;
  const explanations = new Explanations(true);
  const made = makeScheduler({
    explanations,
    clock: new RealClock(),
    configuration: { extenders: [{ urlPrefix, filterVerb: 'filter', nodeCacheCapable: true }] },
  });
  made.addNodes(makeNode('n1'), makeNode('n2'), makeNode('n3'));
  const placed = async (name: string) => {
    await expect
      .poll(() => made.attempts.find(({ pod }) => pod.name === name)?.nodeName, { timeout: 60_000 })
      .toBeDefined();
    return made.attempts.find(({ pod }) => pod.name === name)?.nodeName;
  };
  return { ...made, explanations, placed };
}

test('a pod whose nominated node an extender refuses goes elsewhere', async () => {
  const { addPods, run, placed, scheduler } = await withRefusal('n2');
  const pod = makePod('p');
  addPods({ ...pod, status: { phase: 'Pending', nominatedNodeName: 'n2' } });
  run();
  expect(await placed('p')).toMatch(/^n[13]$/);
  expect(server!.asked.map(({ body }) => (body as { NodeNames: string[] }).NodeNames.length)).toEqual([1, 3]);
  scheduler.stop();
});

test('what an extender refused is explained', async () => {
  const { addPods, run, placed, explanations, scheduler } = await withRefusal('n2');
  addPods(makePod('p'));
  run();
  await placed('p');
  const [attempt] = explanations.answer({ name: 'p' }).attempts;
  expect(attempt).toMatchObject({ nodesLookedAt: 3, nodesFitting: 2 });
  expect(attempt?.refusals).toEqual([{ plugin: '(extenders)', reason: 'not that one', nodes: 1 }]);
  scheduler.stop();
});
