import { describe, expect, it } from 'vitest';
import {
  decodeJson,
  decodeValue,
  decodeYaml,
  type ExpectedKind,
  encodeJsonText,
  type FieldValidation,
  isStatusError,
  schemaOf,
} from '../../src/api/index.ts';

const kind = (group: string, version: string, name: string, definition: string): ExpectedKind => ({
  group,
  version,
  kind: name,
  schema: schemaOf(definition),
});
const pod = kind('', 'v1', 'Pod', 'io.k8s.api.core.v1.Pod');
const configMap = kind('', 'v1', 'ConfigMap', 'io.k8s.api.core.v1.ConfigMap');
const deployment = kind('apps', 'v1', 'Deployment', 'io.k8s.api.apps.v1.Deployment');
const daemonSet = kind('apps', 'v1', 'DaemonSet', 'io.k8s.api.apps.v1.DaemonSet');
const lease = kind('coordination.k8s.io', 'v1', 'Lease', 'io.k8s.api.coordination.v1.Lease');

const bytes = (body: unknown): Uint8Array => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
const decode = (body: unknown, expected: ExpectedKind, validation?: FieldValidation) =>
  decodeJson(bytes(body), expected, validation);

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isStatusError(error)) {
      expect(error.code).toBe(400);
      return error.message;
    }
    throw error;
  }
  throw new Error('was not refused');
}

const podWith = (spec: object, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', ...metadata },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});

describe('decodeJson', () => {
  it('writes what upstream always writes and drops what is empty', () => {
    const { object, warnings } = decode(
      podWith({
        hostNetwork: false,
        nodeName: '',
        tolerations: [],
        nodeSelector: {},
        terminationGracePeriodSeconds: 0,
      }),
      pod,
    );
    expect(object).toEqual({
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'c', image: 'i', resources: {} }], terminationGracePeriodSeconds: 0 },
      status: {},
    });
    expect(Object.keys(object)).toEqual(['kind', 'apiVersion', 'metadata', 'spec', 'status']);
    expect(warnings).toEqual([]);
  });

  it('keeps empty values of pointers and writes null for required lists', () => {
    const role = kind('rbac.authorization.k8s.io', 'v1', 'Role', 'io.k8s.api.rbac.v1.Role');
    expect(decode({ metadata: { name: 'r' } }, role).object).toEqual({
      kind: 'Role',
      apiVersion: 'rbac.authorization.k8s.io/v1',
      metadata: { name: 'r' },
      rules: null,
    });
    expect(decode({ spec: { replicas: 0 } }, deployment).object['spec']).toMatchObject({ replicas: 0, selector: null });
  });

  it('makes quantities, times and base64 canonical', () => {
    const limits = { cpu: 0.5, memory: '1024Mi', pods: ' 5 ' };
    const { object } = decode(
      podWith(
        { containers: [{ name: 'c', resources: { limits } }] },
        { creationTimestamp: '2024-01-01T02:00:00+02:00' },
      ),
      pod,
    );
    expect(object).toMatchObject({
      metadata: { creationTimestamp: '2024-01-01T00:00:00Z' },
      spec: { containers: [{ resources: { limits: { cpu: '500m', memory: '1Gi', pods: '5' } } }] },
    });
  });

  it.each([
    [
      podWith({ hostNetwork: 'yes' }),
      'json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool',
    ],
    [
      podWith({ containers: {} }),
      'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    [
      podWith({}, { labels: { a: 1 } }),
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      podWith({ priority: 99999999999 }),
      'json: cannot unmarshal number 99999999999 into Go struct field PodSpec.spec.priority of type int32',
    ],
    [
      podWith({ containers: [{ name: 'c', livenessProbe: { tcpSocket: { port: true } } }] }),
      'json: cannot unmarshal bool into Go struct field TCPSocketAction.spec.containers.livenessProbe.ProbeHandler.tcpSocket.port of type int32',
    ],
    [
      podWith({}, { deletionTimestamp: 'x' }),
      'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
    ],
    [
      podWith({ containers: [{ name: 'c', resources: { requests: { cpu: 'abc' } } }] }),
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
  ])('refuses a value of the wrong type: %#', (body, reason) => {
    expect(refusal(() => decode(body, pod))).toBe(`Pod in version "v1" cannot be handled as a Pod: ${reason}`);
  });

  it.each(['3e1', '30.0', '1.5', '9223372036854775808'])('refuses %s for an integer, as it was written', (text) => {
    const body = JSON.stringify(podWith({ terminationGracePeriodSeconds: 0 })).replace(
      'Seconds":0',
      `Seconds":${text}`,
    );
    expect(refusal(() => decode(body, pod))).toContain(
      `json: cannot unmarshal number ${text} into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64`,
    );
  });

  it('keeps the largest integer, and writes it as it was', () => {
    const body = JSON.stringify(podWith({ terminationGracePeriodSeconds: 7 })).replace(
      'Seconds":7',
      'Seconds":9223372036854775807',
    );
    const { object } = decode(body, pod);
    expect(encodeJsonText(object)).toContain('"terminationGracePeriodSeconds":9223372036854775807');
    expect(decodeValue({ ...object, bogus: 1 }, pod).object['spec']).toEqual(object['spec']);
  });

  it('writes maps in the order of their keys', () => {
    const { object } = decode({ data: { b: '1', a: '2', c: '3' } }, configMap);
    expect(Object.keys(object['data'] as object)).toEqual(['a', 'b', 'c']);
  });

  it('refuses a micro time without its decimals', () => {
    expect(refusal(() => decode({ spec: { renewTime: '2024-01-01T00:00:00Z' } }, lease))).toContain(
      'parsing time "2024-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
    );
  });

  const bogus = {
    ...podWith({
      containers: [{ name: 'c', image: 'i', bogusContainer: true, env: [{ name: 'A', bogusEnv: {} }] }],
      bogusSpec: 'x',
    }),
    bogusTop: 1,
  };
  const unknown = [
    'unknown field "spec.containers[0].bogusContainer"',
    'unknown field "spec.containers[0].env[0].bogusEnv"',
    'unknown field "spec.bogusSpec"',
    'unknown field "bogusTop"',
  ];

  it('warns of, refuses or ignores unknown fields, in the order of the text', () => {
    expect(decode(bogus, pod, 'Warn').warnings).toEqual(unknown);
    expect(decode(bogus, pod, 'Warn').object).not.toHaveProperty('bogusTop');
    expect(decode(bogus, pod, 'Ignore').warnings).toEqual([]);
    expect(refusal(() => decode(bogus, pod, 'Strict'))).toBe(
      `Pod in version "v1" cannot be handled as a Pod: strict decoding error: ${unknown.join(', ')}`,
    );
  });

  it('notices repeated fields, of which the last counts', () => {
    const text = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","name":"d"},"data":{"a":"1","a":"2"},"data":{"b":"3"}}`;
    expect(refusal(() => decode(text, configMap, 'Strict'))).toContain(
      'strict decoding error: duplicate field "metadata.name", duplicate field "data.a", duplicate field "data"',
    );
    const quiet = `{"metadata":{"name":"c"},"data":{"a":"\\"x\\":\\"y\\"","a\\"":"1"}}`;
    expect(decode(quiet, configMap, 'Strict').warnings).toEqual([]);
  });

  it.each([
    ['{"a":', 'unexpected end of JSON input', '{"a":'],
    ['', 'unexpected end of JSON input', '<empty>'],
    ['{"a" 1}', "invalid character '1' after object key", '{"a" 1}'],
    ['nope', "invalid character 'o' in literal null (expecting 'u')", '6e6f7065'],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string", '{a:1}'],
    ['[1,]', "invalid character ']' looking for beginning of value", '5b312c5d'],
    ['{} x', "invalid character 'x' after top-level value", '{} x'],
  ])('explains why %j is not JSON', (text, reason, start) => {
    expect(refusal(() => decode(text, configMap))).toBe(
      `the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: ${reason} (${start})`,
    );
  });

  it.each([
    [
      { apiVersion: 'v1', kind: 'Secret', data: { a: '1' } },
      configMap,
      'Secret in version "v1" cannot be handled as a ConfigMap: illegal base64 data at input byte 0',
    ],
    [
      { apiVersion: 'v2', kind: 'ConfigMap' },
      configMap,
      'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      { apiVersion: 'apps/v1beta1', kind: 'Deployment' },
      deployment,
      'the API version in the data (apps/v1beta1) does not match the expected API version (apps/v1)',
    ],
    [
      { apiVersion: 'v1', kind: 'ConfigMapList', items: [] },
      configMap,
      'ConfigMapList in version "v1" cannot be handled as a ConfigMap: converting (v1.ConfigMapList) to (core.ConfigMap): unknown conversion',
    ],
  ])('refuses another kind than the path says: %#', (body, expected, message) => {
    expect(refusal(() => decode(body, expected))).toBe(message);
  });

  it('refuses a body that is no object', () => {
    expect(refusal(() => decode('[]', configMap))).toContain(
      'json: cannot unmarshal array into Go value of type struct { APIVersion string',
    );
  });

  it('cannot be used to reach prototypes, or to exhaust the stack', () => {
    const { object } = decode(
      `{"metadata":{"name":"c"},"data":{"__proto__":"x","constructor":"y"},"__proto__":{"polluted":1}}`,
      configMap,
    );
    expect(Object.keys(object['data'] as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    const deep = `{"metadata":{"name":"c"},"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(refusal(() => decode(deep, configMap))).toContain('exceeded max depth');
  });

  it('replaces lone surrogates', () => {
    expect(decode('{"metadata":{"name":"c"},"data":{"a":"\\ud800x"}}', configMap).object['data']).toEqual({
      a: '\ufffdx',
    });
  });
});

describe('decodeYaml', () => {
  const yaml = (text: string, validation?: FieldValidation) => decodeYaml(Buffer.from(text), configMap, validation);

  it('reads scalars as YAML 1.1 and takes the first document', () => {
    const { object } = yaml(
      'metadata: {name: c}\ndata:\n  a: "yes"\n  b: ~\n  t: 2024-01-01\n---\nmetadata: {name: d}\n',
    );
    expect(object).toMatchObject({ metadata: { name: 'c' }, data: { a: 'yes', b: '', t: '2024-01-01' } });
    expect(refusal(() => yaml('data: {a: yes}'))).toContain(
      'cannot unmarshal bool into Go struct field ConfigMap.data',
    );
    expect(refusal(() => yaml('data: {a: 012}'))).toContain('cannot unmarshal number into');
  });

  it('warns of unknown and repeated keys', () => {
    expect(yaml('metadata:\n  name: c\n  bogus: x\nother: [1]\n').warnings).toEqual([
      'unknown field "metadata.bogus"',
      'unknown field "other"',
    ]);
    expect(yaml('apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: "1"\n  a: "2"\n').warnings).toEqual(
      ['line 7: key "a" already set in map'],
    );
  });

  it.each([
    ['a:\n\t- b', 'yaml: line 2: found character that cannot start any token (613a0a092d2062)'],
    ['a: [1, 2', "yaml: line 1: did not find expected ',' or ']' (613a205b312c2032)"],
  ])('explains why %j is not YAML', (text, reason) => {
    expect(refusal(() => yaml(text))).toBe(
      `the object provided is unrecognized (must be of type ConfigMap): ${reason}`,
    );
  });
});

describe('decodeValue', () => {
  it('decodes what came without text and leaves it alone', () => {
    const value = Object.freeze({ metadata: Object.freeze({ name: 'c', bogus: 1 }), data: undefined });
    const { object, warnings } = decodeValue(value, configMap);
    expect(object).toEqual({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'c' } });
    expect(warnings).toEqual(['unknown field "metadata.bogus"']);
  });
});

describe('encodeJsonText', () => {
  it('escapes as Go does and ends the line', () => {
    expect(encodeJsonText({ a: '<&>\u2028' })).toBe('{"a":"\\u003c\\u0026\\u003e\\u2028"}\n');
  });
});

describe('annotations that were fields', () => {
  const annotated = (name: string, value: string) => ({ metadata: { name: 'o', annotations: { [name]: value } } });
  const rollback = 'deprecated.deployment.rollback.to';
  const generation = 'deprecated.daemonset.template.generation';

  it.each([
    ['abc', 'strconv.ParseInt: parsing "abc": invalid syntax'],
    ['1.5', 'strconv.ParseInt: parsing "1.5": invalid syntax'],
    ['9223372036854775808', 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
  ])('are no %s', (value, error) => {
    expect(refusal(() => decode(annotated(rollback, value), deployment))).toBe(
      `Deployment in version "v1" cannot be handled as a Deployment: failed to parse annotation[${rollback}]=${value} as int64: ${error}`,
    );
    expect(refusal(() => decode(annotated(generation, value), daemonSet))).toBe(
      `DaemonSet in version "v1" cannot be handled as a DaemonSet: ${error}`,
    );
  });

  it('are numbers, and mean nothing on other kinds', () => {
    for (const value of ['0', '+3', '-9223372036854775808']) {
      decode(annotated(rollback, value), deployment);
      decode(annotated(generation, value), daemonSet);
    }
    decode(annotated(rollback, ''), deployment);
    decode(annotated(rollback, 'abc'), daemonSet);
    decode(annotated(generation, 'abc'), deployment);
    decode(annotated(rollback, 'abc'), configMap);
  });
});
