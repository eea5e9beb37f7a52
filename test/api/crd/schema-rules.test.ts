/** What a schema of a custom kind may say, in upstream's words and order. Paths begin where the schema does. */
import { beforeAll, describe, expect, it } from 'vitest';
import { schemaErrors } from '../../../src/api/crd/schema-rules.ts';
import type { CustomSchema } from '../../../src/api/crd/structural.ts';
import { loadExpressions } from '../../../src/api/expressions.ts';
import { fieldErrorText, fieldPath } from '../../../src/api/field-errors.ts';

beforeAll(() => loadExpressions());

const errorsOf = (schema: object): string[] => schemaErrors(schema as CustomSchema, fieldPath('s')).map(fieldErrorText);
const of = (a: object, more: object = {}) => errorsOf({ type: 'object', properties: { a }, ...more });
const text = { type: 'string' };
const preserving = { 'x-kubernetes-preserve-unknown-fields': true };
const embedded = { 'x-kubernetes-embedded-resource': true };
const list = (listType: string, items: object, more: object = {}) => ({
  type: 'array',
  'x-kubernetes-list-type': listType,
  items,
  ...more,
});

describe('the structure of a schema', () => {
  it.each<[string, object, string[]]>([
    [
      'additional properties at the root',
      { type: 'object', additionalProperties: text },
      ['s.additionalProperties: Forbidden: must not be used at the root'],
    ],
    ['a root without a type', {}, ['s.type: Required value: must not be empty at the root']],
    [
      'metadata that says more',
      { type: 'object', properties: { metadata: { type: 'object', required: ['name'] } } },
      [
        's.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified',
      ],
    ],
    [
      'metadata of another type',
      { type: 'object', properties: { metadata: text, kind: { type: 'object' } } },
      [
        's.properties[kind].type: Invalid value: "object": must be string',
        's.properties[metadata].type: Invalid value: "string": must be object',
      ],
    ],
    [
      'metadata that restricts its names',
      {
        type: 'object',
        properties: { metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 3 } } } },
      },
      [],
    ],
  ])('%s', (_name, schema, expected) => {
    expect(errorsOf(schema)).toEqual(expected);
  });

  it.each<[string, object, string[]]>([
    [
      'items without a type',
      { type: 'array', items: {} },
      ['s.properties[a].items.type: Required value: must not be empty for specified array items'],
    ],
    [
      'an int-or-string that preserves',
      { 'x-kubernetes-int-or-string': true, ...preserving },
      [
        's.properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true',
      ],
    ],
    [
      'an embedded resource that is no object',
      { type: 'string', ...embedded, ...preserving },
      ['s.properties[a].type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true'],
    ],
    [
      'an embedded resource of nothing',
      { type: 'object', ...embedded },
      [
        's.properties[a].properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ],
    ],
    [
      'an embedded resource with additional properties',
      { type: 'object', ...embedded, ...preserving, additionalProperties: text },
      ['s.properties[a].additionalProperties: Forbidden: must not be used if x-kubernetes-embedded-resource is set'],
    ],
    [
      'an embedded resource whose metadata says more',
      {
        type: 'object',
        ...embedded,
        properties: {
          metadata: { type: 'object', properties: { labels: { type: 'object', additionalProperties: text } } },
        },
      },
      [],
    ],
    [
      'a combination that says what it may not',
      {
        type: 'object',
        properties: { b: text },
        anyOf: [{ properties: { b: { type: 'string', title: 't', default: 'x', nullable: true } } }],
      },
      [
        'default: Forbidden: must be undefined',
        'nullable: Forbidden: must be false',
        'title: Forbidden: must be empty',
        'type: Forbidden: must be empty',
      ].map((end) => `s.properties[a].anyOf[0].properties[b].${end} to be structural`),
    ],
    [
      'extensions in a combination',
      {
        type: 'array',
        items: text,
        oneOf: [
          {
            'x-kubernetes-list-type': 'set',
            'x-kubernetes-map-type': 'atomic',
            'x-kubernetes-list-map-keys': ['a'],
            ...preserving,
          },
        ],
      },
      [
        'list-map-keys: Forbidden: must be empty',
        'list-type: Forbidden: must be undefined',
        'map-type: Forbidden: must be undefined',
        'preserve-unknown-fields: Forbidden: must be false',
      ].map((end) => `s.properties[a].oneOf[0].x-kubernetes-${end} to be structural`),
    ],
    [
      'metadata in a combination',
      { type: 'object', properties: { metadata: { type: 'object' } }, allOf: [{ properties: { metadata: {} } }] },
      ['s.properties[a].allOf[0].properties[metadata]: Forbidden: must not be specified in a nested context'],
    ],
    [
      'additional properties in a combination',
      { type: 'object', additionalProperties: text, not: { additionalProperties: { minLength: 1 } } },
      ['s.properties[a].not.additionalProperties: Forbidden: must be undefined to be structural'],
    ],
    [
      'a pattern in a combination',
      { ...text, allOf: [{ pattern: '[' }] },
      [
        's.properties[a].allOf[0].pattern: Invalid value: "[": must be a valid regular expression, but isn\'t: error parsing regexp: missing closing ]: `[`',
      ],
    ],
  ])('%s', (_name, schema, expected) => {
    expect(of(schema).filter((error) => !/is specified|is non-empty/.test(error))).toEqual(expected);
  });
});

describe('a combination at the root', () => {
  it('restricts only what is there; further down upstream does not look', () => {
    const restriction = { required: ['b'], properties: { b: { minLength: 1, items: {} } } };
    expect(errorsOf({ type: 'object', allOf: [restriction], properties: { c: text } })).toEqual([
      's.properties[b]: Required value: because it is defined in s.allOf[0].properties[b]',
    ]);
    expect(errorsOf({ type: 'object', not: restriction, properties: { b: text } })).toEqual([
      's.properties[b].items: Required value: because it is defined in s.not.properties[b].items',
    ]);
    expect(of({ type: 'object', allOf: [restriction] })).toEqual([]);
  });
});

describe('a level of a schema', () => {
  it.each<[string, object, string[]]>([
    [
      'a set of objects',
      list('set', { type: 'object', properties: { x: text } }),
      [
        's.properties[a].items.x-kubernetes-map-type: Invalid value: "null": must be atomic as item of a list with x-kubernetes-list-type=set',
      ],
    ],
    [
      'a set of lists',
      list('set', list('set', text)),
      [
        's.properties[a].items.x-kubernetes-list-type: Invalid value: "set": must be atomic as item of a list with x-kubernetes-list-type=set',
      ],
    ],
    [
      'a set of nullable items',
      list('set', { ...text, nullable: true }),
      ['s.properties[a].items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set'],
    ],
    [
      'another list type',
      list('bag', text),
      ['s.properties[a].x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"'],
    ],
    [
      'a map of texts',
      list('map', text, { 'x-kubernetes-list-map-keys': ['k'] }),
      [
        's.properties[a].items.type: Invalid value: "string": must be object if parent array\'s x-kubernetes-list-type is map',
      ],
    ],
    [
      'map keys twice and unknown',
      list(
        'map',
        { type: 'object', required: ['k'], properties: { k: text } },
        { 'x-kubernetes-list-map-keys': ['k', 'k', 'z'] },
      ),
      [
        's.properties[a].x-kubernetes-list-map-keys: Invalid value: ["k","k","z"]: must not contain duplicate entries',
        's.properties[a].x-kubernetes-list-map-keys: Invalid value: ["k","k","z"]: entries must all be names of item properties',
      ],
    ],
    [
      'keys without a map',
      { type: 'array', items: text, 'x-kubernetes-list-map-keys': ['k'] },
      [
        's.properties[a].x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty',
      ],
    ],
    [
      'another map type',
      { type: 'object', 'x-kubernetes-map-type': 'x' },
      ['s.properties[a].x-kubernetes-map-type: Unsupported value: "x": supported values: "atomic", "granular"'],
    ],
    [
      'null as type',
      { type: 'null' },
      [
        's.properties[a].type: Unsupported value: "null": supported values: "array", "boolean", "integer", "number", "object", "string"',
        's.properties[a].type: Forbidden: type cannot be set to null, use nullable as an alternative',
      ],
    ],
    [
      'what is not supported',
      { type: 'object', definitions: { x: text }, id: 'x' },
      [
        's.properties[a].id: Forbidden: id is not supported',
        's.properties[a].definitions: Forbidden: definitions is not supported',
      ],
    ],
    [
      '$schema',
      { type: 'object', $schema: 'x' },
      ['s: Invalid value: "": OpenAPIV3Schema \'schema\' is not supported'],
    ],
    [
      'preserving nothing',
      { type: 'object', 'x-kubernetes-preserve-unknown-fields': false },
      ['s.properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined'],
    ],
    [
      'an embedded resource in metadata',
      { type: 'object', ...embedded, properties: { metadata: { type: 'object', ...embedded, ...preserving } } },
      [
        's.properties[a].properties[metadata].x-kubernetes-embedded-resource: Forbidden: must not be used inside of resource meta',
      ],
    ],
    [
      'a message of blanks',
      { ...text, 'x-kubernetes-validations': [{ rule: 'true', message: ' ', messageExpression: ' ', fieldPath: ' ' }] },
      [
        'message: Invalid value: " ": must be non-empty if specified',
        'messageExpression: Required value: must be non-empty if specified',
        'fieldPath: Invalid value: " ": must be non-empty if specified',
        'fieldPath: Invalid value: " ": must be a valid path',
      ].map((end) => `s.properties[a].x-kubernetes-validations[0].${end}`),
    ],
    [
      'a rule of lines without a message',
      { ...text, 'x-kubernetes-validations': [{ rule: 'true\n&& true' }] },
      [
        's.properties[a].x-kubernetes-validations[0].message: Required value: must be specified if rule contains line breaks',
      ],
    ],
  ])('%s', (_name, schema, expected) => {
    expect(of(schema)).toEqual(expected);
  });

  it('shows structural errors first, then those of its levels', () => {
    expect(of({ type: 'array', uniqueItems: true })).toEqual([
      's.properties[a].items: Required value: must be specified',
      's.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    ]);
  });

  it('may have no defaults in the metadata of whole objects', () => {
    const metadata = { type: 'object', properties: { name: { type: 'string', default: 'x' } } };
    expect(errorsOf({ type: 'object', properties: { metadata } })).toEqual([
      's.properties[metadata].properties[name].default: Forbidden: must not be set in top-level metadata',
    ]);
    const labels = { type: 'object', additionalProperties: { type: 'string', default: 'x' } };
    expect(
      of({ type: 'object', ...embedded, properties: { metadata: { type: 'object', properties: { labels } } } }),
    ).toEqual([
      's.properties[a].properties[metadata].properties[labels].additionalProperties.default: Forbidden: must not be set inside additionalProperties applying to object metadata',
    ]);
  });

  it('has its rules looked at only if it is sound itself', () => {
    const wrong = { 'x-kubernetes-validations': [{ rule: 'nothing' }] };
    const errors = errorsOf({
      type: 'object',
      properties: { a: { ...text, ...wrong }, b: { type: 'array', items: text, uniqueItems: true, ...wrong } },
      ...wrong,
    });
    expect(errors.filter((error) => error.includes('compilation failed'))).toHaveLength(1);
    expect(errors[0]).toContain('s.properties[b].uniqueItems');
    expect(errors[1]).toContain('s.properties[a].x-kubernetes-validations[0].rule');
  });
});

describe('a default', () => {
  it('has no unknown fields, and not those of an embedded resource unset', () => {
    expect(of({ type: 'object', properties: { b: text }, default: { c: 1 } })).toEqual([
      's.properties[a].default: Invalid value: {"c":1}: must not have unknown fields',
    ]);
    expect(of({ type: 'object', ...embedded, ...preserving, default: { x: 1 } })).toEqual([
      's.properties[a].default.apiVersion: Required value',
      's.properties[a].default.kind: Required value',
    ]);
    expect(of({ type: 'object', ...embedded, ...preserving, default: { apiVersion: 'v1', kind: 'X', x: 1 } })).toEqual(
      [],
    );
  });

  it('of an additional property is not looked at', () => {
    expect(of({ type: 'object', additionalProperties: { type: 'integer', default: 'x' } })).toEqual([]);
  });

  it('keeps the rules of its level', () => {
    const rule = { 'x-kubernetes-validations': [{ rule: "self != 'x'" }] };
    expect(of({ ...text, default: 'x', ...rule })).toEqual([
      `s.properties[a].default: Invalid value: "string": failed rule: self != 'x'`,
    ]);
  });
});
