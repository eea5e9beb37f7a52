import { describe, expect, it } from 'vitest';
import {
  type ApiObject,
  applyConfiguration,
  decodeOwners,
  decodeValue,
  type ExpectedKind,
  isStatusError,
  type ManagedFieldsEntry,
  parseConfiguration,
  type StatusError,
  schemaOf,
  takeManagedFields,
  trackUpdate,
  withManagedFields,
} from '../../src/api/index.ts';

const configMap: ExpectedKind = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  schema: schemaOf('io.k8s.api.core.v1.ConfigMap'),
};
const deployment: ExpectedKind = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  schema: schemaOf('io.k8s.api.apps.v1.Deployment'),
};

/** Applies, decodes what came out, and gives the live object back when nothing changed. */
function apply(
  kind: ExpectedKind,
  live: ApiObject | undefined,
  configuration: object,
  manager: string,
  more: object = {},
): ApiObject {
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  const full = { apiVersion, kind: kind.kind, ...configuration } as ApiObject;
  const writer = { ...kind, manager, apiVersion, now: '2026-01-01T00:00:00Z', force: false, ...more };
  const applied = applyConfiguration(withoutOwners(live), ownersOf(live), full, writer);
  if (applied === undefined) return live as ApiObject;
  return withManagedFields(decodeValue(applied.object, kind).object, applied.owners);
}

const ownersOf = (object: ApiObject | undefined) =>
  decodeOwners(object?.metadata['managedFields'] as ManagedFieldsEntry[]) ?? new Map();

function withoutOwners(object: ApiObject | undefined): ApiObject | undefined {
  if (object === undefined) return undefined;
  const copy = { ...object };
  takeManagedFields(copy);
  return copy;
}

type Tracked = Parameters<typeof trackUpdate>[3];

const tracked = (live: ApiObject | undefined, updated: ApiObject, writer: Tracked): ApiObject => {
  const object = withoutOwners(updated) as ApiObject;
  return withManagedFields(object, trackUpdate(ownersOf(live), withoutOwners(live), object, writer));
};

function refusal(run: () => unknown): StatusError {
  try {
    run();
  } catch (error) {
    if (isStatusError(error)) return error;
    throw error;
  }
  throw new Error('was not refused');
}

const owned = (object: ApiObject) =>
  Object.fromEntries(
    ((object.metadata['managedFields'] ?? []) as { manager: string; fieldsV1: unknown }[]).map(
      ({ manager, fieldsV1 }) => [manager, fieldsV1],
    ),
  );
const named = (data: object | undefined) => ({ metadata: { name: 'c' }, ...(data === undefined ? {} : { data }) });

describe('applyConfiguration', () => {
  const created = apply(configMap, undefined, named({ a: '1', b: '2' }), 'one');

  it('creates, owning what it names', () => {
    expect(created['data']).toEqual({ a: '1', b: '2' });
    expect(owned(created)).toEqual({ one: { 'f:data': { 'f:a': {}, 'f:b': {} } } });
  });

  it('changes nothing the second time', () => {
    expect(apply(configMap, created, named({ a: '1', b: '2' }), 'one')).toBe(created);
  });

  it('takes away what the manager names no more, but not what others own', () => {
    const shared = apply(configMap, created, named({ a: '1' }), 'two');
    const left = apply(configMap, shared, named({ b: '2' }), 'one');
    expect(left['data']).toEqual({ a: '1', b: '2' });
    const gone = apply(configMap, left, named({}), 'two');
    expect(gone['data']).toEqual({ b: '2' });
    expect(owned(apply(configMap, gone, named(undefined), 'one'))).not.toHaveProperty('one');
  });

  it('keeps the identity of the object when all else of its metadata goes', () => {
    const labelled = { metadata: { name: 'c', labels: { a: 'b' } }, data: { a: '1' } };
    const live = apply(configMap, undefined, labelled, 'one');
    Object.assign(live.metadata, { uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' });
    const bare = apply(configMap, live, named({ a: '1' }), 'one');
    expect(bare.metadata).toMatchObject({ name: 'c', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' });
    expect(bare.metadata).not.toHaveProperty('labels');
    expect(apply(configMap, live, { data: { a: '1' } }, 'one').metadata).toMatchObject({ name: 'c', uid: 'u' });
  });

  it('refuses what others own, a cause a field', () => {
    const other = apply(configMap, created, named({ c: '3' }), 'two');
    const error = refusal(() => apply(configMap, other, named({ a: '5', c: '5' }), 'three'));
    expect(error.code).toBe(409);
    expect(error.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\nconflicts with "two":\n- .data.c',
    );
    expect(error.toStatus().details?.causes).toEqual([
      { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' },
      { reason: 'FieldManagerConflict', message: 'conflict with "two"', field: '.data.c' },
    ]);
    const forced = apply(configMap, other, named({ a: '5' }), 'three', { force: true });
    expect(forced['data']).toEqual({ a: '5', b: '2', c: '3' });
    expect(owned(forced)).toMatchObject({ one: { 'f:data': { 'f:b': {} } }, three: { 'f:data': { 'f:a': {} } } });
  });

  it('names the version and subresource of updaters in a conflict', () => {
    const base = { metadata: { name: 'd' }, spec: { replicas: 1 } };
    const live = apply(deployment, undefined, base, 'one');
    const changed = decodeValue({ ...live, spec: { ...(live['spec'] as object), replicas: 5 } }, deployment).object;
    const apiVersion = 'apps/v1';
    const scaled = tracked(live, changed, {
      manager: 'p',
      apiVersion,
      schema: deployment.schema,
      subresource: 'scale',
      now: '2026-01-01T00:00:00Z',
    });
    expect(refusal(() => apply(deployment, scaled, base, 'one')).message).toBe(
      'Apply failed with 1 conflict: conflict with "p" with subresource "scale" using apps/v1: .spec.replicas',
    );
  });

  it('merges keyed lists item by item', () => {
    const spec = (containers: object[]) => ({ metadata: { name: 'd' }, spec: { template: { spec: { containers } } } });
    const one = apply(
      deployment,
      undefined,
      spec([{ name: 'a', image: 'i', env: [{ name: 'A', value: '1' }] }]),
      'one',
    );
    const two = apply(
      deployment,
      one,
      spec([
        { name: 'a', env: [{ name: 'B', value: '2' }] },
        { name: 'side', image: 'j' },
      ]),
      'two',
    );
    const containersOf = (object: ApiObject) =>
      (object['spec'] as { template: { spec: { containers: object[] } } }).template.spec.containers;
    expect(containersOf(two)).toMatchObject([
      { name: 'a', image: 'i', env: [{ name: 'A' }, { name: 'B' }] },
      { name: 'side', image: 'j' },
    ]);
    const left = apply(deployment, two, spec([{ name: 'a', image: 'i', env: [] }]), 'one');
    expect(containersOf(left)[0]).toMatchObject({ env: [{ name: 'B', value: '2' }] });
    const alone = apply(deployment, left, { metadata: { name: 'd' }, spec: {} }, 'two');
    expect(containersOf(alone)).toHaveLength(1);
    expect(containersOf(alone)[0]).not.toHaveProperty('env');
  });

  it('lets kubectl take over what its client-side apply has set, and keeps the annotation in step', () => {
    const key = 'kubectl.kubernetes.io/last-applied-configuration';
    const text = '{"apiVersion":"v1","data":{"a":"1","b":"2"},"kind":"ConfigMap","metadata":{"name":"c"}}';
    const created = decodeValue(
      { metadata: { name: 'c', annotations: { [key]: text } }, data: { a: '1', b: '2' } },
      configMap,
    ).object;
    const live = tracked(undefined, created, {
      manager: 'kubectl-client-side-apply',
      apiVersion: 'v1',
      schema: configMap.schema,
      now: '2026-01-01T00:00:00Z',
    });
    expect(refusal(() => apply(configMap, live, named({ a: '9' }), 'other')).code).toBe(409);
    const applied = apply(configMap, live, named({ a: '9' }), 'kubectl');
    expect(applied['data']).toEqual({ a: '9', b: '2' });
    const since = { ...live, data: { a: '1', b: '3' } };
    expect(refusal(() => apply(configMap, since, named({ a: '9', b: '9' }), 'kubectl')).message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.b',
    );
    expect((applied.metadata['annotations'] as Record<string, string>)[key]).toBe(
      '{"apiVersion":"v1","data":{"a":"9"},"kind":"ConfigMap","metadata":{"name":"c"}}\n',
    );
  });

  it('gives what was there before any owner to before-first-apply', () => {
    const live = decodeValue(named({ a: '1' }), configMap).object;
    expect(refusal(() => apply(configMap, live, named({ a: '2' }), 'one')).message).toContain(
      '"before-first-apply" using v1',
    );
    expect(
      refusal(() => apply(configMap, live, named({ a: '2' }), 'one', { subresource: 'status' })).message,
    ).toContain('"before-first-apply" with subresource "status" using v1');
  });

  it('puts the items of a list in the order of the configuration, and keeps those that the object repeats', () => {
    const containers = (...names: string[]) => ({
      metadata: { name: 'd' },
      spec: { template: { spec: { containers: names.map((name) => ({ name, image: 'i' })) } } },
    });
    const namesIn = (object: ApiObject) =>
      (object as unknown as ReturnType<typeof containers>).spec.template.spec.containers.map(({ name }) => name);
    const live = apply(deployment, undefined, containers('a', 'b'), 'one');
    const turned = apply(deployment, live, containers('b', 'a'), 'one');
    expect(namesIn(turned)).toEqual(['b', 'a']);
    expect(apply(deployment, turned, containers('b', 'a'), 'one')).toBe(turned);
    const repeating = decodeValue(containers('a', 'a'), deployment).object;
    expect(namesIn(apply(deployment, repeating, containers('b'), 'one'))).toEqual(['a', 'a', 'b']);
    expect(namesIn(apply(deployment, repeating, containers('a', 'b'), 'one', { force: true }))).toEqual(['a', 'b']);
  });

  it('tells of fields before what is below others, and of ports by number', () => {
    const service = {
      group: '',
      version: 'v1',
      kind: 'Service',
      schema: schemaOf('io.k8s.api.core.v1.Service'),
    };
    const of = (name: string, type: string) => ({
      metadata: { name: 's' },
      spec: { type, ports: [443, 80].map((port) => ({ port, protocol: 'TCP', name: `${name}${port}` })) },
    });
    const live = apply(service, undefined, of('a', 'ClusterIP'), 'one');
    const error = refusal(() => apply(service, live, of('b', 'NodePort'), 'two'));
    expect(error.toStatus().details?.causes?.map(({ field }) => field)).toEqual([
      '.spec.type',
      '.spec.ports[port=80,protocol="TCP"].name',
      '.spec.ports[port=443,protocol="TCP"].name',
    ]);
  });

  it.each([
    [{ kind: 'Secret' }, 400, 'invalid object type: /v1, Kind=Secret'],
    [{ apiVersion: 'v9' }, 400, 'invalid object type: /v9, Kind=ConfigMap'],
    [{ metadata: { name: 'c', managedFields: [{ manager: 'x' }] } }, 400, 'metadata.managedFields must be nil'],
    [
      { bogus: 1 },
      500,
      'failed to create typed patch object (/c; /v1, Kind=ConfigMap): .bogus: field not declared in schema',
    ],
    [
      { data: { a: 5 } },
      500,
      'failed to create typed patch object (/c; /v1, Kind=ConfigMap): .data.a: expected string, got &value.valueUnstructured{Value:5}',
    ],
    [
      { metadata: { name: 'c', finalizers: ['e.com/a', 'e.com/a'] } },
      500,
      'failed to create typed patch object (/c; /v1, Kind=ConfigMap): .metadata.finalizers: duplicate entries for key [="e.com/a"]',
    ],
  ])('refuses %j', (more, code, message) => {
    const error = refusal(() => apply(configMap, undefined, { ...named({}), ...more }, 'one'));
    expect([error.code, error.message]).toEqual([code, message]);
  });
});

describe('parseConfiguration', () => {
  it('reads YAML and JSON, and refuses what is neither or no object', () => {
    expect(parseConfiguration(Buffer.from('data:\n  a: "1"\n'))).toEqual({ data: { a: '1' } });
    const repeated: string[] = [];
    parseConfiguration(Buffer.from('data:\n  k: a\n  k: b\n'), repeated);
    expect(repeated).toEqual(['line 3: key "k" already set in map']);
    expect(parseConfiguration(Buffer.from('{"data":{}}'))).toEqual({ data: {} });
    const inJson: string[] = [];
    parseConfiguration(Buffer.from('{"data":{"k":"a","b":"\\":","k":"b"}}'), inJson);
    expect(inJson).toEqual(['line 1: key "k" already set in map']);
    expect(refusal(() => parseConfiguration(Buffer.from('{'))).message).toBe(
      'error decoding YAML: error converting YAML to JSON: yaml: line 1: did not find expected node content',
    );
    expect(refusal(() => parseConfiguration(Buffer.from('[]'))).message).toContain(
      'cannot unmarshal array into Go value',
    );
  });
});
