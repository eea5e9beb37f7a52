import { describe, expect, it } from 'vitest';
import { openApiOf } from '../../../src/api/crd/openapi.ts';
import type { CustomSchema } from '../../../src/api/crd/structural.ts';

type Node = Record<string, never>;
const text: CustomSchema = { type: 'string' };
const keeps = { 'x-kubernetes-preserve-unknown-fields': true } as const;
const embeds = { 'x-kubernetes-embedded-resource': true } as const;

const memberOf = (member: CustomSchema, dialect: 'v2' | 'v3'): Node => {
  const { properties } = openApiOf({ type: 'object', properties: { member } }, dialect);
  return (properties as Record<string, Node>)['member']!;
};

describe('the schema of a custom kind in OpenAPI documents', () => {
  it('has the members of every object, its metadata being as everybody has it', () => {
    const schema = { type: 'object', properties: { metadata: { type: 'object', properties: { name: text } } } };
    const { properties } = openApiOf(schema, 'v3') as { properties: Record<string, Node> };
    expect(Object.keys(properties).sort()).toEqual(['apiVersion', 'kind', 'metadata']);
    expect(properties['metadata']).toEqual({
      description: expect.stringMatching(/^Standard object's metadata\. More info: /),
      $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta',
    });
  });

  it.each([
    ['v3', {}],
    ['v2', {}],
    ['v3', keeps],
  ] as const)('has them in embedded objects also: %s %j', (dialect, more) => {
    const member = { type: 'object', ...embeds, ...more, properties: { spec: text }, required: ['kind', 'spec'] };
    expect(memberOf(member, dialect)).toMatchObject({
      required: ['kind', 'spec', 'apiVersion'],
      properties: { spec: text, apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: {} },
    });
    const inList = memberOf({ type: 'array', items: { type: 'object', ...embeds } }, dialect);
    expect(inList['items']).toMatchObject({ required: ['kind', 'apiVersion'] });
  });

  it.each<[string, CustomSchema, object]>([
    ['alternatives', { ...text, anyOf: [{}], oneOf: [{}], allOf: [{}], not: {} }, text],
    ['the type of what may be null', { ...text, nullable: true, description: 'd' }, { description: 'd' }],
    ['items of what may be null', { type: 'array', nullable: true, items: text }, {}],
    ['members beside unknown ones', { type: 'object', ...keeps, properties: { a: text } }, keeps],
    [
      'members of embedded objects beside unknown ones',
      { type: 'object', ...keeps, ...embeds },
      { ...keeps, ...embeds },
    ],
    ['lists whose items are unknown', { type: 'array', ...keeps, items: text }, keeps],
    [
      'that a member is required which may be null',
      { type: 'object', required: ['a', 'b'], properties: { a: { ...text, nullable: true }, b: text } },
      { type: 'object', required: ['b'], properties: { a: {}, b: text } },
    ],
    [
      'what is required where any member may be null',
      { type: 'object', required: ['a'], additionalProperties: { ...text, nullable: true } },
      { type: 'object', additionalProperties: {} },
    ],
  ])('of the second version leaves out %s', (_, member, expected) => {
    expect(memberOf(member, 'v2')).toEqual(expected);
    expect(memberOf(member, 'v3')).toMatchObject(member);
  });

  it('of the second version says nothing of objects with unknown members', () => {
    const schema: CustomSchema = { type: 'object', ...keeps, properties: { a: text } };
    expect(openApiOf(schema, 'v2')).toEqual({ type: 'object' });
    expect(openApiOf(schema, 'v3')).toMatchObject({ properties: { a: text } });
  });

  it('leaves a definition as it is', () => {
    const schema = Object.freeze({ type: 'object', required: ['a'], properties: { a: { ...text, nullable: true } } });
    const before = JSON.stringify(schema);
    openApiOf(schema, 'v2');
    expect(JSON.stringify(schema)).toBe(before);
  });
});
