import { beforeAll, describe, expect, it } from 'vitest';
import { ruleCheckErrors } from '../../../src/api/crd/rule-checks.ts';
import type { CustomSchema } from '../../../src/api/crd/structural.ts';
import { fieldErrorText, fieldPath, loadExpressions } from '../../../src/api/index.ts';

beforeAll(async () => {
  await loadExpressions();
});

const errors = (properties: object, root: object = {}): string[] =>
  ruleCheckErrors({ type: 'object', properties, ...root } as CustomSchema, fieldPath('schema')).map(fieldErrorText);
const rule = (text: string, more: object = {}) => ({ 'x-kubernetes-validations': [{ rule: text, ...more }] });
const text = { type: 'string' };
const list = (items: object, more: object = {}) => ({ type: 'array', items, ...more });
const shown = (rule: string, more: object = {}) =>
  JSON.stringify({
    Rule: rule,
    Message: '',
    MessageExpression: '',
    Reason: null,
    FieldPath: '',
    OptionalOldSelf: null,
    ...more,
  });

describe('a rule in a schema', () => {
  it('must compile to a condition, and its message to a text', () => {
    expect(errors({ a: { ...text, ...rule('self') } })).toEqual([
      `schema.properties[a].x-kubernetes-validations[0].rule: Invalid value: ${shown('self')}: cel expression must evaluate to a bool`,
    ]);
    expect(errors({ a: { ...text, ...rule('true', { messageExpression: '1' }) } })).toEqual([
      `schema.properties[a].x-kubernetes-validations[0].messageExpression: Invalid value: ${shown('true', { MessageExpression: '1' })}: messageExpression must evaluate to a string`,
    ]);
    expect(errors({ a: text }, rule('self.b == 1'))[0]).toContain("undefined field 'b'");
    expect(errors({ a: text }, rule("self.a == 'x' && self.metadata.name != '' && self.kind == 'Foo'"))).toEqual([]);
    expect(errors({ a: text }, rule('self.metadata.labels.size() == 0'))[0]).toContain("undefined field 'labels'");
  });

  it('does not see what has no type', () => {
    const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    expect(errors({ free, a: text }, rule("self.a == ''"))).toEqual([]);
    expect(errors({ 'not escapable!': text, a: text }, rule("self.a == ''"))).toEqual([]);
  });

  it('may use the old value only where it can be found', () => {
    const items = { ...text, maxLength: 10, ...rule('self == oldSelf') };
    expect(errors({ l: list(items, { maxItems: 5 }) })[0]).toBe(
      'schema.properties[l].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within schema.properties[l]',
    );
    const keyed = list(
      { type: 'object', properties: { k: { ...text, maxLength: 10 } }, ...rule('self == oldSelf') },
      { maxItems: 5, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] },
    );
    expect(errors({ l: keyed })).toEqual([]);
    expect(errors({ a: { ...text, ...rule("self == 'a'", { optionalOldSelf: true }) } })[0]).toContain(
      'may not be set if oldSelf is not used in rule',
    );
  });
});

describe('the cost of rules', () => {
  const quadratic = 'self.all(x, self.all(y, x == y))';

  it('is too high where the schema sets no bounds, and low enough where it does', () => {
    expect(errors({ l: { ...list(text), ...rule(quadratic) } })).toEqual([
      expect.stringContaining('rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x'),
      expect.stringContaining(
        'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
      ),
      expect.stringMatching(/^schema: Forbidden: x-kubernetes-validations estimated rule cost total/),
    ]);
    expect(errors({ l: { ...list({ ...text, maxLength: 10 }, { maxItems: 50 }), ...rule(quadratic) } })).toEqual([]);
  });

  it('grows with how often a rule runs', () => {
    const item = { ...text, maxLength: 1000, ...rule("self.matches('^[a-z]{1,20}$')") };
    expect(errors({ l: list(item, { maxItems: 100 }) })).toEqual([]);
    expect(errors({ l: list(item, { maxItems: 10_000 }) })[0]).toMatch(/exceeds budget by factor of \d+\.\dx/);
    expect(errors({ m: { type: 'object', additionalProperties: item } })[0]).toContain(
      'exceeds budget by factor of more than 100x',
    );
  });

  it('adds up over the schema', () => {
    const costly = {
      ...list({ ...text, maxLength: 100 }, { maxItems: 300 }),
      ...rule('self.all(x, self.all(y, x == y))'),
    };
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`l${at}`, costly]));
    const found = errors(many);
    expect(found.filter((error) => error.includes('contributed to'))).toHaveLength(4);
    expect(found.at(-1)).toMatch(
      /^schema: Forbidden: x-kubernetes-validations estimated rule cost total .* factor of \d/,
    );
  });
});
