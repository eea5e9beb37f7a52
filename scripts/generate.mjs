// Generates src/api/generated/ from the published models of Kubernetes' API: types.ts (TypeScript interfaces), schema.json (compact
// tables that decoding, patches, server-side apply and OpenAPI read) and docs.json (descriptions, for OpenAPI). Run by every
// build; does nothing when the output is newer than all input. `--force` runs it anyway.
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { formatsOf, readDefinitions } from './models.mjs';
import { addPreviews } from './previews.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'src/api/generated');
const inputs = [
  'scripts/generate.mjs',
  'scripts/models.mjs',
  'scripts/previews.mjs',
  'src/api/markers.ts',
  'src/api/field-presence.ts',
  'node_modules/kubernetes-models/package.json',
  'node_modules/@kubernetes/client-node/package.json',
].map((path) => join(root, path));
const outputs = ['types.ts', 'schema.json', 'docs.json'].map((name) => join(out, name));

if (!process.argv.includes('--force') && outputs.every((path) => existsSync(path))) {
  const newest = Math.max(...inputs.filter((path) => existsSync(path)).map((path) => statSync(path).mtimeMs));
  if (outputs.every((path) => statSync(path).mtimeMs > newest)) process.exit(0);
}

/** Loads a table of facts from a TypeScript source without imports. */
async function loadFacts(path) {
  const { code } = transformSync(readFileSync(join(root, path), 'utf8'), { loader: 'ts', format: 'esm' });
  return import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`);
}

/** `name field:marks …` lines → Map of name → Map of field → marks. */
function parseTable(text) {
  const table = new Map();
  for (const line of text.split('\n')) {
    const [name, ...fields] = line.trim().split(/\s+/);
    if (!name) continue;
    table.set(
      name,
      new Map(
        fields.map((field) => {
          const colon = field.indexOf(':');
          return [field.slice(0, colon), field.slice(colon + 1)];
        }),
      ),
    );
  }
  return table;
}

const packages = join(root, 'node_modules');
const definitions = readDefinitions(packages);
const formats = formatsOf(packages);
addPreviews(packages, definitions, formats);
const markers = parseTable((await loadFacts('src/api/markers.ts')).fieldMarkers);
const facts = await loadFacts('src/api/field-presence.ts');
const presence = parseTable(facts.fieldPresence);
const typeNamesOfFields = parseTable(facts.typeNames);
const inherited = parseTable(facts.inheritedFields);

/**
 * What is said of a definition. An alpha or beta version is as the stable one, or as the best version that something is said of, but
 * for what is said of itself; for the fields that it has.
 */
function factsOf(table, name) {
  const own = table.get(name);
  const preview = /^(.*\.v)\d+(?:alpha|beta)\d+(\.\w+)$/.exec(name);
  if (!preview) return own;
  const others = ['1', '1beta2', '1beta1'].map((version) => table.get(preview[1] + version + preview[2]));
  const better = others.find((facts) => facts !== undefined);
  if (!better) return own;
  const fields = definitions.get(name).fields;
  // Parts that fields are inherited from begin with a capital.
  const kept = [...better].filter(([field]) => /^[*A-Z]/.test(field) || fields.has(field));
  return new Map([...kept, ...(own ?? [])]);
}

/** The integer, bytes and time formats that TypeScript declarations do not tell. */
function scalarCode(definition, field, type) {
  if (type === 'boolean') return 'b';
  const format = formats.get(definition.name)?.get(field);
  if (type === 'number') return { int32: 'i', int64: 'l', double: 'd', float: 'd' }[format] ?? (format ? 'd' : 'l');
  return format === 'byte' ? 'y' : 's';
}

const special = {
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 't',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'u',
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'q',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'x',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'o',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'o',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Patch': 'o',
};
const openDefinition =
  /\.(JSON|JSONSchemaPropsOrBool|JSONSchemaPropsOrArray|JSONSchemaPropsOrStringArray|CustomResourceSubresourceStatus)$/;

/** What a kind or the API machinery can reach; the models also hold parts of versions that are gone. */
function reachable() {
  const found = new Set();
  const visit = (type) => {
    if (type.array ?? type.map) visit(type.array ?? type.map);
    else if (type.ref && !found.has(type.ref)) {
      found.add(type.ref);
      for (const field of definitions.get(type.ref).fields.values()) visit(field.type);
    }
  };
  for (const { name, gvk } of definitions.values()) if (gvk || name.includes('.apimachinery.')) visit({ ref: name });
  return found;
}

const names = [...reachable()].sort();
const indexes = new Map(names.map((name, index) => [name, index]));

function typeCode(definition, field, type) {
  if (type.array) return `[${typeCode(definition, field, type.array)}`;
  if (type.map) return `{${typeCode(definition, field, type.map)}`;
  if (type.ref) {
    if (special[type.ref]) return special[type.ref];
    if (openDefinition.test(type.ref) && type.ref.includes('apiextensions'))
      return type.ref.endsWith('Status') ? `@${indexes.get(type.ref)}` : 'j';
    if (!indexes.has(type.ref))
      throw new Error(`${definition.name}.${field} refers to ${type.ref}, which is not among the models`);
    return `@${indexes.get(type.ref)}`;
  }
  return scalarCode(definition, field, type.name);
}

const enumOf = (type) => type.enum ?? (type.array ? enumOf(type.array) : undefined);

function fieldTable(definition, name, field, marks) {
  const table = { t: typeCode(definition, name, field.type) };
  if (field.required) table.r = 1;
  for (const mark of marks?.split('/') ?? []) {
    const [, word, argument] = /^([\w+-]+)(?:\((.*)\))?$/.exec(mark);
    if (word === 'atomic' || word === 'set' || word === 'map') table.l = argument ? `map:${argument}` : word;
    else if (word === 'map-atomic' || word === 'map-granular') table.m = word.slice(4);
    else table.p = argument ? `${word}:${argument}` : word;
  }
  const values = enumOf(field.type);
  if (values) table.e = values;
  return table;
}

const schema = { definitions: [] };
const docs = {};
for (const name of names) {
  const definition = definitions.get(name);
  const marks = factsOf(markers, name);
  const kept = factsOf(presence, name);
  const goTypes = factsOf(typeNamesOfFields, name);
  const version = name.split('.').at(-2);
  const fields = {};
  for (const [fieldName, field] of definition.fields) {
    const table = fieldTable(definition, fieldName, field, marks?.get(fieldName));
    const how = kept?.get(fieldName);
    if (how && how !== '-') table.o = how;
    const named = goTypes?.get(fieldName);
    if (named) table.g = typeNamesOfFields.get(name)?.has(fieldName) ? named : named.replace(/\bv1\./, `${version}.`);
    fields[fieldName] = table;
  }
  const entry = { n: name, f: fields };
  if (definition.gvk) entry.k = definition.gvk;
  if (marks?.get('*') === 'atomic') entry.a = 1;
  for (const [part, list] of factsOf(inherited, name) ?? [])
    for (const field of list.split(',')) if (fields[field]) fields[field].i = part;
  schema.definitions.push(entry);
  docs[name] = {
    '': definition.doc,
    ...Object.fromEntries([...definition.fields].map(([field, { doc }]) => [field, doc])),
  };
}
for (const table of [markers, presence, typeNamesOfFields]) {
  for (const [name, fields] of table) {
    const definition = definitions.get(name);
    if (!definition || !indexes.has(name))
      throw new Error(`the tables of facts name ${name}, which is not among the models`);
    for (const field of fields.keys()) {
      if (field !== '*' && !definition.fields.has(field))
        throw new Error(`the tables of facts name ${name}.${field}, which does not exist`);
    }
  }
}

/**
 * Types take their short name. Of several with the same one, a kind goes before a mere part and then these packages before others;
 * the rest get group and version before their name,
 * and that longer name is good for the first one too.
 */
const preferred = [
  'io.k8s.api.core.v1.',
  'io.k8s.apimachinery.pkg.apis.meta.v1.',
  'io.k8s.api.autoscaling.v2.',
  'io.k8s.api.',
];
/** Alpha and beta versions leave the short name to others. */
const isPreview = (name) => /\.v\d+(alpha|beta)\d+\./.test(name);
const rank = (name) => {
  const index = preferred.findIndex((prefix) => name.startsWith(prefix));
  return (isPreview(name) ? 100 : 0) + (definitions.get(name).gvk ? 0 : 10) + (index < 0 ? 9 : index);
};
const typeNames = new Map();
const longNames = new Map();
const isAmbiguous = (name) => names.filter((other) => other.endsWith(name.slice(name.lastIndexOf('.')))).length > 1;
for (const name of names) {
  const short = name.slice(name.lastIndexOf('.') + 1);
  const others = names.filter((other) => other !== name && other.endsWith(`.${short}`));
  const [version, group] = name.split('.').slice(0, -1).reverse();
  const long = group[0].toUpperCase() + group.slice(1) + version[0].toUpperCase() + version.slice(1) + short;
  longNames.set(name, long);
  typeNames.set(name, others.every((other) => rank(name) < rank(other)) ? short : long);
}

function typeText(type) {
  if (type.array) return `Array<${typeText(type.array)}>`;
  if (type.map) return `Record<string, ${typeText(type.map)}>`;
  if (type.ref) {
    const code = special[type.ref];
    if (code === 'o') return 'Record<string, unknown>';
    if (code) return { t: 'Time', u: 'MicroTime', q: 'Quantity', x: 'IntOrString' }[code];
    return openDefinition.test(type.ref) && type.ref.includes('apiextensions') && !type.ref.endsWith('Status')
      ? 'unknown'
      : typeNames.get(type.ref);
  }
  if (type.enum) return `${type.enum.map((value) => JSON.stringify(value)).join(' | ')} | (string & {})`;
  return type.name;
}

const comment = (text, indent) =>
  text
    ? `${indent}/** ${text
        .replaceAll('*/', '*\\/')
        .replace(/\s*\n\s*/g, ' ')
        .trim()} */\n`
    : '';

let types = `// Generated by scripts/generate.mjs from the published models of Kubernetes' API. Not to be edited, not committed.

/** RFC 3339 in seconds, such as \`2026-01-02T03:04:05Z\`. */
export type Time = string;
/** RFC 3339 with six decimals. */
export type MicroTime = string;
/** Such as \`100m\` or \`1Gi\`. */
export type Quantity = string;
export type IntOrString = number | string;
`;
for (const name of names) {
  if (special[name]) continue;
  const definition = definitions.get(name);
  types += `\n${comment(definition.doc, '')}export interface ${typeNames.get(name)} {\n`;
  for (const [field, { doc, required, type }] of definition.fields) {
    const optional = !required || (definition.gvk && (field === 'kind' || field === 'apiVersion'));
    const key = /^[A-Za-z_]\w*$/.test(field) ? field : JSON.stringify(field);
    types += `${comment(doc, '  ')}  ${key}${optional ? '?' : ''}: ${typeText(type)}${optional ? ' | undefined' : ''};\n`;
  }
  types += '}\n';
  if (longNames.get(name) !== typeNames.get(name) && isAmbiguous(name)) {
    types += `export type ${longNames.get(name)} = ${typeNames.get(name)};\n`;
  }
}
types += `\n/** Definition names of the schema tables by type. */\nexport interface TypesByDefinition {\n`;
for (const name of names) if (!special[name]) types += `  '${name}': ${typeNames.get(name)};\n`;
types += '}\n';

mkdirSync(out, { recursive: true });
/** Written beside and renamed, so that a build running at the same time never reads half a file. */
function write(name, text) {
  const path = join(out, name);
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}
write('types.ts', types);
write('schema.json', JSON.stringify(schema));
write('docs.json', JSON.stringify(docs));
