/**
 * Checks the rules of a schema when its definition is written: that they compile, that their cost is bounded by what the schema says
 * of sizes, and that transition rules stand where old values can be found.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go, cel_validation.go
 */
import { expressions } from '../expressions.ts';
import { type FieldError, type FieldPath, fieldErrors } from '../field-errors.ts';
import { internalRule } from './internal-schema.ts';
import { type CompiledRule, compiledRules, hasRules, rulesOf, type SelfType } from './rules.ts';
import type { CustomSchema } from './structural.ts';

/** Limits of the estimates: of one rule, and of all rules of a schema. */
const RULE_COST_MAX = 10_000_000;
const SCHEMA_COST_MAX = 100_000_000;
/** Of a schema that costs too much, so many rules are named, if they cost at least a hundredth of the limit. */
const NAMED_MAX = 4;

interface Level {
  readonly schema: CustomSchema;
  readonly path: FieldPath;
  readonly self: SelfType | undefined;
  /** How often a request can have it; undefined when the schema sets no bound. */
  readonly cardinality: number | undefined;
  /** The list or map whose parts have no old values. */
  readonly uncorrelatable: FieldPath | undefined;
}

/** `broken` are levels whose rules are not looked at. */
export function ruleCheckErrors(
  schema: CustomSchema,
  path: FieldPath,
  broken: ReadonlySet<CustomSchema> = new Set(),
): FieldError[] {
  if (!hasRules(schema)) return [];
  const check = new RuleCheck(broken);
  const self = expressions().typeOfSchema(schema, true);
  check.level({ schema, path, self, cardinality: 1, uncorrelatable: undefined });
  return [...check.errors, ...check.totalErrors(path)];
}

class RuleCheck {
  readonly errors: FieldError[] = [];
  readonly #broken: ReadonlySet<CustomSchema>;
  readonly #costly: { path: FieldPath; cost: number }[] = [];
  #total = 0;

  constructor(broken: ReadonlySet<CustomSchema>) {
    this.#broken = broken;
  }

  level(level: Level): void {
    const { schema, path, self, cardinality } = level;
    const { isEmbedded, typeOfSchema } = expressions();
    // What another map type means is not known: its parts are not found again.
    const mapType = schema['x-kubernetes-map-type'] ?? 'granular';
    const unknown = mapType === 'atomic' || mapType === 'granular' ? undefined : path;
    const below = (
      part: CustomSchema,
      at: FieldPath,
      type: SelfType | undefined,
      count: number | undefined,
      lost?: FieldPath,
    ) => {
      if (!hasRules(part)) return;
      const own = isEmbedded(part) ? typeOfSchema(part, true) : (type ?? typeOfSchema(part));
      this.level({
        schema: part,
        path: at,
        self: own,
        cardinality: count,
        uncorrelatable: level.uncorrelatable ?? lost,
      });
    };
    const { additionalProperties, properties, items } = schema;
    if (typeof additionalProperties === 'object') {
      const type = self?.kind === 'map' ? self.value : undefined;
      const count = multiplied(cardinality, schema.maxProperties);
      below(additionalProperties, path.child('additionalProperties'), type, count);
    }
    for (const name of Object.keys(properties ?? {}).sort()) {
      const property = properties?.[name] as CustomSchema;
      const type = self?.kind === 'struct' ? self.fields.get(expressions().escapeName(name) ?? '')?.type : undefined;
      below(property, path.child('properties').key(name), type, cardinality, unknown);
    }
    if (items !== undefined) {
      const lost = schema['x-kubernetes-list-type'] === 'map' ? undefined : path;
      const type = self?.kind === 'list' ? self.element : undefined;
      below(items, path.child('items'), type, multiplied(cardinality, schema.maxItems), lost);
    }
    this.#rules(level);
  }

  #rules(level: Level): void {
    const { schema, path, self } = level;
    const rules = rulesOf(schema);
    if (rules.length === 0 || this.#broken.has(schema)) return;
    if (self === undefined) {
      const detail = `rule declared on schema that does not support validation rules type: '${schema.type ?? ''}' x-kubernetes-preserve-unknown-fields: '${schema['x-kubernetes-preserve-unknown-fields'] === true}'`;
      this.errors.push(fieldErrors.internal(path.child('x-kubernetes-validations'), detail));
      return;
    }
    for (const [index, compiled] of compiledRules(schema, self).entries()) {
      this.#rule(compiled, path.child('x-kubernetes-validations').index(index), level, self);
    }
  }

  #rule(compiled: CompiledRule, at: FieldPath, { cardinality, uncorrelatable }: Level, self: SelfType): void {
    const { rule, program, error, message, messageError, usesOldSelf } = compiled;
    const { errors } = this;
    const times = cardinality ?? expressions().cardinalityMax(self.bytesMin ?? 0);
    if (program !== undefined) {
      this.#cost(at.child('rule'), 'estimated rule cost', multiplied(program.costMax, times) ?? 0);
    }
    if (error !== undefined) errors.push(fieldErrors.invalid(at.child('rule'), internalRule({ ...rule }), error));
    if (messageError !== undefined)
      errors.push(fieldErrors.invalid(at.child('messageExpression'), internalRule({ ...rule }), messageError));
    else if (message !== undefined)
      this.#cost(at.child('messageExpression'), 'estimated messageExpression cost', message.costMax);
    if (usesOldSelf && uncorrelatable !== undefined) {
      const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`;
      errors.push(fieldErrors.invalid(at.child('rule'), rule.rule, detail));
    } else if (!usesOldSelf && error === undefined && rule.optionalOldSelf !== undefined) {
      const detail = 'may not be set if oldSelf is not used in rule';
      errors.push(fieldErrors.invalid(at.child('optionalOldSelf'), rule.optionalOldSelf, detail));
    }
  }

  #cost(path: FieldPath, what: string, cost: number): void {
    if (cost > RULE_COST_MAX) this.errors.push(fieldErrors.forbidden(path, excess(what, cost, RULE_COST_MAX)));
    this.#total += cost;
    if (cost >= SCHEMA_COST_MAX / 100) this.#costly.push({ path, cost });
  }

  totalErrors(path: FieldPath): FieldError[] {
    if (this.#total <= SCHEMA_COST_MAX) return [];
    const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
    const named = this.#costly.sort((left, right) => right.cost - left.cost).slice(0, NAMED_MAX);
    return [
      ...named.map((rule) =>
        fieldErrors.forbidden(
          rule.path,
          'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
        ),
      ),
      fieldErrors.forbidden(path, excess(what, this.#total, SCHEMA_COST_MAX)),
    ];
  }
}

/** Undefined stands for no bound. */
function multiplied(amount: number | undefined, by: number | undefined): number | undefined {
  return amount === undefined || by === undefined ? undefined : amount * by;
}

function excess(what: string, cost: number, limit: number): string {
  const times = cost / limit;
  const factor = times > 100 ? 'more than 100x' : times < 1.5 ? `${times.toFixed(6)}x` : `${times.toFixed(1)}x`;
  const advice =
    'try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared';
  return `${what} exceeds budget by factor of ${factor} (${advice})`;
}
