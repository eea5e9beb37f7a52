import { describe, expect, it } from 'vitest';
import {
  type ApiObject,
  applyPatch,
  decodeValue,
  type ExpectedKind,
  isStatusError,
  parsePatch,
  patchOf,
  type StatusError,
  schemaOf,
} from '../../src/api/index.ts';

const configMap: ExpectedKind = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  schema: schemaOf('io.k8s.api.core.v1.ConfigMap'),
};
const current = decodeValue(
  { metadata: { name: 'c', labels: { l: 'x' } }, data: { a: '1', b: '2' } },
  configMap,
).object;

const text = (body: string) => Buffer.from(body);

function refusal(run: () => unknown): StatusError {
  try {
    run();
  } catch (error) {
    if (isStatusError(error)) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('parsePatch', () => {
  it.each([
    ['merge', '[]', 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}'],
    ['merge', '{', 'error decoding patch: unexpected end of JSON input'],
    ['merge', 'null', 'Invalid JSON Patch'],
    ['merge', 'data:\n  y: "1"', "error decoding patch: invalid character 'd' looking for beginning of value"],
    ['json', '{}', 'error decoding patch: json: cannot unmarshal object into Go value of type []interface {}'],
  ] as const)('refuses the %s patch %j', (type, body, message) => {
    const error = refusal(() => parsePatch(type, text(body)));
    expect(error.code).toBe(400);
    expect(error.message).toBe(message);
  });

  it('notices repeated fields', () => {
    const patch = parsePatch('merge', text('{"data":{"a":"1","a":"2"}}'));
    expect(patch.repeated).toEqual(['duplicate field "data.a"']);
    expect(applyPatch(current, patch, configMap).warnings).toEqual(['duplicate field "data.a"']);
    expect(refusal(() => parsePatch('merge', text('{"data":{"a":"1","a":"2"}}'), 'Strict')).message).toContain(
      'duplicate field "data.a"',
    );
  });
});

describe('applyPatch', () => {
  it('warns of fields that the patch made up, and leaves the current object alone', () => {
    const before = structuredClone(current);
    const { object, warnings } = applyPatch(current, patchOf('merge', { bogus: 1, data: { a: null } }), configMap);
    expect(object['data']).toEqual({ b: '2' });
    expect(warnings).toEqual(['unknown field "bogus"']);
    expect(current).toEqual(before);
  });

  it('quotes the patched object when it cannot be decoded', () => {
    const error = refusal(() => applyPatch(current, patchOf('merge', { data: 'x' }), configMap));
    expect(error.toStatus()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message:
        ' "" is invalid: patch: Invalid value: "{\\"apiVersion\\":\\"v1\\",\\"data\\":\\"x\\",\\"kind\\":\\"ConfigMap\\",\\"metadata\\":{\\"name\\":\\"c\\",\\"labels\\":{\\"l\\":\\"x\\"}}}": json: cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string',
      reason: 'Invalid',
      details: { causes: [expect.objectContaining({ reason: 'FieldValueInvalid', field: 'patch' })] },
      code: 422,
    });
  });

  it('quotes the patch when a strategic one made something that cannot be decoded', () => {
    const deployment: ExpectedKind = {
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
      schema: schemaOf('io.k8s.api.apps.v1.Deployment'),
    };
    const object: ApiObject = decodeValue({ metadata: { name: 'd' } }, deployment).object;
    const patch = patchOf('strategic', { spec: { template: { spec: { containers: 'x' } } } });
    expect(refusal(() => applyPatch(object, patch, deployment)).message).toBe(
      ' "" is invalid: patch: Invalid value: "map[spec:map[template:map[spec:map[containers:x]]]]": cannot restore slice from string',
    );
  });

  it('refuses another kind', () => {
    const error = refusal(() => applyPatch(current, patchOf('merge', { kind: 'Secret' }), configMap));
    expect(error.message).toContain('": illegal base64 data at input byte 0');
  });
});

describe('what a refusal quotes', () => {
  const deployment: ExpectedKind = {
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
    schema: schemaOf('io.k8s.api.apps.v1.Deployment'),
  };
  const before = decodeValue(
    {
      metadata: { name: 'd' },
      spec: {
        strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }, type: 'RollingUpdate' },
        selector: { matchLabels: { b: '1', a: '<' } },
        template: { metadata: {}, spec: { restartPolicy: 'Always', containers: [{ image: 'i', env: [], name: 'a' }] } },
      },
    },
    deployment,
  ).object;
  const order =
    /"spec":\{"replicas":"x","selector":\{"matchLabels":\{"a":"\\u003c","b":"1"}},"strategy":\{"type":"RollingUpdate","rollingUpdate":\{"maxUnavailable":0,"maxSurge":1}},"template":\{"metadata":\{},"spec":\{"containers":\[\{"name":"a","image":"i"/;

  it.each([
    ['json', [{ op: 'add', path: '/spec/replicas', value: 'x' }]],
    ['merge', { spec: { replicas: 'x' } }],
  ] as const)('stands in the order of the types, but for what a %s patch touches', (type, patch) => {
    const status = refusal(() => applyPatch(before, patchOf(type, patch), deployment)).status;
    const causes = status.details?.causes ?? [];
    const text = causes[0]?.message ?? '';
    expect(JSON.parse(text.slice(text.indexOf('"'), text.lastIndexOf('": ') + 1))).toMatch(order);
  });
});

describe('JSON patches that are none', () => {
  it.each([
    [[1], 'json: cannot unmarshal number into Go value of type jsonpatch.Operation'],
    [['x'], 'json: cannot unmarshal string into Go value of type jsonpatch.Operation'],
    [[[]], 'json: cannot unmarshal array into Go value of type jsonpatch.Operation'],
  ])('%j', (patch, message) => {
    const { code, message: said } = refusal(() => patchOf('json', patch)).status;
    expect([code, said]).toEqual([400, message]);
  });
});

describe('a patch of the status', () => {
  const pod: ExpectedKind = { group: '', version: 'v1', kind: 'Pod', schema: schemaOf('io.k8s.api.core.v1.Pod') };
  const live = decodeValue(
    {
      metadata: { name: 'p', labels: { a: 'b' } },
      spec: { containers: [{ name: 'c' }] },
      status: { phase: 'Pending' },
    },
    pod,
  ).object;

  it.each([
    ['strategic', { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }],
    ['merge', { status: { phase: 'Running' }, metadata: { labels: { c: 'd' } } }],
    ['strategic', { spec: { nodeName: 'n' } }],
    ['strategic', { metadata: { annotations: { x: 'y' } } }],
  ] as const)('that shares what it leaves alone gives the same object (%s %j)', (type, value) => {
    const before = JSON.stringify(live);
    const shared = applyPatch(live, patchOf(type, value), pod, 'Warn', true).object;
    expect(JSON.stringify(shared)).toBe(JSON.stringify(applyPatch(live, patchOf(type, value), pod).object));
    expect(shared['spec'] === live['spec']).toBe(!('spec' in value));
    // What later stages fill in must not reach the object that readers hold.
    expect(shared.metadata).not.toBe(live.metadata);
    expect(shared['status']).not.toBe(live['status']);
    expect(JSON.stringify(live)).toBe(before);
  });
});
