import { describe, expect, it } from 'vitest';
import { isBase64 } from '../../src/api/conform.ts';
import { conform, emptyValue, schemaOf, setMember } from '../../src/api/index.ts';

const container = schemaOf('io.k8s.api.core.v1.Container');

describe('conform', () => {
  it('leaves out what is unknown and says so', () => {
    expect(conform({ name: 'c', bogus: 1 }, container)).toMatchObject({
      value: { name: 'c', resources: {} },
      unknown: true,
      malformed: false,
    });
  });

  it('counts the keys of the input, nested ones too', () => {
    expect(
      conform({ name: 'c', env: [{ name: 'A', value: 'b' }], resources: { limits: { cpu: '1' } } }, container).keys,
    ).toBe(7);
  });

  it.each([
    [{ name: 1 }],
    [{ ports: [{ containerPort: 2 ** 31 }] }],
    [{ ports: {} }],
    [{ resources: { limits: { cpu: 'x' } } }],
    [{ resources: [] }],
    [{ tty: 'true' }],
  ])('notices that %j is malformed', (input) => {
    expect(conform({ name: 'c', ...input }, container).malformed).toBe(true);
  });

  it('takes null for nothing, and for an empty value inside of maps and lists', () => {
    expect(conform({ name: null, env: null, args: [null, 'x'] }, container).value).toEqual({
      name: '',
      args: ['', 'x'],
      resources: {},
    });
    const configMap = schemaOf('io.k8s.api.core.v1.ConfigMap');
    expect(conform({ data: { a: null } }, configMap).value).toMatchObject({ data: { a: '' } });
  });

  it('does the same twice as once', () => {
    const once = conform({ name: 'c', livenessProbe: { tcpSocket: { port: 'http' } }, stdin: false }, container).value;
    expect(conform(once, container)).toMatchObject({ value: once, unknown: false, malformed: false });
  });
});

describe('emptyValue', () => {
  it('is what upstream writes for a value that nobody has set', () => {
    expect(emptyValue(schemaOf('io.k8s.api.core.v1.Pod'))).toEqual({
      metadata: {},
      spec: { containers: null },
      status: {},
    });
    expect(emptyValue(schemaOf('io.k8s.api.core.v1.NodeCondition'))).toEqual({
      lastHeartbeatTime: null,
      lastTransitionTime: null,
      status: '',
      type: '',
    });
    expect(emptyValue(schemaOf('io.k8s.api.core.v1.ResourceFieldSelector'))).toEqual({ divisor: '0', resource: '' });
  });
});

it('sets a member named __proto__ as any other', () => {
  const target: Record<string, unknown> = {};
  setMember(target, '__proto__', 1);
  expect(Object.keys(target)).toEqual(['__proto__']);
});

it.each([
  ['', true],
  ['YQ==', true],
  ['YWI=', true],
  ['YW\nI=', true],
  ['YQ', false],
  ['Y===', false],
  ['a-_=', false],
])('base64 %j: %s', (text, fits) => {
  expect(isBase64(text)).toBe(fits);
});
