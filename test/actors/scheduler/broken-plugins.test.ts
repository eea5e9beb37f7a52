/** Plugins that throw or answer nonsense, at every extension point: the pod's attempt fails by name, the scheduler goes on. */
import { expect, test } from 'vitest';
import { plugins } from '../../../actors/scheduler/index.ts';
import { Code, type Plugin, type PluginDefinition } from '../../../src/scheduling/index.ts';
import { makeNode, makePod, makeScheduler } from '../../support/scheduling.ts';

const localBinder: PluginDefinition = {
  name: 'DefaultBinder',
  create: () => ({ name: 'DefaultBinder', bind: () => undefined }),
};
const others = [...plugins.filter(({ name }) => name !== 'DefaultBinder'), localBinder];

const fail = (): never => {
  throw new Error('broken');
};

/** A scheduler with a plugin whose hooks misbehave for the pod `bad` only, two nodes, and what was logged. */
function withPlugin(hooks: Partial<Plugin>, before = false) {
  const warnings: string[] = [];
  const odd: PluginDefinition = { name: 'Odd', create: () => ({ name: 'Odd', ...hooks }) };
  const multiPoint = before
    ? { disabled: [{ name: '*' }], enabled: ['Odd', ...others.map(({ name }) => name)].filter(isDefault).map(named) }
    : { enabled: [{ name: 'Odd' }] };
  const test = makeScheduler({
    configuration: { profiles: [{ plugins: { multiPoint } }] },
    plugins: [...others, odd],
    onWarn: (_text, fields) => warnings.push(String(fields?.['error'])),
  });
  test.addNodes(makeNode('n1'), makeNode('n2'));
  return { ...test, warnings };
}
const isDefault = (name: string) => name !== 'GangScheduling';
const named = (name: string) => ({ name });

/** Misbehaves for the pod named bad, and is silent for all others. */
const onlyBad =
  (misbehave: () => unknown) =>
  (_cycle: unknown, { name }: { name: string }): never =>
    (name === 'bad' ? misbehave() : undefined) as never;

/** Lets all that happens in the background happen. */
const background = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

const nonsense = 'the plugin answered "no", which is no verdict';

test.each<[string, Partial<Plugin>, string]>([
  ['PreFilter throws', { preFilter: onlyBad(fail) }, 'running PreFilter plugin "Odd": broken'],
  ['PreFilter answers nonsense', { preFilter: onlyBad(() => 'no') }, `running PreFilter plugin "Odd": ${nonsense}`],
  ['Filter throws', { filter: onlyBad(fail) }, 'running "Odd" filter plugin: broken'],
  ['Filter answers nonsense', { filter: onlyBad(() => 'no') }, `running "Odd" filter plugin: ${nonsense}`],
  [
    'the all-nodes filter throws',
    { filter: () => undefined, filterRows: onlyBad(fail) },
    'running "Odd" filter plugin: broken',
  ],
  [
    'the all-nodes filter contradicts the other',
    {
      filter: () => undefined,
      filterRows: (_cycle, { name }, _rows, count, failed, mark) => {
        if (name === 'bad') failed.fill(mark, 0, count);
      },
    },
    'running "Odd" filter plugin: it rejects a node in one form and accepts it in the other',
  ],
  ['PreScore throws', { preScore: onlyBad(fail), score: () => 1 }, 'running PreScore plugin "Odd": broken'],
  ['PreScore answers nonsense', { preScore: onlyBad(() => 'no'), score: () => 1 }, 'running PreScore plugin "Odd"'],
  [
    'Score throws',
    { score: (_cycle, { name }) => (name === 'bad' ? fail() : 1) },
    'running Score plugins: plugin "Odd" failed with: broken',
  ],
  [
    'Score is above 100',
    { score: (_cycle, { name }) => (name === 'bad' ? 101 : 1) },
    'plugin "Odd" returns an invalid score 101, it should in the range of [0, 100] after normalizing',
  ],
  [
    'Score is no number',
    { score: (_cycle, { name }) => (name === 'bad' ? ('much' as never) : 1) },
    'plugin "Odd" returns an invalid score',
  ],
  [
    'the all-nodes score throws',
    { score: () => 1, scoreRows: onlyBad(fail) },
    'running Score plugins: plugin "Odd" failed with: broken',
  ],
  [
    'NormalizeScore throws',
    { score: () => 1, normalizeScore: onlyBad(fail) },
    'running Score plugins: plugin "Odd" failed with: broken',
  ],
  ['Reserve throws', { reserve: onlyBad(fail) }, 'running Reserve plugin "Odd": broken'],
  ['Reserve answers nonsense', { reserve: onlyBad(() => 'no') }, `running Reserve plugin "Odd": ${nonsense}`],
  ['Permit throws', { permit: onlyBad(fail) }, 'running Permit plugin "Odd": broken'],
  ['Permit answers nonsense', { permit: onlyBad(() => 'no') }, 'running Permit plugin "Odd"'],
  ['PreBind throws', { preBind: onlyBad(fail) }, 'running PreBind plugin "Odd": broken'],
  [
    'PreBind rejects',
    { preBind: onlyBad(() => Promise.reject(new Error('late'))) },
    'running PreBind plugin "Odd": late',
  ],
  ['PreBind answers nonsense', { preBind: onlyBad(() => 'no') }, `running PreBind plugin "Odd": ${nonsense}`],
  [
    'a plugin that signs throws there',
    { sign: ({ name }) => (name === 'bad' ? fail() : ''), filter: () => undefined },
    'broken',
  ],
])('%s', async (_what, hooks, message) => {
  const { addPods, scheduler, warnings, run } = withPlugin(hooks);
  addPods(makePod('bad'));
  expect(scheduler.attemptNext()).toBe(true);
  await background();
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(message);
  expect(scheduler.queue.get('uid-default-bad')?.errorsInRow).toBe(1);
  // Nothing of it counts anywhere, and others are not bothered.
  expect(scheduler.cache.placedCount).toBe(0);
  addPods(makePod('good'));
  expect(run().has('good')).toBe(true);
  await background();
  expect(scheduler.cache.placedCount).toBe(1);
  scheduler.stop();
});

test.each<[string, Partial<Plugin>, string]>([
  ['Bind throws', { bind: onlyBad(fail) }, 'running Bind plugin "Odd": broken'],
  ['Bind answers nonsense', { bind: onlyBad(() => 'no') }, `running Bind plugin "Odd": ${nonsense}`],
])('%s', async (_what, hooks, message) => {
  const { addPods, scheduler, warnings } = withPlugin(hooks, true);
  addPods(makePod('bad'));
  scheduler.attemptNext();
  await background();
  expect(warnings[0]).toContain(message);
  expect(scheduler.cache.placedCount).toBe(0);
  scheduler.stop();
});

test.each<[string, () => unknown]>([
  ['throws', fail],
  ['answers nonsense', () => 'no'],
])('PreEnqueue that %s keeps the pod out until it is asked again', async (_what, misbehave) => {
  let isBroken = true;
  const preEnqueue = ({ name }: { name: string }) => (name === 'bad' && isBroken ? misbehave() : undefined) as never;
  const { addPods, scheduler, run, clock } = withPlugin({ preEnqueue });
  addPods(makePod('bad'), makePod('good'));
  expect([...run().keys()]).toEqual(['good']);
  expect(scheduler.queue.sizes().gated).toBe(1);
  isBroken = false;
  await clock.advance(400_000);
  expect(scheduler.queue.sizes()).toMatchObject({ gated: 0 });
  expect([...run().keys()]).toEqual(['bad']);
  scheduler.stop();
});

test('PostFilter that throws leaves the pod unschedulable, with the reason in its message', () => {
  const { addPods, messageOf, scheduler, run } = withPlugin({ postFilter: fail });
  addPods(makePod('huge', { requests: { cpu: '64' } }));
  run();
  // DefaultPreemption comes first and makes no room; then this one fails.
  expect(messageOf('huge')).toBe(
    '0/2 nodes are available: 2 Insufficient cpu. running PostFilter plugin "Odd": broken',
  );
  scheduler.stop();
});

test('Unreserve and PostBind that throw are logged, and stop nobody', async () => {
  const { addPods, scheduler, run } = withPlugin({
    reserve: () => undefined,
    unreserve: fail,
    postBind: fail,
    preBind: onlyBad(fail),
  });
  addPods(makePod('bad'), makePod('good'));
  run();
  await background();
  expect(scheduler.cache.placedCount).toBe(1);
  expect(scheduler.queue.get('uid-default-bad')?.errorsInRow).toBe(1);
  scheduler.stop();
});

test('a queueing hint that throws means yes', () => {
  const rejects: Partial<Plugin> = {
    filter: onlyBad(() => ({ code: Code.Unschedulable, reasons: ['no'] })),
    events: () => [{ resource: 'Node', action: 1, hint: fail }],
  };
  const { addPods, addNodes, scheduler, run } = withPlugin(rejects);
  addPods(makePod('bad'));
  run();
  expect(scheduler.queue.sizes().unschedulable).toBe(1);
  addNodes(makeNode('n3'));
  expect(scheduler.queue.sizes().unschedulable).toBe(0);
  scheduler.stop();
});
