/** KubeSchedulerConfiguration: defaults, merging, expansion by extension point, and what is refused. */
import { expect, test } from 'vitest';
import { plugins } from '../../actors/scheduler/index.ts';
import { defaultPlugins, expandPlugins, type Plugin, parseConfiguration } from '../../src/scheduling/index.ts';
import { makeNode, makePod, makeScheduler } from '../support/scheduling.ts';

const stub = (name: string, hooks: readonly string[]): Plugin =>
  ({ name, ...Object.fromEntries(hooks.map((hook) => [hook, () => undefined])) }) as Plugin;
const instances = new Map(
  [
    stub('Sort', ['less']),
    stub('A', ['filter', 'score']),
    stub('B', ['filter', 'score']),
    stub('C', ['score']),
    stub('Bind', ['bind']),
  ].map((plugin) => [plugin.name, plugin]),
);
const base = [{ name: 'Sort' }, { name: 'A', weight: 2 }, { name: 'B' }, { name: 'Bind' }];

function expandWith(points: Record<string, unknown>) {
  const { profiles } = parseConfiguration({
    profiles: [{ plugins: { multiPoint: { enabled: base, disabled: [{ name: '*' }] }, ...points } }],
  });
  return expandPlugins(profiles[0]!, instances);
}

test('the defaults name every in-tree plugin, and each of them is there', () => {
  const known = new Set(plugins.map(({ name }) => name));
  expect(defaultPlugins.map(({ name }) => name).filter((name) => !known.has(name))).toEqual([]);
  expect(known.size).toBe(plugins.length);
});

test('clientConnection says how many events are written, with its own defaults and none below zero', () => {
  const eventsOf = (clientConnection?: unknown) => parseConfiguration({ clientConnection }).events;
  expect(eventsOf()).toEqual({ pace: { perSecond: 500, burst: 2000 }, writesUsual: 2 });
  expect(eventsOf({ qps: 0, burst: 0, contentType: 'application/json' })).toEqual(eventsOf());
  expect(eventsOf({ qps: 50 })).toEqual({ pace: { perSecond: 50, burst: 2000 } });
  expect(eventsOf({ qps: 0.5, burst: 7 })).toEqual({ pace: { perSecond: 0.5, burst: 7 } });
  expect(eventsOf({ qps: -1 })).toEqual({});
  expect(() => eventsOf({ burst: -1 })).toThrow('clientConnection.burst: Invalid value: -1: must be non-negative');
  expect(() => eventsOf({ qps: 'fast' })).toThrow('clientConnection.qps: must be a number');
  expect(() => eventsOf({ rate: 1 })).toThrow('clientConnection');
});

test('multiPoint enables a plugin wherever it has hooks, with its weight', () => {
  const sets = expandWith({});
  expect(sets.filter.map(({ name }) => name)).toEqual(['A', 'B']);
  expect(sets.score.map(({ plugin, weight }) => [plugin.name, weight])).toEqual([
    ['A', 2],
    ['B', 1],
  ]);
});

test('an extension point overrides, adds, and leaves out', () => {
  const sets = expandWith({
    score: {
      enabled: [
        { name: 'C', weight: 7 },
        { name: 'B', weight: 5 },
      ],
      disabled: [{ name: 'A' }],
    },
  });
  expect(sets.score.map(({ plugin, weight }) => [plugin.name, weight])).toEqual([
    ['B', 5],
    ['C', 7],
  ]);
  expect(sets.filter.map(({ name }) => name)).toEqual(['A', 'B']);
  expect(expandWith({ filter: { disabled: [{ name: '*' }] } }).filter).toEqual([]);
});

test.each([
  [{ apiVersion: 'kubescheduler.config.k8s.io/v1beta3' }, /apiVersion: Unsupported value/],
  [{ profile: [] }, /strict decoding error: unknown field "profile"/],
  [{ percentageOfNodesToScore: 101 }, /percentageOfNodesToScore: Invalid value: 101/],
  [{ podInitialBackoffSeconds: 20 }, /podMaxBackoffSeconds: Invalid value: 10/],
  [{ profiles: [{}, {}] }, /profiles\[1\].schedulerName: Duplicate value: profiles\[0\].schedulerName/],
  [
    { profiles: [{ pluginConfig: [{ name: 'X' }, { name: 'X' }] }] },
    /profiles\[0\].pluginConfig\[1\]: Duplicate value: "X"/,
  ],
  [
    { extenders: [{ urlPrefix: 'http://x', prioritizeVerb: 'p' }] },
    /extenders\[0\].weight: Invalid value: 0: must have a positive weight applied to it/,
  ],
])('refuses %j', (configuration, message) => {
  expect(() => parseConfiguration(configuration)).toThrow(message);
});

test('an unknown plugin, and bad arguments, fail when the scheduler is made', () => {
  const make = (profile: unknown) => () => makeScheduler({ configuration: { profiles: [profile] } });
  expect(make({ plugins: { filter: { enabled: [{ name: 'Nope' }] } } })).toThrow(/plugin "Nope" does not exist/);
  expect(make({ pluginConfig: [{ name: 'InterPodAffinity', args: { hardPodAffinityWeight: 101 } }] })).toThrow(
    /not in valid range/,
  );
});

test('profiles differ: one packs, one spreads', () => {
  const { addNodes, addPods, run, scheduler } = makeScheduler({
    configuration: {
      profiles: [
        {},
        {
          schedulerName: 'packer',
          pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'MostAllocated' } } }],
          plugins: { score: { disabled: [{ name: 'NodeResourcesBalancedAllocation' }] } },
        },
      ],
    },
  });
  addNodes(makeNode('empty'), makeNode('used'));
  addPods(makePod('filler', { nodeName: 'used', requests: { cpu: '1', memory: '2Gi' } }));
  addPods(makePod('spread', { requests: { cpu: '100m', memory: '200Mi' } }));
  expect(run().get('spread')).toBe('empty');
  addPods(makePod('packed', { schedulerName: 'packer', requests: { cpu: '100m', memory: '200Mi' } }));
  expect(run().get('packed')).toBe('used');
  scheduler.stop();
});
