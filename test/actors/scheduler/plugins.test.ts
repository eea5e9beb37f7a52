/** Each plugin's semantics, by upstream's documented examples: where a pod goes, or that it goes nowhere. */
import { describe, expect, test } from 'vitest';
import type { Node, Pod, PodSpec, Toleration } from '../../../src/api/index.ts';
import { makeNode, makePod, makeScheduler } from '../../support/scheduling.ts';

function place(nodes: readonly Node[], existing: readonly Pod[], pod: Pod): string | undefined {
  const { addNodes, addPods, run, scheduler } = makeScheduler();
  addNodes(...nodes);
  addPods(...existing);
  addPods(pod);
  const placed = run().get(pod.metadata!.name!);
  scheduler.stop();
  return placed;
}

const zoned = (zones: Record<string, string>) => Object.entries(zones).map(([name, zone]) => makeNode(name, { zone }));
const labelled = (name: string, nodeName: string, labels: Record<string, string>, spec: Partial<PodSpec> = {}) =>
  makePod(name, { nodeName, labels, ...spec });

describe('TaintToleration', () => {
  const tainted = makeNode('t', {}, { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] });
  test.each<[string, Toleration[], boolean]>([
    ['no toleration', [], false],
    ['Equal', [{ key: 'k', operator: 'Equal', value: 'v', effect: 'NoSchedule' }], true],
    ['another value', [{ key: 'k', value: 'w', effect: 'NoSchedule' }], false],
    ['Exists', [{ key: 'k', operator: 'Exists' }], true],
    ['everything', [{ operator: 'Exists' }], true],
    ['another effect', [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }], false],
  ])('%s', (_name, tolerations, fits) => {
    expect(place([tainted], [], makePod('p', { tolerations }))).toBe(fits ? 't' : undefined);
  });

  test('soft taints only make a node less liked', () => {
    const soft = makeNode('soft', {}, { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] });
    expect(place([soft, makeNode('clean')], [], makePod('p'))).toBe('clean');
    expect(place([soft], [], makePod('p'))).toBe('soft');
  });
});

describe('NodeAffinity', () => {
  const require = (...matchExpressions: { key: string; operator: string; values?: string[] }[]) =>
    makePod('p', {
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } },
      },
    });
  const nodes = [makeNode('one', { cores: '1', disk: 'hdd' }), makeNode('eight', { cores: '8', disk: 'ssd' })];
  test.each([
    ['In', require({ key: 'disk', operator: 'In', values: ['ssd', 'nvme'] }), 'eight'],
    ['NotIn', require({ key: 'disk', operator: 'NotIn', values: ['ssd'] }), 'one'],
    ['Gt', require({ key: 'cores', operator: 'Gt', values: ['4'] }), 'eight'],
    ['Lt', require({ key: 'cores', operator: 'Lt', values: ['4'] }), 'one'],
    ['Exists of nothing', require({ key: 'gone', operator: 'Exists' }), undefined],
    [
      'expressions all hold',
      require({ key: 'disk', operator: 'Exists' }, { key: 'cores', operator: 'Gt', values: ['9'] }),
      undefined,
    ],
  ])('%s', (_name, pod, expected) => {
    expect(place(nodes, [], pod)).toBe(expected);
  });

  test('the heavier preferences win', () => {
    const prefer = (weight: number, key: string, value: string) => ({
      weight,
      preference: { matchExpressions: [{ key, operator: 'In', values: [value] }] },
    });
    const pod = makePod('p', {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            prefer(10, 'disk', 'hdd'),
            prefer(60, 'disk', 'ssd'),
            prefer(1, 'cores', '1'),
          ],
        },
      },
    });
    expect(place(nodes, [], pod)).toBe('eight');
  });
});

describe('PodTopologySpread', () => {
  const spread = (extra = {}) => ({
    labels: { foo: 'bar' },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { foo: 'bar' } },
        ...extra,
      },
    ],
  });
  const nodes = zoned({ n1: 'a', n2: 'a', n3: 'b', n4: 'b' });
  const three = [
    labelled('x', 'n1', { foo: 'bar' }),
    labelled('y', 'n2', { foo: 'bar' }),
    labelled('z', 'n3', { foo: 'bar' }),
  ];
  test('the zone with fewer pods takes the next', () => {
    expect(['n3', 'n4']).toContain(place(nodes, three, makePod('p', spread())));
  });
  test('pods of another namespace do not count', () => {
    const others = [makePod('x', { namespace: 'other', nodeName: 'n3', labels: { foo: 'bar' } })];
    expect(place(nodes.slice(2), [...others], makePod('p', spread()))).toBeDefined();
  });
  test('fewer domains than minDomains count as an empty one', () => {
    expect(
      place(zoned({ n1: 'a' }), [labelled('x', 'n1', { foo: 'bar' })], makePod('p', spread({ minDomains: 2 }))),
    ).toBeUndefined();
    expect(place(zoned({ n1: 'a' }), [labelled('x', 'n1', { foo: 'bar' })], makePod('p', spread()))).toBe('n1');
  });
  test('terminating pods do not count', () => {
    const going = labelled('x', 'n1', { foo: 'bar' });
    going.metadata!.deletionTimestamp = '2026-01-01T00:00:00Z';
    const where = place(
      zoned({ n1: 'a', n2: 'b' }),
      [going, labelled('y', 'n2', { foo: 'bar' })],
      makePod('p', spread()),
    );
    expect(where).toBe('n1');
  });
  test('a node that the pod cannot use counts only when told to ignore that', () => {
    const cluster = [makeNode('n1', { zone: 'a', use: 'y' }), makeNode('n2', { zone: 'b' })];
    const existing = [labelled('x', 'n1', { foo: 'bar' })];
    const pod = (policy: string) =>
      makePod('p', { ...spread({ nodeAffinityPolicy: policy }), nodeSelector: { use: 'y' } });
    expect(place(cluster, existing, pod('Honor'))).toBe('n1');
    expect(place(cluster, existing, pod('Ignore'))).toBeUndefined();
  });
  test('ScheduleAnyway prefers the emptier zone', () => {
    const pod = makePod('p', spread({ whenUnsatisfiable: 'ScheduleAnyway' }));
    expect(place(zoned({ n1: 'a', n2: 'b' }), [labelled('x', 'n1', { foo: 'bar' })], pod)).toBe('n2');
  });
});

describe('InterPodAffinity', () => {
  const term = (labels: Record<string, string>, extra = {}) => ({
    labelSelector: { matchLabels: labels },
    topologyKey: 'zone',
    ...extra,
  });
  const near = (extra = {}) => ({
    affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term({ app: 'x' }, extra)] } },
  });
  const away = (extra = {}) => ({
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term({ app: 'x' }, extra)] } },
  });
  const nodes = zoned({ n1: 'a', n2: 'b' });
  const other = labelled('q', 'n2', { app: 'x' });
  test('near the other pod', () => expect(place(nodes, [other], makePod('p', near()))).toBe('n2'));
  test('away from the other pod', () => expect(place(nodes, [other], makePod('p', away()))).toBe('n1'));
  test('the other pod wants to be alone', () => {
    expect(place(nodes, [labelled('q', 'n2', {}, away())], makePod('p', { labels: { app: 'x' } }))).toBe('n1');
  });
  test('the first of a group that is near itself may start', () => {
    expect(place(nodes, [], makePod('p', { labels: { app: 'x' }, ...near() }))).toBeDefined();
    expect(place(nodes, [], makePod('p', near()))).toBeUndefined();
  });
  test('another namespace counts when it is named', () => {
    const foreign = makePod('q', { namespace: 'other', nodeName: 'n2', labels: { app: 'x' } });
    expect(place(nodes, [foreign], makePod('p', near()))).toBeUndefined();
    expect(place(nodes, [foreign], makePod('p', near({ namespaces: ['other'] })))).toBe('n2');
    expect(place(nodes, [foreign], makePod('p', near({ namespaceSelector: {} })))).toBe('n2');
  });
  test('matchLabelKeys keeps revisions apart', () => {
    const old = labelled('q', 'n2', { app: 'x', hash: '1' });
    const pod = (hash: string) => makePod('p', { labels: { app: 'x', hash }, ...away({ matchLabelKeys: ['hash'] }) });
    expect(place([nodes[1]!], [old], pod('2'))).toBe('n2');
    expect(place([nodes[1]!], [old], pod('1'))).toBeUndefined();
  });
  test('preferences pull and push', () => {
    const prefer = (kind: 'podAffinity' | 'podAntiAffinity') =>
      makePod('p', {
        affinity: {
          [kind]: {
            preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term({ app: 'x' }) }],
          },
        },
      });
    expect(place(nodes, [other], prefer('podAffinity'))).toBe('n2');
    expect(place(nodes, [other], prefer('podAntiAffinity'))).toBe('n1');
  });
});

describe('NodePorts', () => {
  const port = (hostPort: number, extra = {}) => ({
    containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 1, hostPort, ...extra }] }],
  });
  const taken = makePod('q', { nodeName: 'n', ...port(80, { hostIP: '10.0.0.1' }) });
  test.each([
    ['the same address', port(80, { hostIP: '10.0.0.1' }), undefined],
    ['every address', port(80), undefined],
    ['another address', port(80, { hostIP: '10.0.0.2' }), 'n'],
    ['another protocol', port(80, { protocol: 'UDP' }), 'n'],
    ['another port', port(81), 'n'],
  ])('%s', (_name, spec, expected) => {
    expect(place([makeNode('n')], [taken], makePod('p', spec))).toBe(expected);
  });
});

describe('ImageLocality', () => {
  test('a node that has the large image is preferred', () => {
    const has = makeNode('has');
    has.status!.images = [{ names: ['registry.k8s.io/pause:3.9'], sizeBytes: 900 * 1024 * 1024 }];
    expect(place([makeNode('a'), has, makeNode('b')], [], makePod('p'))).toBe('has');
  });
});
