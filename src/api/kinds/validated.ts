/** Joins a kind's strategy, which prepares objects, with its validation, which refuses them. The two are written apart. */
import type { ApiObject, KindDefinition, Strategy, SubresourceStrategy } from './types.ts';

/** The parts of a strategy that validation brings. */
type Validation = Pick<
  Strategy,
  'usesExpressions' | 'validate' | 'validateUpdate' | 'metadataOnUpdate' | 'warnings' | 'status' | 'subresources'
>;

/** The kind with its validation attached: of the status and other subresources too, and with the warnings of both. */
export function withValidation(kind: KindDefinition, validation: Validation | undefined): KindDefinition {
  if (validation === undefined) return kind;
  const strategy = kind.strategy ?? {};
  const status = joined(strategy.status, validation.status);
  const subresources = joinedSubresources(strategy, validation);
  const warnings = joinedWarnings(strategy, validation);
  return {
    ...kind,
    strategy: {
      ...strategy,
      ...validation,
      ...(status !== undefined && { status }),
      ...(subresources !== undefined && { subresources }),
      ...(warnings !== undefined && { warnings }),
    },
  };
}

function joined<Part extends SubresourceStrategy>(first: Part | undefined, second: Part | undefined): Part | undefined {
  return first === undefined ? second : second === undefined ? first : { ...first, ...second };
}

function joinedSubresources(strategy: Strategy, validation: Validation): Strategy['subresources'] {
  if (strategy.subresources === undefined || validation.subresources === undefined) {
    return strategy.subresources ?? validation.subresources;
  }
  const result: Record<string, SubresourceStrategy> = { ...strategy.subresources };
  for (const [name, part] of Object.entries(validation.subresources)) result[name] = { ...result[name], ...part };
  return result;
}

function joinedWarnings(strategy: Strategy, validation: Validation): Strategy['warnings'] {
  if (strategy.warnings === undefined || validation.warnings === undefined) {
    return strategy.warnings ?? validation.warnings;
  }
  return (object: ApiObject, previous: ApiObject | undefined) => [
    ...strategy.warnings!(object, previous),
    ...validation.warnings!(object, previous),
  ];
}
