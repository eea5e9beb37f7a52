/**
 * Objects of every kind, built-in and custom, sent with something out of place: as JSON, YAML and protobuf, created, updated, patched
 * in each way and applied. Every answer is the client's fault or fine.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  builtinKinds,
  createKindRegistry,
  customKinds,
  decodeValue,
  encodeProtobuf,
  formatYaml,
  type KindDefinition,
  protobufMessageOf,
  schemaOf,
} from '../../../../src/api/index.ts';
import { configMap, startServer, type TestServer } from '../fixtures.ts';
import { collectionOf, type Json, odd, pointersOf, randomObject } from './random-objects.ts';
import { type Asked, createSender, runsFactor, type Sender } from './sender.ts';

let server: TestServer;
let sender: Sender;

/** A custom kind with a bit of everything. */
const widgets = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.e.example.com' },
  spec: {
    group: 'e.example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: ['v1', 'v2'].map((name) => ({
      name,
      served: true,
      storage: name === 'v1',
      subresources: {
        status: {},
        scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
      },
      selectableFields: [{ jsonPath: '.spec.color' }],
      additionalPrinterColumns: [
        { name: 'Color', type: 'string', jsonPath: '.spec.color' },
        { name: 'Sizes', type: 'integer', jsonPath: '.spec.sizes[*].n' },
        { name: 'When', type: 'date', jsonPath: '.spec.when' },
      ],
      schema: {
        openAPIV3Schema: {
          type: 'object',
          required: ['spec'],
          properties: {
            spec: {
              type: 'object',
              'x-kubernetes-validations': [{ rule: '!has(self.color) || self.color != "a" || size(self.color) > 3' }],
              properties: {
                color: { type: 'string', default: 'one', maxLength: 300, enum: ['', 'a', 'one', 'two', 'default'] },
                replicas: { type: 'integer', format: 'int32', minimum: 0, default: 1 },
                when: { type: 'string', format: 'date-time', nullable: true },
                amount: { 'x-kubernetes-int-or-string': true, pattern: '^[0-9]+%?$' },
                free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                embedded: {
                  type: 'object',
                  'x-kubernetes-embedded-resource': true,
                  'x-kubernetes-preserve-unknown-fields': true,
                },
                sizes: {
                  type: 'array',
                  maxItems: 10,
                  'x-kubernetes-list-type': 'map',
                  'x-kubernetes-list-map-keys': ['n'],
                  items: {
                    type: 'object',
                    required: ['n'],
                    properties: { n: { type: 'integer' }, of: { type: 'number', multipleOf: 0.5 } },
                  },
                },
                tags: { type: 'array', maxItems: 5, 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
                named: { type: 'object', additionalProperties: { type: 'string', maxLength: 20 }, maxProperties: 3 },
                either: {
                  type: 'object',
                  oneOf: [{ required: ['a'] }, { required: ['b'] }],
                  properties: { a: { type: 'string' }, b: { type: 'string' } },
                },
              },
            },
            status: { type: 'object', properties: { replicas: { type: 'integer' } } },
          },
        },
      },
    })),
  },
};

const json = { 'content-type': 'application/json' };

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 } });
  sender = createSender(server);
  await server.http('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  await server.http('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', widgets);
  await vi.waitFor(async () => expect((await server.http('GET', collectionOf(custom[0]!))).status).toBe(200), 60_000);
  await server.http('POST', collectionOf(custom[0]!), {
    apiVersion: 'e.example.com/v1',
    kind: 'Widget',
    metadata: { name: 'one' },
    spec: { sizes: [{ n: 1 }] },
  });
  await server.http('POST', '/api/v1/namespaces/default/configmaps', configMap('one'));
});

afterAll(async () => {
  sender.close();
  await server.stop();
});

/** Percent-encoded, also where it is no text. */
const escaped = (value: string): string => encodeURIComponent(Buffer.from(value).toString());

const isFine = (asked: Asked): Promise<void> => sender.isFine(asked);
const custom: readonly KindDefinition[] = customKinds(widgets as never);
/** Built-in kinds whose objects clients write, and the custom ones. */
const kinds: readonly KindDefinition[] = [
  ...createKindRegistry(builtinKinds)
    .all()
    .filter(({ verbs }) => verbs === undefined || verbs.includes('create')),
  ...custom,
];

const kind = fc.constantFrom(...kinds);
const withKind = kind.chain((definition) => fc.tuple(fc.constant(definition), randomObject(definition)));

/** A patch in JSON that reaches into the object, mostly to places that it has. */
function jsonPatchOf(object: Json): fc.Arbitrary<Json[]> {
  const places = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...pointersOf(object)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('/a/b', '/-', '/spec/-', '/metadata/labels/~2', 'x', '/__proto__/x', '/01'),
    },
  );
  return fc.array(
    fc
      .tuple(fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'), places, places, odd)
      .map(([op, path, from, value]) => ({ op, path, from, value })),
    { maxLength: 3 },
  );
}

/** Where a strategic merge finds its instructions. */
function withDirectives(value: unknown, directive: readonly [string, unknown]): unknown {
  if (Array.isArray(value)) return value.map((item) => withDirectives(item, directive));
  if (typeof value !== 'object' || value === null) return value;
  const copy: Json = {};
  for (const [name, member] of Object.entries(value)) {
    Object.defineProperty(copy, name, {
      value: withDirectives(member, directive),
      enumerable: true,
      configurable: true,
      writable: true,
    });
    if (Array.isArray(member) && directive[0].endsWith('/')) copy[`${directive[0]}${name}`] = directive[1];
  }
  if (!directive[0].endsWith('/')) copy[directive[0]] = directive[1];
  return copy;
}

const directives = fc.oneof(
  fc.tuple(fc.constant('$patch'), fc.oneof(fc.constantFrom<unknown>('replace', 'delete', 'merge'), odd)),
  fc.tuple(fc.constant('$retainKeys'), fc.oneof(fc.constantFrom<unknown>(['name'], ['type'], []), odd)),
  fc.tuple(fc.constant('$setElementOrder/'), fc.oneof(fc.constantFrom<unknown>([{ name: 'a' }], ['a'], []), odd)),
  fc.tuple(fc.constant('$deleteFromPrimitiveList/'), fc.oneof(fc.constantFrom<unknown>(['a'], []), odd)),
);

/** Bytes that are no UTF-8, numbers without end, and whatever else text may hold. */
const intruders = [
  '\u00ff\u00fe',
  '\u00c3(',
  '\0',
  '1e999',
  '-0',
  '00',
  '18446744073709551616',
  '"',
  '\\',
  '{',
  '[',
  '}',
  '\\ud800',
].concat('[[[[[[[[[['.repeat(200), '{"a":'.repeat(1500), '\u00ef\u00bb\u00bf');
const damages = fc.array(
  fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(...intruders)), fc.constantFrom('set', 'drop', 'double')),
  { maxLength: 3 },
);

function damage(bytes: Buffer, [place, what, how]: readonly [number, number | string, string]): Buffer {
  const at = place % Math.max(bytes.length, 1);
  if (how === 'drop') return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
  if (how === 'double') return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at >> 1)]);
  const inserted = typeof what === 'string' ? Buffer.from(what, 'latin1') : Buffer.from([what]);
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + 1)]);
}

const runs = { endOnFailure: true } as const;
const timeout = 180_000 * runsFactor;

describe('an object of any kind with something out of place', () => {
  it('is created, validated and applied without a failure', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(withKind, fc.boolean(), async ([definition, object], strict) => {
        const where = collectionOf(definition);
        const body = JSON.stringify(object);
        const options = `dryRun=All&fieldManager=f&fieldValidation=${strict ? 'Strict' : 'Warn'}`;
        await isFine({ method: 'POST', path: `${where}?${options}`, headers: json, body });
        if (!definition.verbs?.length || definition.verbs.includes('patch'))
          await isFine({
            method: 'PATCH',
            path: `${where}/one?${options}&force=true`,
            headers: { 'content-type': 'application/apply-patch+yaml' },
            body,
          });
      }),
      { ...runs, numRuns: 600 * runsFactor },
    );
  });

  it('replaces and patches one that is there without a failure', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(
        withKind.chain(([definition, object]) =>
          fc.tuple(fc.constant(definition), fc.constant(object), jsonPatchOf(object), directives),
        ),
        async ([definition, object, changes, directive]) => {
          const where = collectionOf(definition);
          const body = JSON.stringify(object);
          await isFine({ method: 'POST', path: where, headers: json, body });
          if (definition.verbs !== undefined && !definition.verbs.includes('patch')) return;
          await isFine({ method: 'PUT', path: `${where}/one`, headers: json, body });
          await isFine({ method: 'PUT', path: `${where}/one/status`, headers: json, body });
          const patch = (type: string, value: unknown, below = '') =>
            isFine({
              method: 'PATCH',
              path: `${where}/one${below}?fieldManager=g`,
              headers: { 'content-type': `application/${type}` },
              body: JSON.stringify(value),
            });
          await patch('json-patch+json', changes);
          await patch('merge-patch+json', object);
          await patch('merge-patch+json', object, '/status');
          await patch('merge-patch+json', object, '/scale');
          await patch('strategic-merge-patch+json', withDirectives(object, directive));
          await patch('apply-patch+yaml', object);
          await patch('apply-patch+yaml', object, '/status');
          for (const accept of [
            'application/json;as=Table;v=v1;g=meta.k8s.io',
            'application/yaml',
            'application/vnd.kubernetes.protobuf',
          ])
            await isFine({ method: 'GET', path: where, headers: { accept } });
          await isFine({ method: 'DELETE', path: `${where}/one?gracePeriodSeconds=0`, headers: json, body: '{}' });
        },
      ),
      { ...runs, numRuns: 100 * runsFactor },
    );
  });

  it('is read from damaged JSON, YAML and protobuf without a failure', { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(withKind, damages, async ([definition, object], changes) => {
        const path = `${collectionOf(definition)}?dryRun=All`;
        const damagedBy = (bytes: Buffer) => changes.reduce(damage, bytes);
        await isFine({
          method: 'POST',
          path,
          headers: { 'content-type': 'application/yaml' },
          body: damagedBy(Buffer.from(formatYaml(object))),
        });
        await isFine({ method: 'POST', path, headers: json, body: damagedBy(Buffer.from(JSON.stringify(object))) });
        const message = protobufMessageOf(definition.definition);
        if (message === undefined) return;
        let bytes: Buffer;
        try {
          const { group, version, kind: name } = definition;
          const expected = { group, version, kind: name, schema: schemaOf(definition.definition) };
          bytes = encodeProtobuf(decodeValue(object, expected).object, message);
        } catch {
          // What cannot be decoded has no bytes to send.
          return;
        }
        await isFine({
          method: 'POST',
          path,
          headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
          body: damagedBy(bytes),
        });
      }),
      { ...runs, numRuns: 400 * runsFactor },
    );
  });

  it('is selected, listed and watched by anything without a failure', { timeout }, async () => {
    const label = fc.oneof(
      fc.constantFrom(
        'a=b',
        'a in (b,c),!d',
        'a notin ()',
        'a>1',
        'a<x',
        'a=',
        '=',
        ',',
        'a in (',
        '!',
        'a==b==c',
        '\u0000',
        'é=ü',
        'a/b/c=d',
      ),
      fc.string({ maxLength: 20, unit: 'binary' }),
    );
    const field = fc
      .tuple(
        fc.oneof(
          fc.constantFrom(
            'metadata.name',
            'metadata.namespace',
            'spec.nodeName',
            'status.phase',
            'type',
            'spec.color',
            'x',
          ),
          fc.string({ maxLength: 8 }),
        ),
        fc.constantFrom('=', '==', '!=', '>', ' in '),
        fc.oneof(fc.constantFrom('one', 'default', '', '\\', '\\,', '\\=', ','), fc.string({ maxLength: 8 })),
      )
      .map((parts) => parts.join(''));
    const options = fc.record(
      {
        labelSelector: label,
        fieldSelector: field,
        limit: fc.constantFrom('1', '0', '-1', '1e9', 'x'),
        continue: fc.oneof(
          fc.constantFrom('x', 'e30', 'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJcdTAwMDAifQ'),
          fc.string({ maxLength: 9 }),
        ),
        resourceVersion: fc.constantFrom('0', '1', '-1', 'x', '9'.repeat(30)),
        resourceVersionMatch: fc.constantFrom('Exact', 'NotOlderThan', 'x'),
        watch: fc.constantFrom('1', 'true', 'x', '0'),
        timeoutSeconds: fc.constantFrom('1', '0', '-1', 'x'),
        sendInitialEvents: fc.constantFrom('true', 'false', 'x'),
        allowWatchBookmarks: fc.constantFrom('true', 'x'),
      },
      { requiredKeys: [] },
    );
    const accepts = fc.constantFrom(
      '*/*',
      'application/json;as=Table;v=v1;g=meta.k8s.io',
      'application/vnd.kubernetes.protobuf',
      'application/yaml',
    );
    await fc.assert(
      fc.asyncProperty(
        kind,
        options,
        accepts,
        fc.constantFrom('GET', 'GET', 'DELETE'),
        async (definition, asked, accept, method) => {
          const query = Object.entries(asked).map(([name, value]) => `${name}=${escaped(value)}`);
          if (method === 'DELETE') query.push('dryRun=All');
          await isFine({ method, path: `${collectionOf(definition)}?${query.join('&')}`, headers: { accept } });
        },
      ),
      { ...runs, numRuns: 400 * runsFactor },
    );
  });

  it('leaves the server serving', async () => {
    expect((await server.http('GET', '/api/v1/namespaces/kube-system')).status).toBe(200);
    expect((await server.http('GET', '/readyz')).status).toBe(200);
  });
});
