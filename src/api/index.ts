/** The API machinery's public face: pure functions and data, no I/O beyond reading the generated tables. */
export { type Applied, type ApplyWriter, applyConfiguration, parseConfiguration } from './apply.ts';
export { conform, type EmptiedList, emptyValue, setMember } from './conform.ts';
export * from './crd/index.ts';
export {
  type Decoded,
  decodeJson,
  decodePatched,
  decodeValue,
  decodeYaml,
  type ExpectedKind,
  encodeJsonText,
  type FieldValidation,
  normalize,
  syntaxError,
} from './decode.ts';
export { isDeviceSelected } from './device-taints.ts';
export * from './discovery.ts';
export * from './disruption-status.ts';
export { formatDuration, parseDuration } from './duration.ts';
export * from './errors.ts';
export * from './expressions.ts';
export * from './field-errors.ts';
export { rollbackAnnotation } from './former-fields.ts';
export type * from './generated/types.ts';
export { goJson, goTypeName, goValueText, quote } from './go-text.ts';
export * from './hash.ts';
export * from './integers.ts';
export { JsonSyntaxError, jsonDepthMax } from './json-text.ts';
export * from './jsonpath.ts';
export * from './kinds/index.ts';
export {
  decodeOwners,
  encodeOwners,
  type FieldWriter,
  type Owners,
  sameOwners,
  takeManagedFields,
  trackCreate,
  trackUpdate,
  withManagedFields,
} from './managed-fields.ts';
export { ConfigurationError, mergeConfiguration } from './merge-configuration.ts';
export { orderedMetadata } from './metadata.ts';
export * from './names.ts';
export * from './openapi.ts';
export { documentOfText, type OpenApiDocument, type Pause } from './openapi-pieces.ts';
export { encodeOpenApiV2 } from './openapi-protobuf.ts';
export type { OpenApiNode } from './openapi-schema.ts';
export { packCreator, packFirstStatus, packOwners, unpackOwners } from './owners-bytes.ts';
export * from './patch.ts';
export { applyJsonPatch, jsonPatchOperationsMax } from './patch-json.ts';
export { applyMergePatch } from './patch-merge.ts';
export { applyStrategicMergePatch } from './patch-strategic.ts';
export * from './protobuf/index.ts';
export * from './quantity.ts';
export * from './request-options.ts';
export { scaleOwners, withScaleOwners } from './scale-owners.ts';
export {
  definitionNames,
  definitionOf,
  type FieldSchema,
  metadataOrder,
  type ObjectSchema,
  objectSchema,
  type Presence,
  type Schema,
  type SchemaKind,
  schemaOf,
} from './schema.ts';
export * from './selectors.ts';
export { markStored, STORED_HEAD_BYTES, storedObject, storedOwners } from './stored-value.ts';
export * from './tables/index.ts';
export * from './time.ts';
export { nameIsDnsLabel, nameIsDnsSubdomain, validateMetadata, validateMetadataUpdate } from './validation/metadata.ts';
export { domainPathErrors } from './validation/networking.ts';
export { isExtendedResource, isNativeResource } from './validation/resource-names.ts';
export { type ReviewScope, validateAccessReview } from './validation/reviews.ts';
export { kubernetesVersion } from './version.ts';
export { parseYaml, YamlSyntaxError } from './yaml-text.ts';
export { formatYaml } from './yaml-write.ts';
