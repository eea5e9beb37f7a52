/** CustomResourceDefinitions: kinds made of them, and the names and conditions that decide when they are served. */
export { customKinds, type Definition, type DefinitionNames } from './custom-kind.ts';
export { conditionOf, isEstablished, namedStatus, withCondition } from './names.ts';
