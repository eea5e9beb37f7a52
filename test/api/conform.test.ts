import fc from 'fast-check';
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

describe('members in the order of the schema', () => {
  const schema = schemaOf('io.k8s.api.core.v1.Pod');
  const shuffled = (value: unknown, random: () => number): unknown => {
    if (Array.isArray(value)) return value.map((item) => shuffled(item, random));
    if (typeof value !== 'object' || value === null) return value;
    const members = Object.entries(value).map(([name, member]) => [name, shuffled(member, random), random()] as const);
    return Object.fromEntries(members.sort((a, b) => a[2] - b[2]).map(([name, member]) => [name, member]));
  };

  it('are conformed as in any other order', () => {
    const aContainer = fc.record(
      {
        name: fc.string(),
        image: fc.option(fc.string()),
        command: fc.option(fc.array(fc.string(), { maxLength: 2 })),
        env: fc.array(fc.record({ name: fc.string(), value: fc.constantFrom('', 'x', null, 7) }), { maxLength: 2 }),
        resources: fc.constantFrom({}, null, { limits: { cpu: '0.5' } }, 'x'),
        odd: fc.constantFrom(undefined, 1),
      },
      { requiredKeys: [] },
    );
    const pod = fc.record(
      {
        kind: fc.constant('Pod'),
        apiVersion: fc.constant('v1'),
        metadata: fc.record(
          {
            name: fc.string(),
            labels: fc.dictionary(fc.constantFrom('b', 'a'), fc.string()),
            finalizers: fc.constant([]),
          },
          { requiredKeys: [] },
        ),
        spec: fc.record(
          {
            volumes: fc.constantFrom([], null, undefined),
            containers: fc.array(aContainer, { maxLength: 2 }),
            restartPolicy: fc.constantFrom('', 'Always', 3),
            hostNetwork: fc.boolean(),
          },
          { requiredKeys: [] },
        ),
        status: fc.constantFrom({}, { startTime: '2026-01-01T00:00:00+01:00', conditions: [] }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(pod, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (value, stream) => {
        const random = () => stream.next().value as number;
        const ordered = conform(conform(value, schema).value, schema);
        const given = conform(value, schema);
        const mixed = conform(shuffled(value, random), schema);
        expect(JSON.stringify(mixed.value)).toBe(JSON.stringify(given.value));
        const counts = ({ unknown, malformed, keys, emptied }: typeof given) => [
          unknown,
          malformed,
          keys,
          emptied?.length,
        ];
        expect(counts(mixed)).toEqual(counts(given));
        // What was conformed once stays as it is.
        if (!given.malformed) expect(JSON.stringify(ordered.value)).toBe(JSON.stringify(given.value));
      }),
    );
  });
});
