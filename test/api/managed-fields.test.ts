import { describe, expect, it } from 'vitest';
import {
  type ApiObject,
  decodeOwners,
  decodeValue,
  type ExpectedKind,
  type ManagedFieldsEntry,
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

let second = 0;
const now = () => `2026-01-01T00:00:${String(second++ % 60).padStart(2, '0')}Z`;

const decode = (kind: ExpectedKind, value: object): ApiObject => decodeValue(value, kind).object;

function track(
  kind: ExpectedKind,
  live: ApiObject | undefined,
  value: object,
  manager: string,
  more: object = {},
): ApiObject {
  const object = decode(kind, value);
  const given = takeManagedFields(object);
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  const stored = decodeOwners(live?.metadata['managedFields'] as ManagedFieldsEntry[]) ?? new Map();
  const before = live && { ...live, metadata: { ...live.metadata, managedFields: undefined } };
  const writer = { manager, apiVersion, schema: kind.schema, now: now(), ...more };
  return withManagedFields(object, trackUpdate(stored, before as ApiObject | undefined, object, writer, given));
}

const entries = (object: ApiObject) =>
  object.metadata['managedFields'] as { manager: string; fieldsV1: unknown; time: string }[];
const owned = (object: ApiObject) =>
  Object.fromEntries(entries(object).map(({ manager, fieldsV1 }) => [manager, fieldsV1]));

describe('trackUpdate', () => {
  const created = track(
    configMap,
    undefined,
    { metadata: { name: 'c', labels: { l: 'x' } }, data: { a: '1', b: '2' } },
    'one',
  );

  it('gives the creator all fields but the identity', () => {
    expect(entries(created)).toEqual([
      {
        manager: 'one',
        operation: 'Update',
        apiVersion: 'v1',
        time: expect.any(String),
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:data': { '.': {}, 'f:a': {}, 'f:b': {} },
          'f:metadata': { 'f:labels': { '.': {}, 'f:l': {} } },
        },
      },
    ]);
  });

  it('names list items by their keys and objects that are always written not at all', () => {
    const object = track(
      deployment,
      undefined,
      {
        metadata: { name: 'd' },
        spec: {
          selector: { matchLabels: { a: 'b' } },
          template: { spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] } },
        },
      },
      'one',
    );
    expect(owned(object)['one']).toEqual({
      'f:spec': {
        'f:selector': {},
        'f:template': {
          'f:spec': {
            'f:containers': {
              'k:{"name":"c"}': {
                '.': {},
                'f:image': {},
                'f:name': {},
                'f:ports': { '.': {}, 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
                'f:resources': {},
              },
            },
          },
        },
      },
    });
  });

  it('moves what another manager changes, and drops what it removes', () => {
    const changed = track(
      configMap,
      created,
      { metadata: { name: 'c', labels: { l: 'x' } }, data: { a: '9', c: '3' } },
      'two',
    );
    expect(owned(changed)).toEqual({
      one: { 'f:data': {}, 'f:metadata': { 'f:labels': { '.': {}, 'f:l': {} } } },
      two: { 'f:data': { 'f:a': {}, 'f:c': {} } },
    });
  });

  it('changes nothing, not even a time, when nothing changes', () => {
    const same = track(
      configMap,
      created,
      { metadata: { name: 'c', labels: { l: 'x' } }, data: { a: '1', b: '2' } },
      'two',
    );
    expect(entries(same)).toEqual(entries(created));
  });

  it('takes what the request sets, unless it is not valid', () => {
    const own = [
      { manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': {} } },
    ];
    const body = (managedFields: unknown) => ({
      metadata: { name: 'c', labels: { l: 'x' }, managedFields },
      data: { a: '1', b: '2' },
    });
    expect(owned(track(configMap, created, body(own), 'two'))).toEqual({ x: { 'f:data': {} } });
    expect(entries(track(configMap, created, body([{ ...own[0], operation: 'Bogus' }]), 'two'))).toEqual(
      entries(created),
    );
    expect(entries(track(configMap, created, body([{}]), 'two'))).toBeUndefined();
  });

  it('keeps objects without owners without', () => {
    const live = decode(configMap, { metadata: { name: 'c' }, data: { a: '1' } });
    expect(entries(track(configMap, live, { metadata: { name: 'c' }, data: { a: '2' } }, 'two'))).toBeUndefined();
  });

  it('does not record what the write cannot change, and tells subresources apart', () => {
    const body = { metadata: { name: 'd' }, spec: { replicas: 1 }, status: { replicas: 3 } };
    const main = track(deployment, undefined, body, 'one', { resetFields: [['status']] });
    expect(owned(main)['one']).toEqual({ 'f:spec': { 'f:replicas': {} } });
    const live = decode(deployment, { ...body, status: {}, metadata: main.metadata });
    const status = track(deployment, live, body, 'one', { resetFields: [['spec']], subresource: 'status' });
    expect(entries(status)).toHaveLength(2);
    expect(entries(status)[1]).toMatchObject({ subresource: 'status', fieldsV1: { 'f:status': { 'f:replicas': {} } } });
  });

  it('merges the oldest updaters when there are too many', () => {
    let object = created;
    for (let manager = 0; manager < 14; manager += 1) {
      const data = { ...(object['data'] as object), [`k${manager}`]: 'x' };
      object = track(configMap, object, { metadata: { name: 'c', labels: { l: 'x' } }, data }, `m${manager}`);
    }
    const managers = entries(object).map(({ manager }) => manager);
    expect(managers).toHaveLength(10);
    expect(managers).toContain('ancient-changes');
    expect(managers).not.toContain('one');
  });
});

describe('decodeOwners', () => {
  const entry = (fieldsV1: object) =>
    ({ manager: 'm', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1 }) as ManagedFieldsEntry;

  it('leaves out members of kinds that nobody knows', () => {
    const owners = decodeOwners([entry({ 'f:a': { 'x:b': {}, 'k:{"name":"c"}': { '.': {} }, 'v:1': {}, 'i:2': {} } })]);
    expect([...(owners?.values() ?? [])][0]?.set).toEqual({
      'f:a': { 'i:2': {}, 'k:{"name":"c"}': { '.': {} }, 'v:1': {} },
    });
  });

  it.each([[{ bad: {} }], [{ 'f:a': { f: {} } }], [{ 'k:[]': {} }], [{ 'v:x': {} }], [{ 'i:x': {} }], [{ 'f:a': 1 }]])(
    'takes nothing of %j',
    (fields) => {
      expect(decodeOwners([entry(fields)])).toBeUndefined();
    },
  );
});
