/**
 * The definitions of OpenAPI documents, of both dialects, from the schema tables and their descriptions. openapi-v2.ts and
 * openapi-v3.ts put them into documents together with the paths.
 */
import { type FieldSchema, objectSchema, readGenerated, type Schema } from './schema.ts';

export type Dialect = 'v2' | 'v3';

/** A piece of an OpenAPI document. */
export type OpenApiNode = Record<string, unknown>;

const machinery = 'io.k8s.apimachinery.pkg';
const apiextensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
const deleteOptions = `${machinery}.apis.meta.v1.DeleteOptions`;
const watchEvent = `${machinery}.apis.meta.v1.WatchEvent`;

/** Definitions that are not objects with fields. */
const wrappers: Readonly<Record<string, Readonly<Record<Dialect, OpenApiNode>>>> = {
  [`${machinery}.api.resource.Quantity`]: {
    v2: { type: 'string' },
    v3: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  },
  [`${machinery}.util.intstr.IntOrString`]: {
    v2: { type: 'string', format: 'int-or-string' },
    v3: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  },
  [`${machinery}.apis.meta.v1.Time`]: {
    v2: { type: 'string', format: 'date-time' },
    v3: { type: 'string', format: 'date-time' },
  },
  [`${machinery}.apis.meta.v1.MicroTime`]: {
    v2: { type: 'string', format: 'date-time' },
    v3: { type: 'string', format: 'date-time' },
  },
  [`${apiextensions}.JSON`]: { v2: {}, v3: {} },
  [`${apiextensions}.JSONSchemaPropsOrArray`]: { v2: {}, v3: {} },
  [`${apiextensions}.JSONSchemaPropsOrBool`]: { v2: {}, v3: {} },
  [`${apiextensions}.JSONSchemaPropsOrStringArray`]: { v2: {}, v3: {} },
};

/** Free JSON that upstream has a type for: the fields, by definition, and the definitions that they, or their members, refer to. */
const namedJson: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [`${machinery}.apis.meta.v1.ManagedFieldsEntry`]: { fieldsV1: `${machinery}.apis.meta.v1.FieldsV1` },
  [`${apiextensions}.JSONSchemaProps`]: {
    items: `${apiextensions}.JSONSchemaPropsOrArray`,
    additionalItems: `${apiextensions}.JSONSchemaPropsOrBool`,
    additionalProperties: `${apiextensions}.JSONSchemaPropsOrBool`,
    dependencies: `${apiextensions}.JSONSchemaPropsOrStringArray`,
  },
};

const scalarTypes: Partial<Record<Schema['kind'], OpenApiNode>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
};

const wrapperNames: Partial<Record<Schema['kind'], string>> = {
  time: `${machinery}.apis.meta.v1.Time`,
  microtime: `${machinery}.apis.meta.v1.MicroTime`,
  quantity: `${machinery}.api.resource.Quantity`,
  intOrString: `${machinery}.util.intstr.IntOrString`,
  any: `${apiextensions}.JSON`,
  raw: `${machinery}.runtime.RawExtension`,
};

/** Group versions that every DeleteOptions and WatchEvent is said to belong to, served or not. */
const optionVersions =
  'v1 admission.k8s.io/v1 admission.k8s.io/v1beta1 admissionregistration.k8s.io/v1 admissionregistration.k8s.io/v1alpha1 admissionregistration.k8s.io/v1beta1 apiextensions.k8s.io/v1 apiextensions.k8s.io/v1beta1 apiregistration.k8s.io/v1 apiregistration.k8s.io/v1beta1 apps/v1 apps/v1beta1 apps/v1beta2 authentication.k8s.io/v1 authentication.k8s.io/v1alpha1 authentication.k8s.io/v1beta1 authorization.k8s.io/v1 authorization.k8s.io/v1beta1 autoscaling/v1 autoscaling/v2 batch/v1 batch/v1beta1 certificates.k8s.io/v1 certificates.k8s.io/v1alpha1 certificates.k8s.io/v1beta1 coordination.k8s.io/v1 coordination.k8s.io/v1alpha2 coordination.k8s.io/v1beta1 discovery.k8s.io/v1 discovery.k8s.io/v1beta1 events.k8s.io/v1 events.k8s.io/v1beta1 extensions/v1beta1 flowcontrol.apiserver.k8s.io/v1 flowcontrol.apiserver.k8s.io/v1beta1 flowcontrol.apiserver.k8s.io/v1beta2 flowcontrol.apiserver.k8s.io/v1beta3 imagepolicy.k8s.io/v1alpha1 internal.apiserver.k8s.io/v1alpha1 networking.k8s.io/v1 networking.k8s.io/v1beta1 node.k8s.io/v1 node.k8s.io/v1alpha1 node.k8s.io/v1beta1 policy/v1 policy/v1beta1 rbac.authorization.k8s.io/v1 rbac.authorization.k8s.io/v1alpha1 rbac.authorization.k8s.io/v1beta1 resource.k8s.io/v1 resource.k8s.io/v1alpha3 resource.k8s.io/v1beta1 resource.k8s.io/v1beta2 scheduling.k8s.io/v1 scheduling.k8s.io/v1alpha2 scheduling.k8s.io/v1beta1 storage.k8s.io/v1 storage.k8s.io/v1alpha1 storage.k8s.io/v1beta1 storagemigration.k8s.io/v1beta1';

let descriptions: Record<string, Record<string, string>> | undefined;

/** What a definition (`field` empty) or one of its fields is for. */
export function descriptionOf(definition: string, field = ''): string {
  descriptions ??= JSON.parse(readGenerated('docs.json')) as Record<string, Record<string, string>>;
  return descriptions[definition]?.[field] ?? '';
}

/** A reference to a definition. */
export function referenceTo(name: string, dialect: Dialect): OpenApiNode {
  return { $ref: `${dialect === 'v2' ? '#/definitions/' : '#/components/schemas/'}${name}` };
}

const described = (description: string): OpenApiNode => (description === '' ? {} : { description });

/** Collects the definitions that a document needs, each once, with all that they refer to, and makes them when they are taken. */
export class DefinitionCollector {
  readonly #dialect: Dialect;
  readonly #known = new Set<string>();
  readonly #wanted: string[] = [];
  readonly #added: [string, OpenApiNode][] = [];

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /** Adds a definition of the tables and returns a reference to it. */
  refer(name: string): OpenApiNode {
    if (!this.#known.has(name)) {
      this.#known.add(name);
      this.#wanted.push(name);
    }
    return referenceTo(name, this.#dialect);
  }

  /** Adds a definition that is already OpenAPI, such as a custom kind's. */
  add(name: string, node: OpenApiNode): OpenApiNode {
    if (!this.#known.has(name)) {
      this.#known.add(name);
      this.#added.push([name, node]);
    }
    return referenceTo(name, this.#dialect);
  }

  /** Hands over all definitions, and those that they refer to in their turn. */
  *take(): Generator<[name: string, node: OpenApiNode]> {
    yield* this.takeAdded();
    for (let name = this.#wanted.shift(); name !== undefined; name = this.#wanted.shift()) {
      yield [name, this.#define(name)];
      yield* this.takeAdded();
    }
  }

  /** Hands over those only that were added as they are. */
  *takeAdded(): Generator<[name: string, node: OpenApiNode]> {
    yield* this.#added.splice(0);
  }

  #define(name: string): OpenApiNode {
    const description = described(descriptionOf(name));
    const wrapper = wrappers[name];
    if (wrapper !== undefined) return { ...description, ...wrapper[this.#dialect] };
    const object = objectSchema(name);
    const fields = [...(object?.fields.values() ?? [])].sort((left, right) => (left.name < right.name ? -1 : 1));
    const required = fields.filter((field) => field.required).map((field) => field.name);
    const properties = Object.fromEntries(fields.map((field) => [field.name, this.#field(name, field)]));
    const kinds = this.#kinds(name);
    return {
      ...description,
      type: 'object',
      ...(required.length > 0 ? { required } : {}),
      ...(fields.length > 0 ? { properties } : {}),
      ...(kinds === undefined ? {} : { 'x-kubernetes-group-version-kind': kinds }),
      ...(object?.atomic === true ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    };
  }

  #kinds(name: string): OpenApiNode[] | undefined {
    if (name === deleteOptions || name === watchEvent) {
      const kind = name === deleteOptions ? 'DeleteOptions' : 'WatchEvent';
      return optionVersions.split(' ').map((groupVersion) => {
        const slash = groupVersion.indexOf('/');
        return { group: groupVersion.slice(0, Math.max(slash, 0)), kind, version: groupVersion.slice(slash + 1) };
      });
    }
    const found = objectSchema(name)?.groupVersionKind;
    return found === undefined ? undefined : [{ group: found.group, kind: found.kind, version: found.version }];
  }

  #field(definition: string, field: FieldSchema): OpenApiNode {
    const { schema, patchStrategies, mergeKey } = field;
    const type = this.#type(schema, namedJson[definition]?.[field.name]);
    const description = described(descriptionOf(definition, field.name));
    const node: OpenApiNode =
      type['$ref'] !== undefined && this.#dialect === 'v3'
        ? { ...description, allOf: [type] }
        : { ...description, ...type };
    if (this.#dialect === 'v3') {
      const value = defaultOf(field);
      if (value !== undefined) node['default'] = value;
    }
    if (field.enum !== undefined) {
      if (schema.kind === 'array') node['items'] = { ...(node['items'] as OpenApiNode), enum: [...field.enum] };
      else node['enum'] = [...field.enum];
    }
    if (schema.listMapKeys !== undefined) node['x-kubernetes-list-map-keys'] = [...schema.listMapKeys];
    if (schema.listType !== undefined) node['x-kubernetes-list-type'] = schema.listType;
    if (schema.kind === 'map' && schema.atomic === true) node['x-kubernetes-map-type'] = 'atomic';
    if (schema.kind === 'object' && schema.atomic === false && schema.object?.atomic === true) {
      node['x-kubernetes-map-type'] = 'granular';
    }
    if (mergeKey !== undefined) node['x-kubernetes-patch-merge-key'] = mergeKey;
    if (patchStrategies.length > 0) node['x-kubernetes-patch-strategy'] = patchStrategies.join(',');
    return node;
  }

  #type(schema: Schema, json?: string): OpenApiNode {
    if (json !== undefined && schema.kind !== 'map') return this.refer(json);
    const scalar = scalarTypes[schema.kind];
    if (scalar !== undefined) return { ...scalar };
    const wrapper = wrapperNames[schema.kind];
    if (wrapper !== undefined) return this.refer(wrapper);
    if (schema.kind === 'array') return { type: 'array', items: this.#type(schema.element!) };
    if (schema.kind === 'map') return { type: 'object', additionalProperties: this.#type(schema.element!, json) };
    return this.refer(schema.object!.name);
  }
}

/** What upstream's third version gives as default: the empty value of fields that are always written. */
function defaultOf({ presence, schema }: FieldSchema): unknown {
  if (presence === 'struct') return {};
  if (presence !== 'always') return undefined;
  if (schema.kind === 'string') return '';
  if (schema.kind === 'boolean') return false;
  return schema.kind === 'int32' || schema.kind === 'int64' ? 0 : undefined;
}
