/**
 * Label and field selectors: parsed once into requirements, then matched against many objects. Query parameters come as text
 * (`parseLabelSelector`, `parseFieldSelector`), specs as LabelSelector objects (`labelSelectorOf`).
 *
 * @see k8s.io/apimachinery/pkg/labels, k8s.io/apimachinery/pkg/fields
 */
import { fieldErrors, fieldErrorText } from './field-errors.ts';
import type { LabelSelector } from './generated/types.ts';
import { validateLabelValue, validateSelectorKey } from './names.ts';

/** A selector's text or object is malformed; the message is upstream's. The API answers 400 with it. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Sorted, without repetition. */
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** All requirements must hold. Without any it matches everything. */
export interface ParsedLabelSelector {
  readonly requirements: readonly LabelRequirement[];
  /** Set for the selector that matches nothing at all. */
  readonly nothing: boolean;
  matches(labels: Labels | undefined | null): boolean;
  /** Upstream's text form. */
  toString(): string;
}

const own = (labels: Labels, key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);

const integerPattern = /^[+-]?\d+$/;

function holds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = own(labels, key);
  switch (operator) {
    case '=':
    case '==':
      return value !== undefined && value === values[0];
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
      return value === undefined || value !== values[0];
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    default: {
      if (value === undefined || !integerPattern.test(value)) return false;
      const difference = BigInt(value.replace('+', '')) - BigInt((values[0] ?? '0').replace('+', ''));
      return operator === 'gt' ? difference > 0n : difference < 0n;
    }
  }
}

function requirementText({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`;
    case 'gt':
      return `${key}>${values[0]}`;
    case 'lt':
      return `${key}<${values[0]}`;
    default:
      return `${key}${operator}${values[0]}`;
  }
}

const noLabels: Labels = {};

function selectorOf(requirements: readonly LabelRequirement[], nothing = false): ParsedLabelSelector {
  return {
    requirements,
    nothing,
    matches: (labels) => !nothing && requirements.every((requirement) => holds(requirement, labels ?? noLabels)),
    toString: () => requirements.map(requirementText).join(','),
  };
}

/** Matches every object. */
export const everything: ParsedLabelSelector = selectorOf([]);
/** Matches no object: what a missing LabelSelector means. */
export const nothing: ParsedLabelSelector = selectorOf([], true);

/** Exact labels, as ReplicationControllers and Services select; without any, everything. */
export function selectorFromSet(labels: Labels): ParsedLabelSelector {
  return selectorOf(
    Object.keys(labels)
      .sort()
      .map((key) => ({ key, operator: '=', values: [own(labels, key) ?? ''] })),
  );
}

/** Checks a requirement as upstream does. @throws SelectorError */
export function labelRequirement(key: string, operator: LabelOperator, given: readonly string[]): LabelRequirement {
  const values = [...new Set(given)].sort();
  const texts: string[] = [];
  const keyMessages = validateSelectorKey(key);
  if (keyMessages.length > 0) texts.push(fieldErrorText(fieldErrors.invalid('key', key, keyMessages.join('; '))));
  const refuse = (detail: string, value: unknown = values): void => {
    texts.push(fieldErrorText(fieldErrors.invalid('values', value, detail)));
  };
  if (operator === 'in' || operator === 'notin') {
    if (values.length === 0) refuse("for 'in', 'notin' operators, values set can't be empty");
  } else if (operator === '=' || operator === '==' || operator === '!=') {
    if (values.length !== 1) refuse('exact-match compatibility requires one single value');
  } else if (operator === 'exists' || operator === '!') {
    if (values.length > 0) refuse('values set must be empty for exists and does not exist');
  } else {
    if (values.length !== 1) refuse("for 'Gt', 'Lt' operators, exactly one value is required");
    for (const [index, value] of values.entries()) {
      if (integerPattern.test(value)) continue;
      const detail = "for 'Gt', 'Lt' operators, the value must be an integer";
      texts.push(fieldErrorText(fieldErrors.invalid(`values[${index}]`, value, detail)));
    }
  }
  for (const [index, value] of values.entries()) {
    const messages = validateLabelValue(value);
    if (messages.length > 0) {
      texts.push(fieldErrorText(fieldErrors.invalid(`values[${index}][${key}]`, value, messages.join('; '))));
    }
  }
  if (texts.length > 0) throw new SelectorError(texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`);
  return { key, operator, values };
}

type Token = 'end' | 'identifier' | 'in' | 'notin' | 'error' | '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '>' | '<';

interface Scanned {
  readonly token: Token;
  readonly text: string;
}

const symbols = new Set(['(', ')', ',', '!', '=', '==', '!=', '>', '<']);

/** Splits a selector's text into tokens; the last one is `end`. */
function scan(text: string): Scanned[] {
  const found: Scanned[] = [];
  for (const [part] of text.matchAll(/[^\s=!(),<>]+|==|!=|[=!(),<>]/g)) {
    if (symbols.has(part)) found.push({ token: part as Token, text: part });
    else found.push({ token: part === 'in' || part === 'notin' ? part : 'identifier', text: part });
  }
  found.push({ token: 'end', text: '' });
  return found;
}

const binaryOperators: Partial<Record<Token, LabelOperator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};

/** The recursive descent of upstream's grammar, one token ahead. */
class LabelSelectorParser {
  readonly #tokens: readonly Scanned[];
  #position = 0;

  constructor(text: string) {
    this.#tokens = scan(text);
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const { token, text } = this.#peek();
      if (token === 'end') return requirements;
      if (token !== 'identifier' && token !== '!') {
        throw new SelectorError(`found '${text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#requirement());
      const after = this.#next();
      if (after.token === 'end') return requirements;
      if (after.token !== ',') throw new SelectorError(`found '${after.text}', expected: ',' or 'end of string'`);
      const { token: following, text: found } = this.#peek();
      if (following !== 'identifier' && following !== '!') {
        throw new SelectorError(`found '${found}', expected: identifier after ','`);
      }
    }
  }

  /** Where a value may stand, `in` and `notin` are words like any other. */
  #peek(): Scanned {
    const { token, text } = this.#tokens[this.#position] ?? { token: 'end', text: '' };
    return { token: token === 'in' || token === 'notin' ? 'identifier' : token, text };
  }

  #next(): Scanned {
    const next = this.#peek();
    this.#position += 1;
    return next;
  }

  #refuse(message: string): never {
    throw new SelectorError(`unable to parse requirement: ${message}`);
  }

  #requirement(): LabelRequirement {
    let { token, text: key } = this.#next();
    const negated = token === '!';
    if (negated) ({ token, text: key } = this.#next());
    if (token !== 'identifier') this.#refuse(`found '${key}', expected: identifier`);
    const messages = validateSelectorKey(key);
    if (messages.length > 0) {
      this.#refuse(fieldErrorText(fieldErrors.invalid('<nil>', key, messages.join('; '))));
    }
    const { token: following } = this.#peek();
    if (negated || following === 'end' || following === ',') return this.#checked(key, negated ? '!' : 'exists', []);
    const operatorToken = this.#tokens[this.#position] ?? { token: 'end', text: '' };
    this.#position += 1;
    const operator = binaryOperators[operatorToken.token];
    if (operator === undefined) {
      this.#refuse(`found '${operatorToken.text}', expected: in, notin, =, ==, !=, gt, lt`);
    }
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#exactValue()];
    return this.#checked(key, operator, values);
  }

  #checked(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
    try {
      return labelRequirement(key, operator, values);
    } catch (error) {
      if (error instanceof SelectorError) this.#refuse(error.message);
      throw error;
    }
  }

  #exactValue(): string {
    const { token } = this.#peek();
    if (token === 'end' || token === ',') return '';
    const value = this.#next();
    if (value.token !== 'identifier') this.#refuse(`found '${value.text}', expected: identifier`);
    return value.text;
  }

  #values(): string[] {
    const open = this.#next();
    if (open.token !== '(') this.#refuse(`found '${open.text}' expected: '('`);
    const first = this.#peek();
    if (first.token === ')') {
      this.#next();
      return [''];
    }
    if (first.token !== 'identifier' && first.token !== ',') {
      this.#refuse(`found '${first.text}', expected: ',', ')' or identifier`);
    }
    const values: string[] = [];
    for (;;) {
      const { token, text } = this.#next();
      const following = this.#peek();
      if (token === 'identifier') {
        values.push(text);
        if (following.token === ')') break;
        if (following.token !== ',') this.#refuse(`found '${following.text}', expected: ',' or ')'`);
      } else if (token === ',') {
        if (values.length === 0 || following.token === ',') values.push('');
        if (following.token === ')') {
          values.push('');
          break;
        }
      } else this.#refuse(`found '${text}', expected: ',', or identifier`);
    }
    this.#next();
    return values;
  }
}

/** A label selector in text form, such as `app=web,tier in (a,b),!old`. @throws SelectorError */
export function parseLabelSelector(text: string): ParsedLabelSelector {
  if (text === '') return everything;
  const requirements = new LabelSelectorParser(text).parse();
  requirements.sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0));
  return selectorOf(requirements);
}

const expressionOperators: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/**
 * The matcher of a LabelSelector object: null or undefined matches nothing, an empty one everything.
 * @throws SelectorError for what validation would refuse
 */
export function labelSelectorOf(selector: LabelSelector | null | undefined): ParsedLabelSelector {
  if (selector === null || selector === undefined) return nothing;
  const labels = selector.matchLabels ?? {};
  const requirements = Object.keys(labels)
    .sort()
    .map((key) => labelRequirement(key, '=', [labels[key] ?? '']));
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = expressionOperators[operator];
    if (known === undefined) throw new SelectorError(`"${operator}" is not a valid label selector operator`);
    requirements.push(labelRequirement(key, known, values ?? []));
  }
  return requirements.length === 0 ? everything : selectorOf(requirements);
}

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '==' | '!=';
  readonly value: string;
}

export interface ParsedFieldSelector {
  readonly requirements: readonly FieldRequirement[];
  /** `read` gives a field's text from the object; fields that it has none of are empty. */
  matches(read: (field: string) => string): boolean;
  /** The value that the selector demands of `field`, when it does. */
  requires(field: string): string | undefined;
  toString(): string;
}

function fieldSelectorOf(requirements: readonly FieldRequirement[]): ParsedFieldSelector {
  return {
    requirements,
    matches: (read) =>
      requirements.every(({ field, operator, value }) => (read(field) === value) === (operator !== '!=')),
    requires: (wanted) => requirements.find(({ field, operator }) => field === wanted && operator !== '!=')?.value,
    toString: () =>
      requirements.map(({ field, operator, value }) => `${field}${operator}${escapeValue(value)}`).join(','),
  };
}

const escapeValue = (value: string): string => value.replace(/[\\,=]/g, '\\$&');

/** Matches everything. */
export const everyField: ParsedFieldSelector = fieldSelectorOf([]);

/**
 * A field selector such as `status.phase=Running,metadata.name!=x`; `\` escapes `,`, `=` and itself in values.
 * Whether the kind has the fields is the caller's to check ({@link unsupportedField}).
 * @throws SelectorError
 */
export function parseFieldSelector(text: string): ParsedFieldSelector {
  const terms = text.match(/(?:\\.|[^\\,])+/g) ?? [];
  const requirements = terms.map((term): FieldRequirement => {
    const parts = /^((?:\\.|[^\\=!])*?)(!=|==|=)((?:\\.|[^\\])*)$/.exec(term);
    const [, field, operator, value] = parts ?? [];
    if (field === undefined || operator === undefined || value === undefined) {
      throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
    }
    const bad = /\\([^\\,=])/.exec(value)?.[0];
    if (bad !== undefined) throw new SelectorError(`invalid field selector: invalid escape sequence: ${bad}`);
    return { field, operator: operator as FieldRequirement['operator'], value: value.replace(/\\([\\,=])/g, '$1') };
  });
  return requirements.length === 0 ? everyField : fieldSelectorOf(requirements);
}

/** The message for a field that the kind cannot be selected by. */
export const unsupportedField = (field: string): string => `field label not supported: ${field}`;
