/**
 * Turns a CustomResourceDefinition into kinds, one for each served version. Cheap: schemas are only looked into when an object of
 * the version is read or written. The API server registers what comes out beside the built-in kinds.
 * @see apiextensions-apiserver/pkg/apiserver/customresource_handler.go
 */
import { type Conformed, conform } from '../conform.ts';
import { StatusError } from '../errors.ts';
import { parseJsonPath } from '../jsonpath.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import type {
  ApiObject,
  Conversion,
  ConversionWebhook,
  CustomForm,
  KindDefinition,
  Strategy,
  SubresourceDefinition,
} from '../kinds/types.ts';
import type { Schema } from '../schema.ts';
import { customTable, type PrinterColumn } from './columns.ts';
import { setCustomDefaults } from './defaulting.ts';
import { customObjectWarnings, validateCustomObject } from './object-validation.ts';
import { openApiOf } from './openapi.ts';
import { prune } from './pruning.ts';
import { hasRules } from './rules.ts';
import type { CustomSchema, JsonObject } from './structural.ts';
import { tableSchema } from './table-schema.ts';

/** What is read of a CustomResourceDefinition. */
export interface Definition {
  readonly metadata: {
    readonly name: string;
    readonly uid?: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: DefinitionNames;
    readonly versions: readonly DefinitionVersion[];
    readonly conversion?: { readonly strategy?: string; readonly webhook?: ConversionWebhook };
  };
  readonly status?: {
    readonly acceptedNames?: DefinitionNames;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[] | null;
  };
}

export interface DefinitionNames {
  readonly plural: string;
  readonly singular?: string;
  readonly kind: string;
  readonly listKind?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

export interface DefinitionVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema?: { readonly openAPIV3Schema?: CustomSchema };
  readonly subresources?: { readonly status?: object; readonly scale?: ScalePaths };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
  readonly selectableFields?: readonly { readonly jsonPath: string }[];
}

interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

/** The kinds that an established definition serves. */
export function customKinds(definition: Definition): KindDefinition[] {
  const stored = definition.spec.versions.find(({ storage }) => storage) ?? definition.spec.versions[0];
  if (stored === undefined) return [];
  const storedKind = kindOf(definition, stored, stored, () => storedKind);
  return definition.spec.versions
    .filter(({ served }) => served)
    .map((version) => (version === stored ? storedKind : kindOf(definition, version, stored, () => storedKind)));
}

function kindOf(
  definition: Definition,
  version: DefinitionVersion,
  stored: DefinitionVersion,
  storedKind: () => KindDefinition,
): KindDefinition {
  const { spec, status } = definition;
  const names = status?.acceptedNames?.kind ? status.acceptedNames : spec.names;
  const schema = version.schema?.openAPIV3Schema ?? {};
  const fields = selectableFieldsOf(version);
  return {
    group: spec.group,
    version: version.name,
    kind: names.kind,
    listKind: names.listKind || `${names.kind}List`,
    plural: spec.names.plural,
    singular: names.singular ?? '',
    ...(names.shortNames?.length ? { shortNames: names.shortNames } : {}),
    ...(names.categories?.length ? { categories: names.categories } : {}),
    namespaced: spec.scope === 'Namespaced',
    definition: `${spec.group.split('.').reverse().join('.')}.${version.name}.${names.kind}`,
    subresources: subresourcesOf(version),
    storagePrefix: `/registry/${spec.group}/${spec.names.plural}`,
    conversion: webhookConversionOf(spec, version, stored) ?? conversionOf(spec.group, version, stored, storedKind),
    custom: formOf(schema, names.kind, version),
    strategy: strategyOf(schema, names.kind, version, definition),
    table: customTable(version.additionalPrinterColumns),
    selectableFields: fields,
    unsupportedField: (label) => `field label not supported: ${label}`,
    ...(version.deprecated === true ? { deprecationWarning: warningOf(spec.group, version, names.kind) } : {}),
  };
}

function warningOf(group: string, version: DefinitionVersion, kind: string): string {
  return version.deprecationWarning ?? `${group}/${version.name} ${kind} is deprecated`;
}

const PART_VERBS = ['get', 'patch', 'update'];

function subresourcesOf({ subresources }: DefinitionVersion): SubresourceDefinition[] {
  const made: SubresourceDefinition[] = [];
  if (subresources?.status !== undefined) made.push({ name: 'status', verbs: PART_VERBS });
  if (subresources?.scale !== undefined) {
    const definition = 'io.k8s.api.autoscaling.v1.Scale';
    made.push({ name: 'scale', verbs: PART_VERBS, kind: 'Scale', group: 'autoscaling', version: 'v1', definition });
  }
  return made;
}

function selectableFieldsOf({ selectableFields }: DefinitionVersion): Record<string, (object: ApiObject) => string> {
  const fields: Record<string, (object: ApiObject) => string> = {};
  for (const { jsonPath } of selectableFields ?? []) {
    const read = parseJsonPath(jsonPath);
    fields[jsonPath.replace(/^\./, '')] = (object) => {
      const [value] = read(object);
      return value === undefined || value === null ? '' : String(value);
    };
  }
  return fields;
}

/** Strategy Webhook: objects are kept in the version of the request until they are written, so this version's own rules hold. */
function webhookConversionOf(
  { group, conversion, names }: Definition['spec'],
  version: DefinitionVersion,
  stored: DefinitionVersion,
): Conversion | undefined {
  const { strategy, webhook } = conversion ?? {};
  if (strategy !== 'Webhook' || webhook === undefined) return undefined;
  const own = (object: ApiObject): ApiObject => {
    const found = object.apiVersion ?? `${group}/${stored.name}`;
    if (found === `${group}/${version.name}`) return object;
    throw new Error(`${names.kind} ${object.metadata.name} is in ${found}: it has to be converted first`);
  };
  return { storedVersion: stored.name, toStored: own, fromStored: own, webhook };
}

/** Strategy None: only apiVersion changes. Every version sees and stores no more than its own schema names. */
function conversionOf(
  group: string,
  version: DefinitionVersion,
  stored: DefinitionVersion,
  storedKind: () => KindDefinition,
): Conversion {
  const convert = (object: ApiObject, to: DefinitionVersion): ApiObject => {
    const { metadata } = object;
    const value = prune(object, to.schema?.openAPIV3Schema ?? {}).value as ApiObject;
    // Its resourceVersion and the like are the server's own and are right already.
    value.metadata = metadata;
    value.apiVersion = `${group}/${to.name}`;
    setCustomDefaults(value, to.schema?.openAPIV3Schema ?? {});
    return value;
  };
  return {
    storedVersion: stored.name,
    storedKind,
    toStored: (object) => (version === stored ? object : convert(object, stored)),
    fromStored: (object) => convert(object, version),
  };
}

function formOf(schema: CustomSchema, kind: string, version: DefinitionVersion): CustomForm {
  let table: Schema | undefined;
  return {
    get schema() {
      table ??= tableSchema(schema, kind);
      return table;
    },
    conform: (value) => conformCustom(value, schema),
    openApi: (dialect) => openApiOf(schema, dialect),
    ...(version.subresources?.scale === undefined ? {} : { scale: version.subresources.scale }),
  };
}

const free: Schema = { kind: 'any', typeName: 'interface {}' };

function conformCustom(
  value: unknown,
  schema: CustomSchema,
): Conformed & { strict: readonly string[]; error?: string | undefined } {
  const { keys } = conform(value, free);
  const pruned = prune(value as JsonObject, schema);
  const malformed = pruned.error !== undefined;
  return {
    value: pruned.value,
    keys,
    malformed,
    unknown: pruned.unknown.length > 0,
    strict: pruned.unknown,
    error: pruned.error,
  };
}

/** New objects would keep a definition that is being deleted. */
function terminating({ group, names }: Definition['spec']): StatusError {
  const message = 'create not allowed while custom resource definition is terminating';
  return StatusError.other(405, 'MethodNotAllowed', message, { group, kind: names.plural });
}

function strategyOf(
  schema: CustomSchema,
  kind: string,
  version: DefinitionVersion,
  { metadata, spec }: Definition,
): Strategy {
  const hasStatus = version.subresources?.status !== undefined;
  const rules = { schema, kind, scale: version.subresources?.scale };
  const check = (object: ApiObject, previous?: ApiObject) => validateCustomObject(object, previous, rules);
  return {
    defaults: (object) => setCustomDefaults(object, schema),
    prepareForCreate(object) {
      if (metadata.deletionTimestamp !== undefined) throw terminating(spec);
      if (hasStatus) delete object['status'];
    },
    usesExpressions: () => hasRules(schema),
    warnings: customObjectWarnings,
    validate: (object) => check(object),
    validateUpdate: (object, previous) => check(object, previous),
    status: {
      keptMetadata: 'all',
      validateUpdate: (object, previous) => validateCustomObject(object, previous, rules, true),
    },
    subresources: { scale: { validateUpdate: (object, previous) => check(object, previous) } },
    allowUnconditionalUpdate: false,
    generation: (object, previous) => {
      for (const name of new Set([...Object.keys(object), ...Object.keys(previous)])) {
        if (name === 'metadata' || name === 'apiVersion' || (hasStatus && name === 'status')) continue;
        if (!semanticEqual(object[name], previous[name])) return true;
      }
      return false;
    },
  };
}
