/**
 * Validation of CustomResourceDefinitions themselves, with upstream's texts and order. What all versions say alike stands at the
 * top of upstream's internal form, and its errors name that place: `spec.validation.openAPIV3Schema` and not
 * `spec.versions[0].schema.openAPIV3Schema`.
 * @see apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
 */
import { type FieldError, type FieldPath, fieldErrors, fieldPath } from '../field-errors.ts';
import { quote } from '../go-text.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validateDns1035Label, validateDnsSubdomain } from '../names.ts';
import { approvalAnnotation, approvalOf, isProtectedGroup } from './approval.ts';
import { columnErrors, scaleErrors, selectableFieldErrors } from './column-rules.ts';
import type { PrinterColumn } from './columns.ts';
import { conversionErrors, type DefinitionConversion } from './conversion-rules.ts';
import type { Definition, DefinitionNames, DefinitionVersion } from './custom-kind.ts';
import { findUnknownFormats } from './formats.ts';
import { internalSchema } from './internal-schema.ts';
import { isEstablished } from './names.ts';
import { hasRules } from './rules.ts';
import { schemaErrors } from './schema-rules.ts';
import type { CustomSchema } from './structural.ts';

type Written = Definition & {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: Definition['spec'] & {
    readonly preserveUnknownFields?: boolean;
    readonly conversion?: DefinitionConversion;
  };
  readonly status?: { readonly storedVersions?: readonly string[] | null };
};

/** The parts of the kind's strategy that refuse definitions. */
export const definitionValidation = strategyOf<Written>({
  usesExpressions: ({ spec: { versions } }: Written) =>
    (versions ?? []).some(({ schema }) => hasRules(schema?.openAPIV3Schema)),
  validate: (definition: Written) => [...nameErrors(definition), ...definitionErrors(definition)],
  validateUpdate(definition: Written, previous: Written) {
    return [
      ...specErrors(definition, previous),
      ...immutableErrors(definition, previous),
      ...storedVersionErrors(definition),
      ...approvalErrors(definition, previous),
      ...preserveErrors(definition, previous),
    ];
  },
  warnings(definition: Written, previous: Written | undefined) {
    const known = unknownFormats(previous);
    return [...unknownFormats(definition)]
      .filter((format) => !known.has(format))
      .map((format) => `unrecognized format ${quote(format)}`);
  },
});

function unknownFormats(definition: Written | undefined): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { schema } of definition?.spec.versions ?? []) findUnknownFormats(schema?.openAPIV3Schema, found);
  return found;
}

const spec = fieldPath('spec');

function nameErrors({ metadata, spec: { names, group } }: Written): FieldError[] {
  if (metadata.name === `${names.plural}.${group}`) return [];
  return [fieldErrors.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')];
}

function definitionErrors(definition: Written): FieldError[] {
  return [
    ...specErrors(definition),
    ...storedVersionErrors(definition),
    ...approvalErrors(definition),
    ...preserveErrors(definition),
  ];
}

function specErrors({ spec: given }: Written, previous?: Written): FieldError[] {
  const errors: FieldError[] = [...groupErrors(given.group)];
  if (!given.scope) errors.push(fieldErrors.required(spec.child('scope')));
  else if (given.scope !== 'Cluster' && given.scope !== 'Namespaced')
    errors.push(fieldErrors.notSupported(spec.child('scope'), given.scope, ['Cluster', 'Namespaced']));
  const versions = given.versions ?? [];
  const shared = sharedOf(versions);
  const preserves = given.preserveUnknownFields === true;
  errors.push(...missingSchemas(versions));
  if (preserves && versions.some(({ schema }) => hasDefaults(schema?.openAPIV3Schema))) {
    const detail = 'must be false in order to use defaults in the schema';
    errors.push(fieldErrors.invalid(spec.child('preserveUnknownFields'), true, detail));
  }
  for (const [index, version] of versions.entries()) {
    const path = spec.child('versions').index(index);
    errors.push(...labelErrors(path.child('name'), version.name));
    errors.push(...partErrors(version, path, shared));
  }
  errors.push(...versionListErrors(versions, shared));
  const [first] = versions;
  if (first !== undefined) errors.push(...labelErrors(spec.child('version'), first.name));
  errors.push(...namesErrors(given.names));
  if (first !== undefined) {
    const hasStatus = versions.some(({ subresources }) => subresources?.status !== undefined);
    errors.push(...sharedErrors(first, shared, hasStatus));
  }
  const { conversion } = given;
  if (conversion === undefined) return errors;
  if (preserves && conversion.strategy !== 'None') {
    const detail = 'must be None if spec.preserveUnknownFields is true';
    errors.push(fieldErrors.invalid(spec.child('conversion', 'strategy'), conversion.strategy ?? '', detail));
  }
  const before =
    previous === undefined
      ? undefined
      : { conversion: previous.spec.conversion, isEstablished: isEstablished(previous) };
  errors.push(...conversionErrors(conversion, spec.child('conversion'), before));
  return errors;
}

function groupErrors(group: string): FieldError[] {
  const path = spec.child('group');
  if (!group) return [fieldErrors.required(path)];
  const texts = validateDnsSubdomain(group);
  if (texts.length > 0) return [fieldErrors.invalid(path, group, texts.join(','))];
  return group.includes('.') ? [] : [fieldErrors.invalid(path, group, 'should be a domain with at least one dot')];
}

function labelErrors(path: FieldPath, value: string, prefix = '', checked = value): FieldError[] {
  const texts = validateDns1035Label(checked);
  return texts.length === 0 ? [] : [fieldErrors.invalid(path, value, prefix + texts.join(','))];
}

const parts = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const;
type Part = (typeof parts)[number];

/** What all versions say alike. */
function sharedOf(versions: readonly DefinitionVersion[]): ReadonlySet<Part> {
  const [first] = versions;
  return new Set(parts.filter((part) => versions.every((version) => semanticEqual(version[part], first?.[part]))));
}

/** What a version says by itself. */
function partErrors(version: DefinitionVersion, path: FieldPath, shared: ReadonlySet<Part>): FieldError[] {
  const own = (part: Part): boolean => !shared.has(part);
  const schema = version.schema?.openAPIV3Schema;
  const hasStatus = version.subresources?.status !== undefined;
  return [
    ...deprecationErrors(version, path.child('deprecationWarning')),
    ...(own('schema') && schema !== undefined
      ? schemaErrors(schema, path.child('schema', 'openAPIV3Schema'), hasStatus)
      : []),
    ...(own('subresources') ? scaleErrors(version.subresources?.scale, path.child('subresources')) : []),
    ...(own('additionalPrinterColumns')
      ? columnErrors(version.additionalPrinterColumns, path.child('additionalPrinterColumns'))
      : []),
    ...(own('selectableFields') || own('schema')
      ? selectableFieldErrors(version.selectableFields, schema, path.child('selectableFields'))
      : []),
  ];
}

function sharedErrors(first: DefinitionVersion, shared: ReadonlySet<Part>, hasStatus: boolean): FieldError[] {
  const schema = first.schema?.openAPIV3Schema;
  return [
    ...(shared.has('schema') && schema !== undefined
      ? schemaErrors(schema, spec.child('validation', 'openAPIV3Schema'), hasStatus)
      : []),
    ...(shared.has('subresources') ? scaleErrors(first.subresources?.scale, spec.child('subresources')) : []),
    ...(shared.has('additionalPrinterColumns')
      ? columnErrors(first.additionalPrinterColumns, spec.child('additionalPrinterColumns'))
      : []),
    ...(shared.has('selectableFields') && shared.has('schema')
      ? selectableFieldErrors(first.selectableFields, schema, spec.child('selectableFields'))
      : []),
  ];
}

/** @see validation.go validateDeprecationWarning */
function deprecationErrors({ deprecated, deprecationWarning }: DefinitionVersion, path: FieldPath): FieldError[] {
  if (deprecationWarning === undefined) return [];
  const refuse = (detail: string) => fieldErrors.invalid(path, deprecationWarning, detail);
  if (deprecated !== true) return [refuse('can only be set for deprecated versions')];
  const errors: FieldError[] = [];
  if (Buffer.byteLength(deprecationWarning) > 256) errors.push(refuse('must be <= 256 characters long'));
  if (deprecationWarning === '') errors.push(refuse('must not be an empty string'));
  const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(deprecationWarning);
  if (unprintable !== null) {
    const at = Buffer.byteLength(deprecationWarning.slice(0, unprintable.index));
    errors.push(refuse(`must only contain printable UTF-8 characters; non-printable character found at index ${at}`));
  }
  return errors;
}

const defaultsIn = new WeakMap<CustomSchema, boolean>();

function hasDefaults(schema: CustomSchema | undefined): boolean {
  if (schema === undefined) return false;
  let found = defaultsIn.get(schema);
  if (found === undefined) {
    found = JSON.stringify(schema).includes('"default":') && hasDefaultBelow(schema);
    defaultsIn.set(schema, found);
  }
  return found;
}

function hasDefaultBelow({ default: value, properties, items, additionalProperties }: CustomSchema): boolean {
  return (
    (value !== undefined && value !== null) ||
    Object.values(properties ?? {}).some(hasDefaultBelow) ||
    (items !== undefined && !Array.isArray(items) && hasDefaultBelow(items)) ||
    (typeof additionalProperties === 'object' && hasDefaultBelow(additionalProperties))
  );
}

function missingSchemas(versions: readonly DefinitionVersion[]): FieldError[] {
  return versions.flatMap(({ schema }, index) =>
    schema?.openAPIV3Schema === undefined
      ? [fieldErrors.required(spec.child('versions').index(index).child('schema', 'openAPIV3Schema'))]
      : [],
  );
}

function versionListErrors(versions: readonly DefinitionVersion[], shared: ReadonlySet<Part>): FieldError[] {
  const path = spec.child('versions');
  const errors: FieldError[] = [];
  const shown = versions.map((version) => internalForm(version, shared));
  if (new Set(versions.map(({ name }) => name)).size < versions.length)
    errors.push(fieldErrors.invalid(path, shown, 'must contain unique version names'));
  if (versions.filter(({ storage }) => storage).length !== 1)
    errors.push(fieldErrors.invalid(path, shown, 'must have exactly one version marked as storage version'));
  return errors;
}

/** A version as upstream's errors print it. */
function internalForm(version: DefinitionVersion, shared: ReadonlySet<Part>): Record<string, unknown> {
  const own = (part: Part): unknown => (shared.has(part) ? null : (version[part] ?? null));
  const schema = shared.has('schema') ? undefined : version.schema?.openAPIV3Schema;
  return {
    Name: version.name,
    Served: version.served,
    Storage: version.storage,
    Deprecated: version.deprecated ?? false,
    DeprecationWarning: version.deprecationWarning ?? null,
    Schema: schema === undefined ? null : { OpenAPIV3Schema: internalSchema(schema) },
    Subresources: internalSubresources(own('subresources') as DefinitionVersion['subresources'] | null),
    AdditionalPrinterColumns: (own('additionalPrinterColumns') as PrinterColumn[] | null)?.map(internalColumn) ?? null,
    SelectableFields:
      (own('selectableFields') as { jsonPath: string }[] | null)?.map(({ jsonPath }) => ({ JSONPath: jsonPath })) ??
      null,
  };
}

function internalSubresources(subresources: DefinitionVersion['subresources'] | null): unknown {
  if (subresources === null || subresources === undefined) return null;
  const { status, scale } = subresources;
  return {
    Status: status === undefined ? null : {},
    Scale:
      scale === undefined
        ? null
        : {
            SpecReplicasPath: scale.specReplicasPath,
            StatusReplicasPath: scale.statusReplicasPath,
            LabelSelectorPath: scale.labelSelectorPath ?? null,
          },
  };
}

function internalColumn({ name, type, format, description, priority, jsonPath }: PrinterColumn): unknown {
  return {
    Name: name,
    Type: type,
    Format: format ?? '',
    Description: description ?? '',
    Priority: priority ?? 0,
    JSONPath: jsonPath,
  };
}

const mixedCase = 'may have mixed case, but should otherwise match: ';

function namesErrors(names: DefinitionNames): FieldError[] {
  const path = spec.child('names');
  const errors: FieldError[] = [];
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!names[name]) errors.push(fieldErrors.required(path.child(name)));
  }
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) {
    const value = names[name];
    if (!value) continue;
    const isKind = name === 'kind' || name === 'listKind';
    errors.push(...labelErrors(path.child(name), value, isKind ? mixedCase : '', isKind ? value.toLowerCase() : value));
  }
  for (const [index, name] of (names.shortNames ?? []).entries())
    errors.push(...labelErrors(path.child('shortNames').index(index), name));
  if (names.kind && names.kind === names.listKind)
    errors.push(fieldErrors.invalid(path.child('listKind'), names.listKind, 'kind and listKind may not be the same'));
  for (const [index, name] of (names.categories ?? []).entries())
    errors.push(...labelErrors(path.child('categories').index(index), name));
  return errors;
}

function immutableErrors(definition: Written, previous: Written): FieldError[] {
  const [now, before] = [definition.spec, previous.spec];
  const errors: FieldError[] = [];
  const check = (path: FieldPath, value: string, old: string) => {
    if (value !== old) errors.push(fieldErrors.invalid(path, value, 'field is immutable'));
  };
  if (isEstablished(previous)) {
    check(spec.child('scope'), now.scope, before.scope);
    check(spec.child('names', 'kind'), now.names.kind, before.names.kind);
  }
  check(spec.child('group'), now.group, before.group);
  check(spec.child('names', 'plural'), now.names.plural, before.names.plural);
  return errors;
}

function storedVersionErrors({ spec: { versions = [] }, status }: Written): FieldError[] {
  const path = fieldPath('status', 'storedVersions');
  const stored = status?.storedVersions ?? [];
  if (stored.length === 0) return [fieldErrors.invalid(path, null, 'must have at least one stored version')];
  const errors: FieldError[] = [];
  for (const { name, storage } of versions) {
    if (storage && !stored.includes(name))
      errors.push(fieldErrors.invalid(path, stored, `must have the storage version ${name}`));
  }
  for (const [index, name] of stored.entries()) {
    if (versions.some((version) => version.name === name)) continue;
    const detail = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    errors.push(fieldErrors.invalid(path.index(index), name, detail));
  }
  return errors;
}

function approvalErrors(definition: Written, previous?: Written): FieldError[] {
  if (!isProtectedGroup(definition.spec.group)) return [];
  const { annotations } = definition.metadata;
  const { state, reason } = approvalOf(annotations);
  // What was let through before does not lock the definition.
  if (previous !== undefined && approvalOf(previous.metadata.annotations).state === state) return [];
  const path = fieldPath('metadata', 'annotations').key(approvalAnnotation);
  if (state === 'missing') return [fieldErrors.required(path, reason)];
  return state === 'invalid' ? [fieldErrors.invalid(path, annotations?.[approvalAnnotation], reason)] : [];
}

function preserveErrors(definition: Written, previous?: Written): FieldError[] {
  if (definition.spec.preserveUnknownFields !== true || previous?.spec.preserveUnknownFields === true) return [];
  return [
    fieldErrors.invalid(
      spec.child('preserveUnknownFields'),
      true,
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
    ),
  ];
}
