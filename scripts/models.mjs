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
    .replace(/\\([*/])/g, '$1');
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
  return { name, doc: doc || (short === 'Quantity' ? quantityDoc : ''), fields, gvk };
}

/** The description of a definition that the package declares without one. */
const quantityDoc = [
  'Quantity is a fixed-point representation of a number. It provides convenient marshaling/unmarshaling in JSON and YAML, in addition to String() and AsInt64() accessors.',
  '',
  'The serialization format is:',
  '',
  '``` <quantity>        ::= <signedNumber><suffix>',
  '',
  '\t(Note that <suffix> may be empty, from the "" case in <decimalSI>.)',
  '',
  '<digit>           ::= 0 | 1 | ... | 9 <digits>          ::= <digit> | <digit><digits> <number>          ::= <digits> | <digits>.<digits> | <digits>. | .<digits> <sign>            ::= "+" | "-" <signedNumber>    ::= <number> | <sign><number> <suffix>          ::= <binarySI> | <decimalExponent> | <decimalSI> <binarySI>        ::= Ki | Mi | Gi | Ti | Pi | Ei',
  '',
  '\t(International System of units; See: http://physics.nist.gov/cuu/Units/binary.html)',
  '',
  '<decimalSI>       ::= m | "" | k | M | G | T | P | E',
  '',
  "\t(Note that 1024 = 1Ki but 1000 = 1k; I didn't choose the capitalization.)",
  '',
  '<decimalExponent> ::= "e" <signedNumber> | "E" <signedNumber> ```',
  '',
  'No matter which of the three exponent forms is used, no quantity may represent a number greater than 2^63-1 in magnitude, nor may it have more than 3 decimal places. Numbers larger or more precise will be capped or rounded up. (E.g.: 0.1m will rounded up to 1m.) This may be extended in the future if we require larger or smaller quantities.',
  '',
  'When a Quantity is parsed from a string, it will remember the type of suffix it had, and will use the same type again when it is serialized.',
  '',
  'Before serializing, Quantity will be put in "canonical form". This means that Exponent/suffix will be adjusted up or down (with a corresponding increase or decrease in Mantissa) such that:',
  '',
  '- No precision is lost - No fractional digits will be emitted - The exponent (or suffix) is as large as possible.',
  '',
  'The sign will be omitted unless the number is negative.',
  '',
  'Examples:',
  '',
  '- 1.5 will be serialized as "1500m" - 1.5Gi will be serialized as "1536Mi"',
  '',
  'Note that the quantity will NEVER be internally represented by a floating point number. That is the whole point of this exercise.',
  '',
  "Non-canonical values will still parse as long as they are well formed, but will be re-emitted in their canonical form. (So always use canonical form, or don't diff.)",
  '',
  'This format is intended to make it difficult to use these numbers without writing some sort of special handling code in the hopes that that will cause implementors to also use a fixed point implementation.',
].join('\n');

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
