/**
 * Selectors as part of a question about access. Inside they are text, as in a query; reviews and webhooks carry them as lists of
 * requirements. What cannot be read is left out, and reviews say so. @see pkg/registry/authorization/util/helpers.go
 */
import { type LabelOperator, parseFieldSelector, parseLabelSelector, SelectorError } from '../../../src/api/index.ts';

export interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** As reviews have them: text or a list. */
export interface ReviewSelector {
  readonly rawSelector?: string;
  readonly requirements?:
    | readonly {
        readonly key?: string;
        readonly operator?: string;
        readonly values?: readonly string[] | null;
      }[]
    | null;
}

export interface SelectorText {
  readonly text: string | undefined;
  /** What of it could not be read. */
  readonly ignored?: 'ignored' | 'partially ignored' | undefined;
}

type Terms = readonly (string | undefined)[];

/** Field selectors compare with one value. */
export function fieldSelectorText(selector: ReviewSelector | null | undefined): SelectorText {
  return textOf(selector, parseFieldSelector, ({ key = '', operator, values }) => {
    const value = values?.length === 1 ? escaped(values[0] as string) : undefined;
    if (value === undefined) return undefined;
    if (operator === 'In') return `${key}=${value}`;
    return operator === 'NotIn' ? `${key}!=${value}` : undefined;
  });
}

export function labelSelectorText(selector: ReviewSelector | null | undefined): SelectorText {
  return textOf(selector, parseLabelSelector, ({ key = '', operator, values }) => {
    const list = (values ?? []).join(',');
    if (operator === 'In') return `${key} in (${list})`;
    if (operator === 'NotIn') return `${key} notin (${list})`;
    if (operator === 'Exists') return key;
    return operator === 'DoesNotExist' ? `!${key}` : undefined;
  });
}

function textOf(
  selector: ReviewSelector | null | undefined,
  parse: (text: string) => unknown,
  termOf: (requirement: NonNullable<ReviewSelector['requirements']>[number]) => string | undefined,
): SelectorText {
  if (selector === undefined || selector === null) return { text: undefined };
  const raw = selector.rawSelector ?? '';
  if (raw !== '') return isReadable(raw, parse) ? { text: raw } : { text: undefined, ignored: 'ignored' };
  const terms: Terms = (selector.requirements ?? []).map((requirement) => {
    const term = termOf(requirement);
    return term !== undefined && isReadable(term, parse) ? term : undefined;
  });
  const known = terms.filter((term) => term !== undefined);
  return {
    text: known.length === 0 ? undefined : known.join(','),
    ignored: known.length === terms.length ? undefined : known.length === 0 ? 'ignored' : 'partially ignored',
  };
}

function isReadable(text: string, parse: (text: string) => unknown): boolean {
  try {
    parse(text);
    return true;
  } catch (error) {
    if (error instanceof SelectorError) return false;
    throw error;
  }
}

function escaped(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}

const OPERATORS: Readonly<Partial<Record<LabelOperator, string>>> = {
  '=': 'In',
  '==': 'In',
  in: 'In',
  '!=': 'NotIn',
  notin: 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
};

/** For a webhook; undefined when there is nothing to tell, or nothing that could be read. */
export function fieldRequirements(text: string | undefined): readonly Requirement[] | undefined {
  if (text === undefined || text === '' || !isReadable(text, parseFieldSelector)) return undefined;
  const requirements = parseFieldSelector(text).requirements.map(({ field, operator, value }) => ({
    key: field,
    operator: operator === '!=' ? 'NotIn' : 'In',
    values: [value],
  }));
  return requirements.length === 0 ? undefined : requirements;
}

/** As {@link fieldRequirements}; comparisons of numbers are left out. */
export function labelRequirements(text: string | undefined): readonly Requirement[] | undefined {
  if (text === undefined || text === '' || !isReadable(text, parseLabelSelector)) return undefined;
  const requirements = parseLabelSelector(text).requirements.flatMap(({ key, operator, values }): Requirement[] => {
    const name = OPERATORS[operator];
    if (name === undefined) return [];
    return [{ key, operator: name, ...(values.length === 0 ? {} : { values }) }];
  });
  return requirements.length === 0 ? undefined : requirements;
}
