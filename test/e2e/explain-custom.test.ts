/**
 * `kubectl explain` of a custom kind with every shape of field, by each kubectl, from both versions of OpenAPI: what is expected is
 * what it prints of the documents that upstream makes of the same definition.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findKubectl, kubectl, kubectlMinors, newestKubectl } from '../support/kubectl.ts';
import { eventually, type Up, up } from '../support/up.ts';

const text = { type: 'string' };
const keeps = { 'x-kubernetes-preserve-unknown-fields': true };
const either = { 'x-kubernetes-int-or-string': true };

const spec = {
  description: 'What is wanted.',
  type: 'object',
  required: ['size'],
  properties: {
    anything: { description: 'Whatever it likes.', type: 'object', ...keeps },
    enabled: { type: 'boolean' },
    labels: { description: 'Words by name.', type: 'object', additionalProperties: text },
    level: { description: 'How loud it is.', type: 'integer', format: 'int64', default: 3 },
    limits: { type: 'object', additionalProperties: either },
    loose: keeps,
    matrix: { type: 'array', items: { type: 'array', items: { type: 'integer' } } },
    parts: {
      description: 'What it is made of.',
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        description: 'One part.',
        type: 'object',
        required: ['name'],
        properties: {
          name: { description: "The part's name.", ...text },
          screws: { type: 'array', items: { type: 'object', properties: { length: { type: 'integer' } } } },
        },
      },
    },
    port: { description: 'A number or a name.', ...either },
    ratio: { type: 'number' },
    size: { description: 'How big it is.', ...text, enum: ['small', 'large'] },
    tags: { description: 'Words.', type: 'array', items: text },
    template: { type: 'object', 'x-kubernetes-embedded-resource': true, ...keeps },
    when: { ...text, format: 'date-time', nullable: true },
    zones: {
      type: 'object',
      additionalProperties: { type: 'object', properties: { host: { description: 'Where it is.', ...text } } },
    },
  },
};

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gadgets.explain.example.com' },
  spec: {
    group: 'explain.example.com',
    scope: 'Namespaced',
    names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
      },
    ],
  },
};

/** The fields of an embedded object's metadata are everybody's. */
const fieldsOfV3 = (showsEnums: boolean): string[] => [
  '  anything\t<Object>',
  '  enabled\t<boolean>',
  '  labels\t<map[string]string>',
  '  level\t<integer>',
  '  limits\t<map[string]Object>',
  '  loose\t<Object>',
  '  matrix\t<[][]integer>',
  '  parts\t<[]Object>',
  '    name\t<string> -required-',
  '    screws\t<[]Object>',
  '      length\t<integer>',
  '  port\t<Object>',
  '  ratio\t<number>',
  '  size\t<string> -required-',
  ...(showsEnums ? ['  enum: small, large'] : []),
  '  tags\t<[]string>',
  '  template\t<Object>',
  '    apiVersion\t<string> -required-',
  '    kind\t<string> -required-',
  '    metadata\t<ObjectMeta>',
  '  when\t<string>',
  '  zones\t<map[string]Object>',
  '    host\t<string>',
];

const fieldsOfV2 = `KIND:     Gadget
VERSION:  explain.example.com/v1

RESOURCE: spec <Object>

DESCRIPTION:
     What is wanted.

FIELDS:
   anything\t<>
   enabled\t<boolean>
   labels\t<map[string]string>
   level\t<integer>
   limits\t<map[string]>
   loose\t<>
   matrix\t<[][]integer>
   parts\t<[]Object>
      name\t<string>
      screws\t<[]Object>
         length\t<integer>
   port\t<>
   ratio\t<number>
   size\t<string>
   tags\t<[]string>
   template\t<>
   when\t<>
   zones\t<map[string]Object>
      host\t<string>
`;

const embeddedFields = [
  'apiVersion\t<string> -required-',
  '  apiVersion defines the versioned schema of this representation of an object.',
  'kind\t<string> -required-',
  '  kind is a string value representing the type of this object. In CamelCase.',
  'metadata\t<ObjectMeta>',
  "  Standard object's metadata. More info:",
];

let cluster: Up;

describe.skipIf(newestKubectl() === undefined)('kubectl explain of custom kinds', () => {
  beforeAll(async () => {
    cluster = await up(['--nodes', '0', '--components', 'apiserver']);
    const client = kubectl(newestKubectl() as string, cluster.kubeconfig);
    await client.ok(['create', '-f', '-'], JSON.stringify(definition));
    await client.ok(['wait', '--for=condition=Established', 'crd/gadgets.explain.example.com', '--timeout=60s']);
    await eventually(async () => (await client.run(['explain', 'gadgets'])).code === 0, 60_000);
  });
  afterAll(() => cluster?.stop());

  for (const minor of kubectlMinors) {
    const binary = findKubectl(minor);
    it.skipIf(binary === undefined)(`prints every field, with 1.${minor}`, { timeout: 120_000 }, async () => {
      const client = kubectl(binary as string, cluster.kubeconfig);
      const lines = (await client.ok(['explain', 'gadgets.spec', '--recursive'])).split('\n');
      expect(lines).toContain('FIELD: spec <Object>');
      // The embedded object's metadata goes deeper than anything else.
      const metadata = lines.indexOf('    metadata\t<ObjectMeta>');
      expect(lines[metadata + 1]).toBe('      annotations\t<map[string]string>');
      const own = lines.filter((line, at) => at <= metadata || !line.startsWith('      '));
      expect(own.slice(own.indexOf('FIELDS:') + 1).filter((line) => line !== '')).toEqual(fieldsOfV3(minor >= 30));
      const template = (await client.ok(['explain', 'gadgets.spec.template'])).split('\n').map((line) => line.slice(2));
      expect(template).toEqual(expect.arrayContaining(embeddedFields));
      const port = await client.ok(['explain', 'gadgets.spec.port']);
      expect(port).toMatch(/^FIELD: port <Object>\n\n+DESCRIPTION:\n {4}A number or a name\.\n/m);
      const old = ['explain', 'gadgets.spec', '--recursive', '--output', 'plaintext-openapiv2'];
      expect(await client.ok(old)).toBe(fieldsOfV2);
      const missing = await client.run(['explain', 'gadgets.spec.bogus']);
      expect(missing).toMatchObject({ code: 1, stderr: 'error: field "bogus" does not exist\n' });
    });
  }
});
