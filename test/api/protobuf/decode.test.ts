import { describe, expect, it } from 'vitest';
import {
  decodeProtobuf,
  encodeMessage,
  openProtobuf,
  ProtobufError,
  protobufMessageOf,
  schemaOf,
} from '../../../src/api/index.ts';
import { chanceOf, sampleObject } from './samples.ts';

/** A tiny writer: fields as [number, value], strings and nested messages length-delimited, numbers as varints. */
type Field = readonly [number, string | number | Uint8Array | readonly Field[]];

function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return bytes;
}

function message(fields: readonly Field[]): Uint8Array {
  const bytes: number[] = [];
  for (const [number, value] of fields) {
    if (typeof value === 'number') bytes.push(...varint(number * 8), ...varint(value));
    else {
      const inner =
        typeof value === 'string'
          ? Buffer.from(value)
          : value instanceof Uint8Array
            ? value
            : message(value as Field[]);
      bytes.push(...varint(number * 8 + 2), ...varint(inner.length), ...inner);
    }
  }
  return Uint8Array.from(bytes);
}

const envelope = (apiVersion: string, kind: string, raw: Uint8Array): Uint8Array =>
  Uint8Array.from([
    0x6b,
    0x38,
    0x73,
    0,
    ...message([
      [
        1,
        [
          [1, apiVersion],
          [2, kind],
        ],
      ],
      [2, raw],
    ]),
  ]);

const decode = (definition: string, fields: readonly Field[]) =>
  decodeProtobuf(message(fields), schemaOf(definition).object!);

describe('openProtobuf', () => {
  it('says what is in the envelope', () => {
    const opened = openProtobuf(
      envelope(
        'v1',
        'ConfigMap',
        message([
          [
            2,
            [
              [1, 'a'],
              [2, 'b'],
            ],
          ],
        ]),
      ),
    );
    expect(opened).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
  });

  it.each([
    ['another magic', Buffer.from('hello'), 'does not appear to be a protobuf message'],
    ['nothing behind the magic', Buffer.from('k8s\0'), 'empty body'],
    ['an illegal tag', Buffer.from('k8s\0\0\0'), 'proto: Unknown: illegal tag 0 (wire type 0)'],
    ['a length beyond the end', Buffer.from([0x6b, 0x38, 0x73, 0, 0x0a, 0x7f]), 'unexpected EOF'],
  ])('refuses %s', (_name, body, text) => {
    expect(() => openProtobuf(body)).toThrow(ProtobufError);
    expect(() => openProtobuf(body)).toThrow(text);
  });
});

describe('decodeProtobuf', () => {
  it('reads a pod with embedded messages, quantities, integers or strings, maps and times', () => {
    const container: Field[] = [
      [1, 'c'],
      [2, 'nginx'],
      [
        8,
        [
          [
            2,
            [
              [1, 'cpu'],
              [2, [[1, '500m']]],
            ],
          ],
        ],
      ],
      [
        10,
        [
          [
            1,
            [
              [
                2,
                [
                  [1, '/healthz'],
                  [
                    2,
                    [
                      [1, 0],
                      [2, 8080],
                    ],
                  ],
                ],
              ],
            ],
          ],
          [2, 5],
        ],
      ],
      [
        11,
        [
          [
            1,
            [
              [
                2,
                [
                  [
                    2,
                    [
                      [1, 1],
                      [3, 'web'],
                    ],
                  ],
                ],
              ],
            ],
          ],
        ],
      ],
    ];
    const pod = decode('io.k8s.api.core.v1.Pod', [
      [
        1,
        [
          [1, 'p'],
          [8, [[1, 1_700_000_000]]],
          [
            11,
            [
              [1, 'app'],
              [2, 'x'],
            ],
          ],
        ],
      ],
      [
        2,
        [
          [
            1,
            [
              [1, 'v'],
              [2, [[2, [[1, 'Memory']]]]],
            ],
          ],
          [2, container],
          [4, 30],
          [8, 'never'],
        ],
      ],
    ]);
    expect(pod).toMatchObject({
      metadata: { name: 'p', creationTimestamp: '2023-11-14T22:13:20Z', labels: { app: 'x' } },
      spec: {
        volumes: [{ name: 'v', emptyDir: { medium: 'Memory' } }],
        containers: [
          {
            name: 'c',
            image: 'nginx',
            resources: { requests: { cpu: '500m' } },
            livenessProbe: { httpGet: { path: '/healthz', port: 8080 }, initialDelaySeconds: 5 },
            readinessProbe: { httpGet: { port: 'web' } },
          },
        ],
        terminationGracePeriodSeconds: 30,
      },
    });
  });

  it('reads bytes as base64 and negative integers', () => {
    expect(
      decode('io.k8s.api.core.v1.Secret', [
        [
          2,
          [
            [1, 'k'],
            [2, Uint8Array.of(1, 2)],
          ],
        ],
      ]),
    ).toEqual({
      data: { k: 'AQI=' },
    });
    expect(decode('io.k8s.api.scheduling.v1.PriorityClass', [[2, -5]])).toEqual({ value: -5 });
  });

  it('leaves out fields that it does not know', () => {
    expect(
      decode('io.k8s.api.core.v1.ConfigMap', [
        [1, [[1, 'a']]],
        [99, 'new'],
      ]),
    ).toEqual({ metadata: { name: 'a' } });
  });

  it('cannot name a key into a prototype', () => {
    const map = decode('io.k8s.api.core.v1.ConfigMap', [
      [
        2,
        [
          [1, '__proto__'],
          [2, 'x'],
        ],
      ],
    ]);
    expect(Object.keys(map['data'] as object)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('is there for built-in kinds and not for those that upstream serves as JSON alone', () => {
    expect(protobufMessageOf('io.k8s.api.apps.v1.Deployment')).toBeDefined();
    expect(protobufMessageOf('com.example.v1.Widget')).toBeUndefined();
  });

  const pod = schemaOf('io.k8s.api.core.v1.Pod').object!;
  it.each([
    [
      'a string where a number belongs',
      [0x12, 2, 0x22, 0],
      'proto: wrong wireType = 2 for field TerminationGracePeriodSeconds',
    ],
    ['a number where an object belongs', [0x08, 1], 'proto: wrong wireType = 0 for field Metadata'],
    ['a field number of zero', [0x02, 0], 'proto: Pod: illegal tag 0 (wire type 2)'],
    ['the end of a group that never began', [0x0c], 'proto: Pod: wiretype end group for non-group'],
    ['a wire type that there is not', [0x7e], 'proto: illegal wireType 6'],
    ['a number without end', [0x80], 'unexpected EOF'],
    ['a number that is too long', Array.from({ length: 12 }, () => 0x80), 'proto: integer overflow'],
    ['an object longer than the body', [0x0a, 5, 0x0a], 'unexpected EOF'],
    ['a field longer than its object', [0x0a, 2, 0x0a, 5, 0x61], 'unexpected EOF'],
  ])('refuses %s', (_name, bytes, text) => {
    expect(() => decodeProtobuf(Uint8Array.from(bytes), pod)).toThrow(ProtobufError);
    expect(() => decodeProtobuf(Uint8Array.from(bytes), pod)).toThrow(text);
  });

  it('passes over groups, and refuses those that are nested too deep', () => {
    expect(decodeProtobuf(Uint8Array.of(0x7b, 0x08, 1, 0x7c), pod)).toEqual({});
    expect(() => decodeProtobuf(new Uint8Array(1000).fill(0x7b), pod)).toThrow('proto: exceeded max depth');
  });

  it('reads numbers that are packed into one field', () => {
    const context = [[4, Uint8Array.of(1, 0x80, 1)]] as const;
    expect(decode('io.k8s.api.core.v1.PodSecurityContext', context)).toEqual({ supplementalGroups: [1, 128] });
  });

  it('takes an empty time for none, and keeps microseconds where they belong', () => {
    const lease = decode('io.k8s.api.coordination.v1.Lease', [
      [1, [[8, []]]],
      [
        2,
        [
          [
            4,
            [
              [1, 1_700_000_000],
              [2, 123_456_789],
            ],
          ],
        ],
      ],
    ]);
    expect(lease).toEqual({
      metadata: { creationTimestamp: null },
      spec: { renewTime: '2023-11-14T22:13:20.123456Z' },
    });
  });

  it('reads what a schema may contain besides schemas', () => {
    const definition = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
    expect(
      decode(definition, [
        [8, [[1, '{"a":[1]}']]],
        [24, [[1, [[5, 'string']]]]],
        [30, [[1, 1]]],
        [
          33,
          [
            [1, 1],
            [2, [[5, 'object']]],
          ],
        ],
        [
          32,
          [
            [1, 'k'],
            [
              2,
              [
                [2, 'x'],
                [2, 'y'],
              ],
            ],
          ],
        ],
      ]),
    ).toEqual({
      default: { a: [1] },
      items: { type: 'string' },
      additionalProperties: true,
      additionalItems: { type: 'object' },
      dependencies: { k: ['x', 'y'] },
    });
  });

  it('ends for any bytes, with an object or a refusal', () => {
    const chance = chanceOf(3);
    const sample = sampleObject(pod, chance, () => true);
    const whole = encodeMessage(sample, protobufMessageOf(pod.name)!);
    for (let count = 0; count < 2000; count++) {
      const bytes = Buffer.from(whole.subarray(0, Math.floor(chance() * whole.length)));
      for (let changes = 0; changes < 4 && bytes.length > 0; changes++) {
        bytes[Math.floor(chance() * bytes.length)] = Math.floor(chance() * 256);
      }
      try {
        expect(decodeProtobuf(bytes, pod)).toBeTypeOf('object');
      } catch (error) {
        expect(error).toBeInstanceOf(ProtobufError);
      }
    }
  });
});
