import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ApiObject,
  applyPatch,
  applyStrategicMergePatch,
  decodePatched,
  isStatusError,
  normalize,
  patchOf,
  StatusError,
  schemaOf,
} from '../../src/api/index.ts';

const podSpec = schemaOf('io.k8s.api.core.v1.PodSpec');
const container = schemaOf('io.k8s.api.core.v1.Container');
const serviceSpec = schemaOf('io.k8s.api.core.v1.ServiceSpec');
const metadata = schemaOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');
const deploymentSpec = schemaOf('io.k8s.api.apps.v1.DeploymentSpec');

function refusal(run: () => unknown): StatusError {
  try {
    run();
  } catch (error) {
    if (isStatusError(error)) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('applyStrategicMergePatch', () => {
  const env = [
    { name: 'E1', value: '1' },
    { name: 'E2', value: '2' },
  ];

  it('merges lists by their merge key, the patch after what stands before it', () => {
    const patch = {
      env: [
        { name: 'E2', value: 'two' },
        { name: 'E3', value: '3' },
      ],
    };
    expect(applyStrategicMergePatch({ env }, patch, container)['env']).toEqual([
      { name: 'E1', value: '1' },
      { name: 'E2', value: 'two' },
      { name: 'E3', value: '3' },
    ]);
    expect(env[1]).toEqual({ name: 'E2', value: '2' });
  });

  it('puts new items of the patch first', () => {
    const ports = [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
    ];
    const merged = applyStrategicMergePatch({ ports }, { ports: [{ name: 'c', port: 82 }] }, serviceSpec);
    expect((merged['ports'] as { port: number }[]).map(({ port }) => port)).toEqual([82, 80, 81]);
    const mixed = applyStrategicMergePatch(
      { ports: [{ containerPort: 80, name: 'web' }, { containerPort: 81 }] },
      { ports: [{ containerPort: 80, name: 'http' }, { containerPort: 90 }] },
      container,
    );
    expect(mixed['ports']).toEqual([{ containerPort: 80, name: 'http' }, { containerPort: 90 }, { containerPort: 81 }]);
  });

  it('deletes and replaces by directive', () => {
    expect(applyStrategicMergePatch({ env }, { env: [{ name: 'E1', $patch: 'delete' }] }, container)['env']).toEqual([
      env[1],
    ]);
    expect(
      applyStrategicMergePatch({ env }, { env: [{ name: 'n' }, { $patch: 'replace' }] }, container)['env'],
    ).toEqual([{ name: 'n' }]);
    const securityContext = { runAsUser: 1, runAsGroup: 2 };
    expect(
      applyStrategicMergePatch({ securityContext }, { securityContext: { $patch: 'replace', runAsUser: 5 } }, podSpec),
    ).toEqual({ securityContext: { runAsUser: 5 } });
    expect(applyStrategicMergePatch({ securityContext }, { securityContext: { $patch: 'delete' } }, podSpec)).toEqual({
      securityContext: {},
    });
  });

  it('replaces atomic lists, unions sets and deletes from them', () => {
    expect(applyStrategicMergePatch({ args: ['x', 'y'] }, { args: ['z'] }, container)).toEqual({ args: ['z'] });
    const finalizers = ['a', 'b'];
    expect(applyStrategicMergePatch({ finalizers }, { finalizers: ['c', 'a'] }, metadata)).toEqual({
      finalizers: ['c', 'a', 'b'],
    });
    expect(
      applyStrategicMergePatch({ finalizers }, { '$deleteFromPrimitiveList/finalizers': ['a'] }, metadata),
    ).toEqual({ finalizers: ['b'] });
  });

  it('keeps only the members that $retainKeys names', () => {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } };
    expect(
      applyStrategicMergePatch({ strategy }, { strategy: { $retainKeys: ['type'], type: 'Recreate' } }, deploymentSpec),
    ).toEqual({ strategy: { type: 'Recreate' } });
    const volumes = [{ name: 'v', emptyDir: {} }];
    const patch = { volumes: [{ name: 'v', $retainKeys: ['name', 'configMap'], configMap: { name: 'c' } }] };
    expect(applyStrategicMergePatch({ volumes }, patch, podSpec)['volumes']).toEqual([
      { name: 'v', configMap: { name: 'c' } },
    ]);
  });

  it('orders lists by $setElementOrder', () => {
    const patch = {
      '$setElementOrder/env': [{ name: 'E3' }, { name: 'E2' }, { name: 'E1' }],
      env: [{ name: 'E3', value: '3' }],
    };
    const merged = applyStrategicMergePatch({ env }, patch, container)['env'] as { name: string }[];
    expect(merged.map(({ name }) => name)).toEqual(['E3', 'E2', 'E1']);
    const added = applyStrategicMergePatch({}, patch, container)['env'] as { name: string }[];
    expect(added.map(({ name }) => name)).toEqual(['E3']);
  });

  it.each<[string, unknown[], unknown[], string[], unknown]>([
    ['all of them', [{ name: 'E2', value: '2' }], env, ['E1', 'E2'], env],
    ['all of them, which were there in another order', [...env].reverse(), env, ['E1', 'E2'], env],
    ['all but one, which the server has', [...env, { name: 'E3' }], env, ['E1', 'E2'], [...env, { name: 'E3' }]],
    [
      'one twice',
      env,
      [
        { name: 'E1', value: 'a' },
        { name: 'E1', valueFrom: {} },
      ],
      ['E1', 'E1'],
      [
        { name: 'E1', value: 'a', valueFrom: {} },
        { name: 'E2', value: '2' },
      ],
    ],
    ['one that is to go', env, [{ name: 'E1', $patch: 'delete' }], ['E2'], [{ name: 'E2', value: '2' }]],
    [
      'more than are there',
      env,
      [{ name: 'E1', value: 'a' }],
      ['E1', 'E2', 'E3'],
      [{ name: 'E1', value: 'a' }, env[1]],
    ],
  ])('orders lists of which the patch gives %s', (_, current, given, names, merged) => {
    const patch = { '$setElementOrder/env': names.map((name) => ({ name })), env: given };
    expect(applyStrategicMergePatch({ env: current }, patch, container)['env']).toEqual(merged);
  });

  it('orders lists as it merges them where the patch gives all items', () => {
    const item = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), value: fc.constantFrom('1', '2', null) });
    const list = fc.uniqueArray(item, { selector: ({ name }) => name });
    fc.assert(
      fc.property(list, list, (current, given) => {
        const order = given.map(({ name }) => ({ name }));
        const unordered = applyStrategicMergePatch({ env: current }, { env: given }, container);
        const ordered = applyStrategicMergePatch(
          { env: current },
          { env: given, '$setElementOrder/env': order },
          container,
        );
        expect(ordered).toEqual(unordered);
      }),
    );
  });

  it('refuses a list in another order than it asks for', () => {
    const patch = { '$setElementOrder/env': [{ name: 'E2' }, { name: 'E1' }], env };
    expect(refusal(() => applyStrategicMergePatch({ env }, patch, container)).message).toContain("doesn't match");
  });

  it('deletes a list whose deletions are null', () => {
    expect(
      applyStrategicMergePatch({ tolerations: [] }, { '$deleteFromPrimitiveList/tolerations': null }, podSpec),
    ).toEqual({});
  });

  it('leaves directives and deletions out of what it adds', () => {
    const patch = { securityContext: { $patch: 'replace', runAsUser: 5, fsGroup: null } };
    expect(applyStrategicMergePatch({}, { a: 1 }, podSpec)).toEqual({ a: 1 });
    expect(applyStrategicMergePatch({}, patch, podSpec)).toEqual({ securityContext: { runAsUser: 5 } });
  });

  it.each([
    [
      { containers: [{ name: 'a', $patch: 'bogus' }] },
      500,
      'unknown patch type: bogus in map: map[$patch:bogus name:a]',
    ],
    [{ $patch: 'nope' }, 500, 'unknown patch type: nope in map: map[$patch:nope]'],
    [{ volumes: [{ name: 'v', $retainKeys: 'x' }] }, 400, 'invalid patch format of retainKeys'],
    [
      { '$deleteFromPrimitiveList/tolerations': ['x'] },
      500,
      'list element types are not identical: [[map[key:k1 operator:Exists]] [x]]',
    ],
    [{ containers: [{ image: 'i' }] }, 500, 'map: map[image:i] does not contain declared merge key: name'],
    [
      { containers: [{ image: 'i' }, { $patch: 'replace' }] },
      500,
      'map: map[image:i] does not contain declared merge key: name',
    ],
    [{ containers: [null] }, 500, 'list element types are not identical: [[map[name:a]] [<nil>]]'],
    [{ '$setElementOrder/containers': 'a' }, 500, 'expected a []interface {}, but received a string'],
    [
      { '$setElementOrder/containers': [], containers: null },
      500,
      'expected a []interface {}, but received a %!s(<nil>)',
    ],
    [{ '$setElementOrder/containers': ['a'] }, 500, 'value for key 0 is not a map.'],
    [
      { '$setElementOrder/containers': ['a'], containers: [{ name: 'a' }] },
      500,
      'expected a map[string]interface {}, but received a string',
    ],
    [
      { '$setElementOrder/containers': [{ x: 1 }], containers: [{ name: 'a' }] },
      500,
      'map: map[x:1] does not contain declared merge key: name',
    ],
    [{ '$setElementOrder/bogus': [] }, 500, 'unable to find api field in struct PodSpec for the json field "bogus"'],
    [{ $setElementOrder: [] }, 400, 'invalid patch format of setElementOrder list'],
    [{ $deleteFromPrimitiveList: [] }, 400, 'invalid patch format of primitive list'],
  ])('refuses %j', (patch, code, message) => {
    const original = {
      containers: [{ name: 'a' }],
      volumes: [{ name: 'v' }],
      tolerations: [{ key: 'k1', operator: 'Exists' }],
    };
    const error = refusal(() => applyStrategicMergePatch(original, patch, podSpec));
    expect([error.code, error.message]).toEqual([code, message]);
    if (code === 500) expect(error.toStatus()).not.toHaveProperty('reason');
  });
});

describe('a strategic merge patch of a whole object', () => {
  const pod = schemaOf('io.k8s.api.core.v1.Pod');
  const expected = { group: '', version: 'v1', kind: 'Pod', schema: pod };
  const type = fc.constantFrom('Ready', 'Initialized', 'example.com/gate');
  const member = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined, freq: 2 });
  const condition = fc.record(
    { type, status: fc.constantFrom('True', 'False'), lastProbeTime: fc.constant(null), message: fc.string() },
    { requiredKeys: ['type'] },
  );
  const conditions = fc.uniqueArray(condition, { selector: (item) => item.type, maxLength: 3 });
  const labels = fc.dictionary(fc.constantFrom('b', 'a', 'c'), fc.option(fc.constantFrom('x', 'y')), { maxKeys: 3 });
  const env = fc.uniqueArray(fc.record({ value: fc.constantFrom('1', '2'), name: type }), {
    selector: (item) => item.name,
  });
  const part = fc.record({
    status: member(
      fc.record({
        podIP: member(fc.constantFrom('10.0.0.1', null)),
        phase: member(fc.constantFrom('Running', 'Failed')),
        conditions: member(conditions),
        containerStatuses: member(fc.constant([{ name: 'c', state: { running: {} } }])),
      }),
    ),
    metadata: member(fc.record({ uid: member(fc.constant('u')), labels: member(labels), name: fc.constant('p') })),
    spec: member(
      fc.record({ nodeName: member(fc.constant('n')), containers: fc.constant([{ name: 'c', image: 'i' }]) }),
    ),
    bogus: member(fc.constant(1)),
  });
  const withEnv = fc
    .tuple(part, member(env))
    .map(([object, list]) =>
      list === undefined ? object : { ...object, spec: { ...object.spec, containers: [{ name: 'c', env: list }] } },
    );

  it('comes to the same as when every step is put in order', () => {
    fc.assert(
      fc.property(withEnv, withEnv, fc.boolean(), (one, change, shares) => {
        const current = normalize<ApiObject>(
          { apiVersion: 'v1', kind: 'Pod', ...one, metadata: one.metadata ?? {} },
          pod,
        );
        const before = JSON.stringify(current);
        const patch = JSON.parse(JSON.stringify(change)) as Record<string, unknown>;
        const sorted = applyStrategicMergePatch(current, patch, pod);
        const slow = decodePatched(sorted, expected, 'Warn', (reason) => StatusError.badRequest(reason));
        const { object, warnings } = applyPatch(current, patchOf('strategic', patch), expected, 'Warn', shares);
        expect(JSON.stringify(object)).toBe(JSON.stringify(slow.object));
        expect(warnings).toEqual(slow.warnings);
        expect(JSON.stringify(current)).toBe(before);
      }),
      { numRuns: 300 },
    );
  });
});
