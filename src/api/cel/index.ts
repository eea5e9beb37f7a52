/**
 * Kubernetes' expression language: compile with {@link compile}, evaluate with the program that comes out. A folder that is loaded when
 * the first expression comes (`loadExpressions`): nobody imports it at start.
 */
export { admissionExpressionIssue, type CheckedSurroundings, type ExpressionIssue } from './admission-checks.ts';
export {
  type AdmissionEnvironmentOptions,
  admissionEnvironment,
  namespaceType,
  requestType,
} from './admission-environment.ts';
export {
  compileDeviceSelector,
  type DeviceAttribute,
  type DeviceSelector,
  SELECTOR_COST_MAX,
  SELECTOR_LENGTH_MAX,
  type SelectableDevice,
} from './device-selectors.ts';
export type { Environment, MessageType } from './environment.ts';
export { jsonOf, readJson } from './json-values.ts';
export { lazyObject } from './lazy-values.ts';
export {
  type AuthorizationAnswer,
  type AuthorizationQuestion,
  authorizerValue,
  requestResourceValue,
} from './library-authorizer.ts';
export {
  compileMatchConditions,
  expressionProblem,
  type MatchCondition,
  type MatchConditions,
  type MatchResult,
} from './match-conditions.ts';
export { configurationOf, mutationMessage, patchOperationsOf } from './mutation-types.ts';
export { CALL_COST_MAX, compile, type Evaluation, failureOf, type Program } from './program.ts';
export { compileCached } from './program-cache.ts';
export {
  cardinalityMax,
  escapeName,
  isEmbedded,
  REQUEST_BYTES_MAX,
  type TypedSchema,
  typeOfSchema,
} from './schema-types.ts';
export { CelCompileError } from './source.ts';
export { policyTypeWarnings, type TypeWarning } from './type-checking.ts';
export * from './types.ts';
export { CelError, CelList, CelMap, CostLimitError, Optional, StructValue, TypeValue } from './values.ts';
