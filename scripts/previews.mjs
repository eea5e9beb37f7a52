// Reads the definitions of Kubernetes' alpha and beta versions from @kubernetes/client-node, whose classes are made from the OpenAPI
// document of the release (kubernetes-models has stable versions only). Called by generate.mjs alone.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every kind of release 1.36 that is alpha or beta: the package that upstream defines it in, its group, and the kinds. */
const previews = {
  'io.k8s.api.admissionregistration.v1alpha1': [
    'admissionregistration.k8s.io',
    'MutatingAdmissionPolicy',
    'MutatingAdmissionPolicyBinding',
  ],
  'io.k8s.api.admissionregistration.v1beta1': [
    'admissionregistration.k8s.io',
    'MutatingAdmissionPolicy',
    'MutatingAdmissionPolicyBinding',
  ],
  'io.k8s.api.apiserverinternal.v1alpha1': ['internal.apiserver.k8s.io', 'StorageVersion'],
  'io.k8s.api.certificates.v1alpha1': ['certificates.k8s.io', 'ClusterTrustBundle'],
  'io.k8s.api.certificates.v1beta1': ['certificates.k8s.io', 'ClusterTrustBundle', 'PodCertificateRequest'],
  'io.k8s.api.coordination.v1alpha2': ['coordination.k8s.io', 'LeaseCandidate'],
  'io.k8s.api.coordination.v1beta1': ['coordination.k8s.io', 'LeaseCandidate'],
  'io.k8s.api.networking.v1beta1': ['networking.k8s.io', 'IPAddress', 'ServiceCIDR'],
  'io.k8s.api.resource.v1alpha3': ['resource.k8s.io', 'DeviceTaintRule', 'ResourcePoolStatusRequest'],
  'io.k8s.api.resource.v1beta1': [
    'resource.k8s.io',
    'DeviceClass',
    'ResourceClaim',
    'ResourceClaimTemplate',
    'ResourceSlice',
  ],
  'io.k8s.api.resource.v1beta2': [
    'resource.k8s.io',
    'DeviceClass',
    'DeviceTaintRule',
    'ResourceClaim',
    'ResourceClaimTemplate',
    'ResourceSlice',
  ],
  'io.k8s.api.scheduling.v1alpha2': ['scheduling.k8s.io', 'PodGroup', 'Workload'],
  'io.k8s.api.storage.v1beta1': ['storage.k8s.io', 'VolumeAttributesClass'],
  'io.k8s.api.storagemigration.v1beta1': ['storagemigration.k8s.io', 'StorageVersionMigration'],
};

/** Types without a field, of which the classes say nothing: `Class.field`, and what the type is called. */
const emptyTypes = {
  'V1alpha1StorageVersion.spec': ['StorageVersionSpec', 'StorageVersionSpec is an empty spec.'],
  'V1alpha2PodGroupSchedulingPolicy.basic': [
    'BasicSchedulingPolicy',
    'BasicSchedulingPolicy indicates that standard Kubernetes scheduling behavior should be used.',
  ],
};

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const machinery = { Date: `${META}.Time`, V1MicroTime: `${META}.MicroTime` };
const spaces = (text) => text.replace(/\s+/g, ' ').trim();
/** A class's description in one line. Upstream's paragraphs were joined by two blanks. */
const docText = (text = '') =>
  text
    .replace(/^\s*\/\*\*\s*\n?|\s*\*\/\s*$/g, '')
    .replace(/^\s*\* ?/gm, '')
    .replace(/\\(["'*/])/g, '$1')
    .trim()
    .replace(/ {2,}/g, '\n\n');

/** What a class says: fields with description, requirement, type and format. */
function readClass(folder, name) {
  const declaration = readFileSync(join(folder, `${name}.d.ts`), 'utf8');
  if (!declaration.includes('OpenAPI spec version: release-1.36')) throw new Error(`${name} is not of release 1.36`);
  const source = readFileSync(join(folder, `${name}.js`), 'utf8');
  const list = JSON.parse(/attributeTypeMap = (\[[\s\S]*?\n\]|\[\]);/.exec(source)[1]);
  const told = new Map();
  const body = declaration.slice(declaration.indexOf('export declare class'));
  for (const [, block, field, optional] of body.matchAll(/(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*)?'(\w+)'(\??):/g))
    told.set(field, { doc: docText(block), required: !optional });
  const doc = /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\s*export declare class/.exec(declaration)?.[1];
  return {
    doc: docText(doc),
    fields: list.map(({ name: property, baseName, type, format }) => ({
      baseName,
      type,
      format,
      ...told.get(property),
    })),
  };
}

/** A part of the API machinery that no stable kind has, and that is made of texts. */
function addScalars(folder, className, full, definitions) {
  const { doc, fields } = readClass(folder, className);
  const texts = fields.map(({ baseName, doc: text, required }) => [
    baseName,
    { doc: text ?? '', required, type: { name: 'string' } },
  ]);
  definitions.set(full, { name: full, doc, fields: new Map(texts), gvk: undefined });
  return full;
}

/**
 * Adds the definitions to those of the stable versions, and their formats to `formats`. A field that the stable version of the same
 * definition has, too, takes its type, enum and description from there, which are more exact.
 */
export function addPreviews(packages, definitions, formats) {
  const folder = join(packages, '@kubernetes/client-node/dist/gen/models');
  const typeMeta = definitions.get('io.k8s.api.core.v1.Pod').fields;
  const listMeta = definitions.get('io.k8s.api.core.v1.PodList').fields;
  const metadataOf = (className) => (className.endsWith('List') ? listMeta : typeMeta).get('metadata');
  const stableName = (full) => full.replace(/\.v[0-9]\w*\.(\w+)$/, '.v1.$1');

  for (const [prefix, [group, ...kinds]] of Object.entries(previews)) {
    const version = prefix.slice(prefix.lastIndexOf('.') + 1);
    const capital = `V${version.slice(1)}`;
    const short = (name) => (name.startsWith(capital) ? name.slice(capital.length) : undefined);

    const reference = (type) => {
      if (machinery[type]) return machinery[type];
      if (type === 'V1GroupResource') return addScalars(folder, type, `${META}.GroupResource`, definitions);
      if (short(type) !== undefined) return add(type);
      const plain = type.replace(/^(?:Core)?V1(?=[A-Z])/, '');
      for (const home of [META, 'io.k8s.api.core.v1', stableName(`${prefix}.X`).slice(0, -2)])
        if (definitions.has(`${home}.${plain}`)) return `${home}.${plain}`;
      throw new Error(`${prefix} refers to ${type}, which is not among the models`);
    };
    const parse = (type) => {
      const array = /^(?:Array|Set)<(.*)>$/.exec(type);
      if (array) return { array: parse(array[1]) };
      const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
      if (map) return { map: parse(map[1]) };
      if (type === 'any') return { ref: 'io.k8s.apimachinery.pkg.runtime.RawExtension' };
      return /^(string|number|boolean)$/.test(type) ? { name: type } : { ref: reference(type) };
    };
    /** The stable version's type with its references among the preview's own definitions. */
    const moved = (type) => {
      if (type.array) return { ...type, array: moved(type.array) };
      if (type.map) return { ...type, map: moved(type.map) };
      const own = type.ref?.startsWith(stableName(`${prefix}.X`).slice(0, -1));
      const name = own ? `${capital}${type.ref.slice(type.ref.lastIndexOf('.') + 1)}` : '';
      return own && existsSync(join(folder, `${name}.js`)) ? { ref: add(name) } : type;
    };

    const addEmpty = (name, text) => {
      const full = `${prefix}.${name}`;
      definitions.set(full, { name: full, doc: text, fields: new Map(), gvk: undefined });
      return { ref: full };
    };

    function add(className) {
      const full = `${prefix}.${short(className)}`;
      if (definitions.has(full)) return full;
      const { doc, fields } = readClass(folder, className);
      const stable = definitions.get(stableName(full));
      const definition = { name: full, doc, fields: new Map(), gvk: undefined };
      definitions.set(full, definition);
      if (stable && spaces(stable.doc) === spaces(doc)) definition.doc = stable.doc;
      const isObject = fields.some(({ baseName }) => baseName === 'apiVersion');
      if (isObject && fields.some(({ baseName }) => baseName === 'metadata')) {
        const kind = short(className);
        if (kinds.some((one) => kind === one || kind === `${one}List`)) definition.gvk = [group, version, kind];
      }
      const formatted = new Map();
      for (const { baseName, type, format, doc: text, required } of fields) {
        if (isObject && (baseName === 'apiVersion' || baseName === 'kind')) {
          definition.fields.set(baseName, typeMeta.get(baseName));
          continue;
        }
        const known = stable?.fields.get(baseName) ?? (baseName === 'metadata' ? metadataOf(className) : undefined);
        const empty = emptyTypes[`${className}.${baseName}`];
        const shape = empty ? addEmpty(...empty) : known ? moved(known.type) : parse(type);
        // The classes say nothing of fields that are objects.
        const told = known && (!text || spaces(known.doc) === spaces(text)) ? known.doc : (text ?? '');
        definition.fields.set(baseName, { doc: told, required: required ?? false, type: shape });
        formatted.set(baseName, format || (/^(Set|Array)<number>/.test(type) ? 'int64' : ''));
      }
      formats.set(full, formatted);
      return full;
    }
    for (const kind of kinds) for (const suffix of ['', 'List']) add(`${capital}${kind}${suffix}`);
  }
}
