/**
 * The paths of OpenAPI documents: for each served kind its collections, its objects and their subresources, with the operations,
 * parameters and answers that clients look for (kubectl asks them which queries a server understands).
 */

import { defaultVerbs } from './discovery.ts';
import type { KindDefinition, SubresourceDefinition } from './kinds/types.ts';
import {
  type DefinitionCollector,
  type Dialect,
  descriptionOf,
  type OpenApiNode,
  referenceTo,
} from './openapi-schema.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const CONVENTIONS = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';

interface Parameter {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'integer';
  readonly description: string;
}

const parameter = (name: string, type: Parameter['type'], description: string): Parameter => ({
  name,
  type,
  description,
});

const pretty = parameter('pretty', 'string', 'If true, the output is indented.');
const listParameters: readonly Parameter[] = [
  parameter('allowWatchBookmarks', 'boolean', 'Asks for watch events of type BOOKMARK.'),
  parameter('continue', 'string', 'The continue token of the list to go on with.'),
  parameter('fieldSelector', 'string', 'Restricts the objects by their fields. Defaults to everything.'),
  parameter('labelSelector', 'string', 'Restricts the objects by their labels. Defaults to everything.'),
  parameter('limit', 'integer', 'The largest number of objects to answer with.'),
  parameter('resourceVersion', 'string', 'Constrains which resource versions the answer may come from.'),
  parameter('resourceVersionMatch', 'string', 'How resourceVersion is applied to lists.'),
  parameter('sendInitialEvents', 'boolean', 'Begins a watch with the objects that exist, and a bookmark after them.'),
  parameter('timeoutSeconds', 'integer', 'How long the call may last.'),
  parameter('watch', 'boolean', 'Watches for changes and answers with a stream of them.'),
];
const dryRun = parameter('dryRun', 'string', 'When present, nothing is persisted. The only value is All.');
const writeParameters: readonly Parameter[] = [
  dryRun,
  parameter('fieldManager', 'string', 'Name of the actor or entity that makes the changes.'),
  parameter(
    'fieldValidation',
    'string',
    'What to do about unknown or duplicate fields: Ignore, Warn (the default) or Strict.',
  ),
];
const force = parameter('force', 'boolean', 'For apply patches: takes over fields that others own.');
const deleteParameters: readonly Parameter[] = [
  dryRun,
  parameter('gracePeriodSeconds', 'integer', 'Seconds before the object is deleted.'),
  parameter('ignoreStoreReadErrorWithClusterBreakingPotential', 'boolean', 'Deletes an object that cannot be read.'),
  parameter('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  parameter('propagationPolicy', 'string', 'Whether and how dependents are deleted: Orphan, Background or Foreground.'),
];

interface Verb {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  readonly action: string;
  /** Begins the operation's id. */
  readonly id: string;
  readonly parameters: readonly Parameter[];
  readonly body: 'none' | 'object' | 'patch' | 'options';
  readonly answer: 'object' | 'list' | 'status';
}

const collectionVerbs: Readonly<Record<string, Verb>> = {
  list: { method: 'get', action: 'list', id: 'list', parameters: listParameters, body: 'none', answer: 'list' },
  create: {
    method: 'post',
    action: 'post',
    id: 'create',
    parameters: writeParameters,
    body: 'object',
    answer: 'object',
  },
  deletecollection: {
    method: 'delete',
    action: 'deletecollection',
    id: 'delete',
    parameters: [...listParameters.filter(({ name }) => !/watch|Watch/.test(name)), ...deleteParameters],
    body: 'options',
    answer: 'status',
  },
};

const objectVerbs: Readonly<Record<string, Verb>> = {
  get: { method: 'get', action: 'get', id: 'read', parameters: [], body: 'none', answer: 'object' },
  update: {
    method: 'put',
    action: 'put',
    id: 'replace',
    parameters: writeParameters,
    body: 'object',
    answer: 'object',
  },
  patch: {
    method: 'patch',
    action: 'patch',
    id: 'patch',
    parameters: [...writeParameters, force],
    body: 'patch',
    answer: 'object',
  },
  delete: {
    method: 'delete',
    action: 'delete',
    id: 'delete',
    parameters: deleteParameters,
    body: 'options',
    answer: 'status',
  },
  create: {
    method: 'post',
    action: 'post',
    id: 'create',
    parameters: writeParameters,
    body: 'object',
    answer: 'object',
  },
};

const plainTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const streamTypes = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

/** `rbac.authorization.k8s.io`, `v1` → `RbacAuthorizationV1`. */
const groupVersionWord = (group: string, version: string): string =>
  (group === '' ? ['core'] : group.replace(/\.k8s\.io$/, '').split('.')).map(capital).join('') + capital(version);

/** `rbacAuthorization_v1`. */
export const groupVersionTag = (group: string, version: string): string => {
  const word = groupVersionWord(group, '');
  return `${word.slice(0, 1).toLowerCase()}${word.slice(1)}_${version}`;
};

/** The references that a kind's operations need. */
export interface KindReferences {
  readonly object: OpenApiNode;
  readonly list: OpenApiNode;
  subresource(subresource: SubresourceDefinition): OpenApiNode;
}

/** Makes the paths of kinds in one dialect, adding what they refer to. */
export class PathBuilder {
  readonly paths: Record<string, OpenApiNode> = {};
  readonly #dialect: Dialect;
  readonly #definitions: DefinitionCollector;

  constructor(dialect: Dialect, definitions: DefinitionCollector) {
    this.#dialect = dialect;
    this.#definitions = definitions;
  }

  addKind(kind: KindDefinition, references: KindReferences): void {
    const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
    const collection = kind.namespaced ? `${root}/namespaces/{namespace}/${kind.plural}` : `${root}/${kind.plural}`;
    const verbs = kind.verbs ?? defaultVerbs;
    const word = groupVersionWord(kind.group, kind.version);
    const name = `${kind.namespaced ? 'Namespaced' : ''}${kind.kind}`;
    const parameters = kind.namespaced ? ['namespace'] : [];
    const operations = (
      path: string,
      known: Readonly<Record<string, Verb>>,
      allowed: readonly string[],
      named: string[],
    ) => {
      this.#add(
        path,
        Object.entries(known).filter(([verb]) => allowed.includes(verb)),
        named,
        {
          idOf: (verb) => `${verb.id}${word}${verb.action === 'deletecollection' ? 'Collection' : ''}${name}`,
          kind,
          references,
        },
      );
    };
    operations(collection, collectionVerbs, verbs, parameters);
    const itemVerbs = verbs.filter((verb) => verb !== 'create');
    operations(`${collection}/{name}`, objectVerbs, itemVerbs, [...parameters, 'name']);
    if (kind.namespaced && verbs.includes('list')) {
      this.#add(`${root}/${kind.plural}`, [['list', collectionVerbs['list']!]], [], {
        idOf: () => `list${word}${kind.kind}ForAllNamespaces`,
        kind,
        references,
      });
    }
    for (const subresource of kind.subresources ?? []) {
      const body = references.subresource(subresource);
      this.#add(
        `${collection}/{name}/${subresource.name}`,
        Object.entries(objectVerbs).filter(([verb]) => subresource.verbs.includes(verb)),
        [...parameters, 'name'],
        {
          idOf: (verb) => `${verb.id}${word}${name}${capital(subresource.name)}`,
          kind: { ...kind, ...subresourceKind(kind, subresource) },
          references: { ...references, object: body },
        },
      );
    }
  }

  #add(
    path: string,
    verbs: readonly (readonly [string, Verb])[],
    pathParameters: readonly string[],
    about: { idOf: (verb: Verb) => string; kind: KindDefinition; references: KindReferences },
  ): void {
    if (verbs.length === 0) return;
    const node: OpenApiNode = {};
    for (const [, verb] of verbs)
      node[verb.method] = this.#operation(verb, about.idOf(verb), about.kind, about.references);
    node['parameters'] = [
      ...pathParameters.map((name) => this.#parameter(parameter(name, 'string', `${name} of the object`), 'path')),
      this.#parameter(pretty, 'query'),
    ];
    this.paths[path] = node;
  }

  #parameter({ name, type, description }: Parameter, place: 'path' | 'query'): OpenApiNode {
    const required = place === 'path' ? { required: true } : {};
    const typed = { type, uniqueItems: true };
    return {
      name,
      in: place,
      description,
      ...required,
      ...(this.#dialect === 'v2' ? typed : { schema: typed }),
    };
  }

  #operation(verb: Verb, operationId: string, kind: KindDefinition, references: KindReferences): OpenApiNode {
    const body =
      verb.body === 'none'
        ? undefined
        : verb.body === 'object'
          ? references.object
          : this.#definitions.refer(`${meta}.${verb.body === 'patch' ? 'Patch' : 'DeleteOptions'}`);
    const answer =
      verb.answer === 'status'
        ? this.#definitions.refer(`${meta}.Status`)
        : verb.answer === 'list'
          ? references.list
          : references.object;
    const codes: [string, string][] = [['200', 'OK']];
    if (verb.method === 'post' || verb.method === 'put' || verb.method === 'patch') codes.push(['201', 'Created']);
    if (verb.method === 'post' || verb.method === 'delete') codes.push(['202', 'Accepted']);
    const produces = verb.answer === 'list' ? [...plainTypes, ...streamTypes] : plainTypes;
    const consumes = verb.body === 'patch' ? patchTypes : ['*/*'];
    const common = {
      tags: [groupVersionTag(kind.group, kind.version)],
      description: `${verb.id} objects of kind ${kind.kind}`,
      operationId,
      'x-kubernetes-action': verb.action,
      'x-kubernetes-group-version-kind': { group: kind.group, kind: kind.kind, version: kind.version },
    };
    const parameters = verb.parameters.map((one) => this.#parameter(one, 'query'));
    if (this.#dialect === 'v2') {
      return {
        ...common,
        consumes,
        produces,
        schemes: ['https'],
        parameters: [
          ...(body === undefined
            ? []
            : [{ name: 'body', in: 'body', required: verb.body !== 'options', schema: body }]),
          ...parameters,
        ],
        responses: {
          ...Object.fromEntries(codes.map(([code, description]) => [code, { description, schema: answer }])),
          401: { description: 'Unauthorized' },
        },
      };
    }
    const content = (types: readonly string[], schema: OpenApiNode): OpenApiNode =>
      Object.fromEntries(types.map((type) => [type, { schema }]));
    return {
      ...common,
      parameters,
      ...(body === undefined
        ? {}
        : {
            requestBody: { content: content(consumes, body), ...(verb.body === 'options' ? {} : { required: true }) },
          }),
      responses: {
        ...Object.fromEntries(
          codes.map(([code, description]) => [code, { description, content: content(produces, answer) }]),
        ),
        401: { description: 'Unauthorized' },
      },
    };
  }
}

function subresourceKind(
  kind: KindDefinition,
  subresource: SubresourceDefinition,
): Pick<KindDefinition, 'group' | 'version' | 'kind'> {
  return {
    group: subresource.group ?? kind.group,
    version: subresource.version ?? kind.version,
    kind: subresource.kind ?? kind.kind,
  };
}

/** The references of a built-in kind; `custom` gives the schema of one that the tables do not have. */
export function referencesOf(
  kind: KindDefinition,
  definitions: DefinitionCollector,
  dialect: Dialect,
  isBuiltin: (definition: string) => boolean,
  custom: ((kind: KindDefinition, dialect: Dialect) => OpenApiNode | undefined) | undefined,
): KindReferences {
  const listName = `${kind.definition}List`;
  if (isBuiltin(kind.definition)) {
    const object = definitions.refer(kind.definition);
    return {
      object,
      list: isBuiltin(listName) ? definitions.refer(listName) : object,
      subresource: ({ definition }) =>
        definition !== undefined && isBuiltin(definition) ? definitions.refer(definition) : object,
    };
  }
  const kinds = [{ group: kind.group, kind: kind.kind, version: kind.version }];
  definitions.refer(`${meta}.ObjectMeta`);
  const object = definitions.add(kind.definition, {
    type: 'object',
    ...custom?.(kind, dialect),
    'x-kubernetes-group-version-kind': kinds,
  });
  const list = definitions.add(listName, {
    description: `${kind.listKind ?? `${kind.kind}List`} is a list of ${kind.kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { description: descriptionOf(`${meta}.Status`, 'apiVersion'), type: 'string' },
      items: {
        description: `List of ${kind.plural}. More info: ${CONVENTIONS}`,
        type: 'array',
        items: referenceTo(kind.definition, dialect),
      },
      kind: { description: descriptionOf(`${meta}.Status`, 'kind'), type: 'string' },
      metadata: {
        description: `Standard list metadata. More info: ${CONVENTIONS}#types-kinds`,
        ...definitions.refer(`${meta}.ListMeta`),
      },
    },
    'x-kubernetes-group-version-kind': [
      { group: kind.group, kind: kind.listKind ?? `${kind.kind}List`, version: kind.version },
    ],
  });
  return {
    object,
    list,
    subresource: ({ definition }) =>
      definition !== undefined && isBuiltin(definition) ? definitions.refer(definition) : object,
  };
}
