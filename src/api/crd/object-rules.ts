/**
 * Runs the rules of a custom kind over an object. On update, what a rule says of a part that did not change is a warning and no error;
 * transition rules see the old value where there is one.
 * @see apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go, KEP-2876, KEP-4008
 */
import { expressions } from '../expressions.ts';
import { type FieldError, type FieldPath, fieldErrors, fieldErrorText, fieldPath } from '../field-errors.ts';
import { correlatedItems, isUnchanged } from './correlation.ts';
import { type CompiledRule, compiledRules, hasRules, rulesOf, type SelfType, type ValidationRule } from './rules.ts';
import { type CustomSchema, isJsonObject, type JsonObject, ownProperty } from './structural.ts';

/** What all rules of one object may cost. */
const OBJECT_COST_MAX = 10_000_000;
const MESSAGE_BYTES_MAX = 5 * 1024;

export interface RuleFindings {
  readonly errors: FieldError[];
  /** Of parts that were as they are before. */
  readonly warnings: string[];
}

/** Upstream checks no rules of objects that are wrong in such ways. */
const blocking: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

/** `found` is what else is wrong with the object. */
export function validateRules(
  object: JsonObject,
  previous: JsonObject | undefined,
  schema: CustomSchema,
  found: readonly FieldError[],
): RuleFindings {
  if (!hasRules(schema)) return { errors: [], warnings: [] };
  if (found.some(({ type }) => blocking.has(type))) {
    const detail =
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
    return { errors: [fieldErrors.invalid('<nil>', undefined, detail)], warnings: [] };
  }
  const run = new RuleRun();
  const self = expressions().typeOfSchema(schema, true);
  run.value({
    value: object,
    old: previous,
    path: undefined,
    schema,
    self,
    unchanged: isUnchanged(object, previous, schema),
  });
  return run;
}

/** Rules that the default of a level does not keep. @see apiextensions-apiserver/pkg/apiserver/schema/defaulting/validation.go */
export function defaultRuleErrors(schema: CustomSchema, path: FieldPath): FieldError[] {
  if (!hasRules(schema)) return [];
  const run = new RuleRun();
  const self = expressions().typeOfSchema(schema, expressions().isEmbedded(schema));
  const value = schema.default;
  run.value({ value, old: value, path, schema, self, unchanged: false });
  return run.errors;
}

interface Place {
  readonly value: unknown;
  /** The old value, where it can be told. */
  readonly old: unknown;
  /** Undefined at the root. */
  readonly path: FieldPath | undefined;
  readonly schema: CustomSchema;
  readonly self: SelfType | undefined;
  /** Whether it, or the nearest part around it that has an old value, is as it was. */
  readonly unchanged: boolean;
}

class RuleRun implements RuleFindings {
  readonly errors: FieldError[] = [];
  readonly warnings: string[] = [];
  #budget = OBJECT_COST_MAX;

  /** False when the budget is used up. */
  value(place: Place): boolean {
    const { value, schema } = place;
    if (value === null || value === undefined || !hasRules(schema)) return true;
    if (!this.#rules(place)) return false;
    if (Array.isArray(value)) return this.#list(place, value);
    return isJsonObject(value) ? this.#object(place, value) : true;
  }

  #list(place: Place, value: readonly unknown[]): boolean {
    const { schema, old, path, self } = place;
    const { items } = schema;
    if (items === undefined || !hasRules(items)) return true;
    const before = correlatedItems(schema, old);
    const type = expressions().isEmbedded(items)
      ? expressions().typeOfSchema(items, true)
      : self?.kind === 'list'
        ? self.element
        : expressions().typeOfSchema(items);
    return value.every((item, index) => {
      const previous = before?.(item);
      return this.value({
        value: item,
        old: previous,
        path: path?.index(index),
        schema: items,
        self: type,
        unchanged: previous === undefined ? place.unchanged : isUnchanged(item, previous, items),
      });
    });
  }

  #object(place: Place, value: JsonObject): boolean {
    const { schema, old, path, self } = place;
    const { escapeName, isEmbedded, typeOfSchema } = expressions();
    const before = isJsonObject(old) ? old : {};
    for (const name of Object.keys(value).sort()) {
      const property = ownProperty(schema, name);
      const additional = schema.additionalProperties;
      const part = property ?? (typeof additional === 'object' ? additional : undefined);
      if (part === undefined || !hasRules(part)) continue;
      const known =
        property === undefined
          ? self?.kind === 'map'
            ? self.value
            : undefined
          : self?.kind === 'struct'
            ? self.fields.get(escapeName(name) ?? '')?.type
            : undefined;
      const goesOn = this.value({
        value: value[name],
        old: Object.hasOwn(before, name) ? before[name] : undefined,
        path: property === undefined ? path?.key(name) : (path?.child(name) ?? fieldPath(name)),
        schema: part,
        self: isEmbedded(part) ? typeOfSchema(part, true) : (known ?? typeOfSchema(part)),
        unchanged: Object.hasOwn(before, name) ? isUnchanged(value[name], before[name], part) : place.unchanged,
      });
      if (!goesOn) return false;
    }
    return true;
  }

  #fail(path: FieldPath | undefined, detail: string, type: string): void {
    this.errors.push(fieldErrors.invalid(path ?? '<nil>', type, detail));
  }

  #rules(place: Place): boolean {
    const { schema, self, path } = place;
    if (rulesOf(schema).length === 0 || self === undefined) return true;
    const { readJson, Optional } = expressions();
    const type = schema.type ?? '';
    const value = readJson(place.value, self);
    const hasOld = place.old !== undefined && place.old !== null;
    const old = hasOld ? readJson(place.old, self) : undefined;
    for (const compiled of compiledRules(schema, self)) {
      const { rule, error, program } = compiled;
      if (error !== undefined || program === undefined) {
        this.#fail(path, `rule compile error: ${error}`, type);
        continue;
      }
      const optional = rule.optionalOldSelf === true;
      if (compiled.usesOldSelf && !hasOld && !optional) continue;
      const oldSelf = optional ? (hasOld ? new Optional(old) : Optional.none) : old;
      if (this.#budget <= 0) {
        this.#fail(
          path,
          'validation failed due to running out of cost budget, no further validation rules will be run',
          type,
        );
        return false;
      }
      if (!this.#evaluate(compiled, { self: value, oldSelf }, place)) return false;
    }
    return true;
  }

  #evaluate(compiled: CompiledRule, variables: Record<string, unknown>, place: Place): boolean {
    const { failureOf, CostLimitError } = expressions();
    const { rule, program, usesOldSelf } = compiled;
    const type = place.schema.type ?? '';
    const evaluation = (program as NonNullable<typeof program>).evaluate(variables);
    if (evaluation.cost > this.#budget) {
      this.#fail(
        place.path,
        'validation failed due to running out of cost budget, no further validation rules will be run',
        type,
      );
      return false;
    }
    this.#budget -= evaluation.cost;
    const failure = failureOf(evaluation);
    if (failure !== undefined) {
      const shown = shownRule(rule);
      if (failure instanceof CostLimitError) {
        const detail = `'${failure.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${shown}`;
        this.#fail(place.path, detail, type);
        return false;
      }
      const detail = failure.message.startsWith('no such overload')
        ? `'${failure.message}': call arguments did not match a supported operator, function or macro signature for rule: ${shown}`
        : `${failure.message} evaluating rule: ${shown}`;
      this.#fail(place.path, detail, type);
      return true;
    }
    if (evaluation.value === true) return true;
    const problem = errorOf(rule, placeOf(place, rule), type, this.#message(compiled, variables) ?? ruleMessage(rule));
    if (!usesOldSelf && place.unchanged) this.warnings.push(fieldErrorText(problem));
    else this.errors.push(problem);
    return true;
  }

  /** What the rule's own expression says; undefined when it says nothing that can be shown. */
  #message({ message }: CompiledRule, variables: Record<string, unknown>): string | undefined {
    if (message === undefined) return undefined;
    const { value, cost } = message.evaluate(variables);
    this.#budget -= cost;
    if (typeof value !== 'string') return undefined;
    const text = value.trim();
    return text === '' || text.includes('\n') || Buffer.byteLength(text) > MESSAGE_BYTES_MAX ? undefined : text;
  }
}

const shownRule = ({ rule, message }: ValidationRule): string => (message ? message.trim() : rule.trim());
const ruleMessage = (rule: ValidationRule): string =>
  rule.message ? rule.message.trim() : `failed rule: ${shownRule(rule)}`;

/** The path that the rule is about: names of properties, and keys of maps in brackets. */
function placeOf({ path, schema }: Place, { fieldPath: relative = '' }: ValidationRule): string {
  const steps: string[] = [];
  let current: CustomSchema | undefined = schema;
  for (const [, dotted, quoted] of relative.matchAll(/\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\]/g)) {
    const name = dotted ?? quoted ?? '';
    const property = ownProperty(current, name);
    steps.push(property === undefined ? `[${name}]` : name);
    const additional: CustomSchema | boolean | undefined = current?.additionalProperties;
    current = property ?? (typeof additional === 'object' ? additional : undefined);
  }
  if (steps.length === 0) return path === undefined ? '<nil>' : String(path);
  const below = steps.join('.').replaceAll('.[', '[');
  return path === undefined ? below : `${path}.${below}`;
}

function errorOf({ reason }: ValidationRule, path: string, type: string, detail: string): FieldError {
  switch (reason) {
    case 'FieldValueForbidden':
      return fieldErrors.forbidden(path, detail);
    case 'FieldValueRequired':
      return fieldErrors.required(path, detail);
    case 'FieldValueDuplicate':
      return fieldErrors.duplicate(path, type);
    default:
      return fieldErrors.invalid(path, type, detail);
  }
}
