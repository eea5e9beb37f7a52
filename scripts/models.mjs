// Reads the definitions of Kubernetes' API from two published packages: kubernetes-models (declarations with documentation,
// required fields, enums and references) and @kubernetes/client-node (the integer and byte formats, which declarations lack).
// Called by generate.mjs alone.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of kubernetes-models that the API server serves, and the package that upstream defines them in. */
const folders = {
  v1: 'io.k8s.api.core.v1',
  'admissionregistration.k8s.io/v1': 'io.k8s.api.admissionregistration.v1',
  'apiextensions.k8s.io/v1': 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1',
  'apiregistration.k8s.io/v1': 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1',
  'apps/v1': 'io.k8s.api.apps.v1',
  'authentication.k8s.io/v1': 'io.k8s.api.authentication.v1',
  'authorization.k8s.io/v1': 'io.k8s.api.authorization.v1',
  'autoscaling/v1': 'io.k8s.api.autoscaling.v1',
  'autoscaling/v2': 'io.k8s.api.autoscaling.v2',
  'batch/v1': 'io.k8s.api.batch.v1',
  'certificates.k8s.io/v1': 'io.k8s.api.certificates.v1',
  'coordination.k8s.io/v1': 'io.k8s.api.coordination.v1',
  'discovery.k8s.io/v1': 'io.k8s.api.discovery.v1',
  'events.k8s.io/v1': 'io.k8s.api.events.v1',
  'flowcontrol.apiserver.k8s.io/v1': 'io.k8s.api.flowcontrol.v1',
  'networking.k8s.io/v1': 'io.k8s.api.networking.v1',
  'node.k8s.io/v1': 'io.k8s.api.node.v1',
  'policy/v1': 'io.k8s.api.policy.v1',
  'rbac.authorization.k8s.io/v1': 'io.k8s.api.rbac.v1',
  'resource.k8s.io/v1': 'io.k8s.api.resource.v1',
  'scheduling.k8s.io/v1': 'io.k8s.api.scheduling.v1',
  'storage.k8s.io/v1': 'io.k8s.api.storage.v1',
};
const machineryFolders = {
  'apis/meta/v1': 'io.k8s.apimachinery.pkg.apis.meta.v1',
  'api/resource': 'io.k8s.apimachinery.pkg.api.resource',
  runtime: 'io.k8s.apimachinery.pkg.runtime',
  'util/intstr': 'io.k8s.apimachinery.pkg.util.intstr',
  version: 'io.k8s.apimachinery.pkg.version',
};

/** `// line` texts of a TSDoc block, as the description was before it was put into a comment. */
function docText(block) {
  if (!block) return '';
  return block
    .split('\n')
    .slice(1, -1)
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .replace(/\\([*_~<>`[\]\\@{}])/g, '$1');
}

/** `Array<A>`, `{ [key: string]: B }`, `"x" | "y"`, `string`, or a reference. */
function parseType(text, context) {
  const type = text.trim();
  const array = /^Array<(.*)>$/s.exec(type);
  if (array) return { array: parseType(array[1], context) };
  const map = /^\{\s*\[key: string\]: (.*);\s*\}$/s.exec(type);
  if (map) return { map: parseType(map[1], context) };
  // An embedded object (a volume claim template) is written out instead of named; its spec tells which kind it is.
  const embedded = /^\{[\s\S]*"apiVersion"\?: string;[\s\S]*"spec"\?: (I\w+)Spec;/.exec(type)?.[1];
  if (embedded) return { ref: context.nameOfAlias.get(embedded) };
  if (/^"/.test(type)) return { name: 'string', enum: [...type.matchAll(/"([^"]*)"/g)].map((match) => match[1]) };
  if (/^(string|number|boolean)$/.test(type)) return { name: type };
  const ref = context.references.get(type) ?? (type === `I${context.short}` ? context.name : undefined);
  if (!ref) throw new Error(`cannot read the type ${JSON.stringify(type)} in ${context.name}`);
  return { ref };
}

/** One definition of a declaration file, or undefined for files that hold none. */
function readDefinition(path, name, nameOfAlias) {
  const text = readFileSync(path, 'utf8');
  const short = name.slice(name.lastIndexOf('.') + 1);
  const references = new Map();
  for (const match of text.matchAll(/^import \{ (I\w+) \} from/gm)) references.set(match[1], nameOfAlias.get(match[1]));
  const context = { name, short, references, nameOfAlias };
  const doc = docText(/(\/\*\*\n(?: \*.*\n)* \*\/)\nexport (?:interface|type) I/.exec(text)?.[1]);
  const body = /^export interface I\w+(?: extends TypeMeta)? \{\n([\s\S]*?)^\}/m.exec(text)?.[1];
  const fields = new Map();
  let gvk;
  const field = /(?: {4}(\/\*\*\n(?: {4} \*.*\n)*? {4} \*\/)\n)? {4}"([^"]+)"(\??): ((?:[^;{]|\{[^}]*\})*);\n/g;
  const raw = {};
  for (const [, block, fieldName, optional, type] of body?.matchAll(field) ?? []) {
    if (fieldName === 'apiVersion' || fieldName === 'kind') raw[fieldName] = /^"(.*)"$/.exec(type)?.[1];
    fields.set(fieldName, { doc: docText(block), required: !optional, type: parseType(type, context) });
  }
  if (raw.apiVersion !== undefined && raw.kind !== undefined) {
    const slash = raw.apiVersion.indexOf('/');
    gvk = [slash < 0 ? '' : raw.apiVersion.slice(0, slash), raw.apiVersion.slice(slash + 1), raw.kind];
    fields.set('apiVersion', { doc: typeMetaDocs.apiVersion, required: false, type: { name: 'string' } });
    fields.set('kind', { doc: typeMetaDocs.kind, required: false, type: { name: 'string' } });
  }
  return { name, doc, fields, gvk };
}

const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';
const typeMetaDocs = {
  apiVersion: `APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: ${conventions}#resources`,
  kind: `Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: ${conventions}#types-kinds`,
};

/** All definitions by their full name, such as `io.k8s.api.core.v1.Pod`. */
export function readDefinitions(packages) {
  const files = [];
  const collect = (base, folder, prefix) => {
    for (const file of readdirSync(join(packages, base, folder))) {
      if (file.endsWith('.d.ts') && file !== 'index.d.ts') {
        files.push({ path: join(packages, base, folder, file), name: `${prefix}.${file.slice(0, -5)}` });
      }
    }
  };
  for (const [folder, prefix] of Object.entries(folders)) collect('kubernetes-models', folder, prefix);
  for (const [folder, prefix] of Object.entries(machineryFolders))
    collect('@kubernetes-models/apimachinery', folder, prefix);
  // Declarations name each other as IIoK8sApiCoreV1Pod: the full name in camel case behind an `I`.
  const aliasOf = (name) =>
    `I${name
      .split(/[.-]/)
      .map((part) => part[0].toUpperCase() + part.slice(1))
      .join('')}`;
  const nameOfAlias = new Map(files.map(({ name }) => [aliasOf(name), name]));
  const definitions = new Map();
  for (const { path, name } of files) definitions.set(name, readDefinition(path, name, nameOfAlias));
  return definitions;
}

/** Formats by definition and field. */
export function formatsOf(packages) {
  const folder = join(packages, '@kubernetes/client-node/dist/gen/models');
  const formats = new Map();
  const read = (name, prefix, short) => {
    const version = prefix.slice(prefix.lastIndexOf('.') + 1);
    const group = prefix.split('.').at(-2);
    const cap = (word) => word[0].toUpperCase() + word.slice(1);
    const candidates = [`${cap(group)}${cap(version)}${short}`, `${cap(version)}${short}`, short];
    const file = candidates.map((candidate) => join(folder, `${candidate}.js`)).find((path) => existsSync(path));
    if (!file) return;
    const list = /attributeTypeMap = (\[[\s\S]*?\n\]);/.exec(readFileSync(file, 'utf8'))?.[1];
    if (!list) return;
    formats.set(
      name,
      new Map(
        JSON.parse(list).map(({ baseName, type, format }) => [
          baseName,
          format || (/^Set|^Array<number>/.test(type) ? 'int64' : ''),
        ]),
      ),
    );
  };
  for (const name of readDefinitions(packages).keys()) {
    const dot = name.lastIndexOf('.');
    read(name, name.slice(0, dot), name.slice(dot + 1));
  }
  return formats;
}
