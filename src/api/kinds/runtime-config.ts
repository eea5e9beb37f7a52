/**
 * Which versions and kinds are served, by upstream's `--runtime-config`: stable ones unless they are switched off, alpha and beta
 * ones if they are switched on. The API server makes its
 * registry of the answer, controllers follow what is served, and composition checks it before anything starts.
 *
 *     api/all, api/ga, api/beta, api/alpha      all versions of that stage, in this order
 *     <group>/<version>                         one version; the core group's is `/v1`
 *     <group>/<version>/<resource>              one resource of it, last and strongest
 *
 * @see apiserver/pkg/server/resourceconfig/helpers.go, apiserver/pkg/server/options/api_enablement.go
 */
import { quote } from '../go-text.ts';
import { previewRows } from './previews.ts';
import { builtinRows } from './rows.ts';
import type { KindDefinition } from './types.ts';

/** Names to `true` or `false`, as text. An empty text means `true`. */
export type RuntimeConfig = Readonly<Record<string, string>>;

/** A runtime configuration that upstream would not start with, in its words. */
export class RuntimeConfigError extends Error {
  override readonly name = 'RuntimeConfigError';
}

type Stage = (version: string) => boolean;

const stages: Readonly<Record<string, Stage>> = {
  'api/all': () => true,
  'api/ga': (version) => /^v\d+$/.test(version),
  'api/beta': (version) => /^v\d+beta\d+$/.test(version),
  'api/alpha': (version) => /^v\d+alpha\d+$/.test(version),
};

/** Versions that upstream still knows and no longer serves: naming them has no effect. */
const retired: ReadonlySet<string> = new Set([
  'admission.k8s.io/v1',
  'admission.k8s.io/v1beta1',
  'apps/v1beta1',
  'apps/v1beta2',
  'authentication.k8s.io/v1alpha1',
  'authentication.k8s.io/v1beta1',
  'authorization.k8s.io/v1beta1',
  'autoscaling/v2beta1',
  'autoscaling/v2beta2',
  'batch/v1beta1',
  'discovery.k8s.io/v1beta1',
  'events.k8s.io/v1beta1',
  'extensions/v1beta1',
  'flowcontrol.apiserver.k8s.io/v1beta1',
  'flowcontrol.apiserver.k8s.io/v1beta2',
  'flowcontrol.apiserver.k8s.io/v1beta3',
  'imagepolicy.k8s.io/v1alpha1',
  'node.k8s.io/v1alpha1',
  'node.k8s.io/v1beta1',
  'policy/v1beta1',
  'rbac.authorization.k8s.io/v1alpha1',
  'rbac.authorization.k8s.io/v1beta1',
  'scheduling.k8s.io/v1alpha1',
  'scheduling.k8s.io/v1beta1',
  'storage.k8s.io/v1alpha1',
]);

const allRows: readonly KindDefinition[] = [...builtinRows, ...previewRows];
const versionNameOf = (group: string, version: string): string => `${group}/${version}`;
const known: ReadonlySet<string> = new Set([
  ...retired,
  ...allRows.map(({ group, version }) => versionNameOf(group, version)),
]);
const knownGroups: ReadonlySet<string> = new Set([...known].map((name) => name.slice(0, name.indexOf('/'))));

/** `a=true,b=false` as a command line gives it; given again, it adds to what came before. */
export function parseRuntimeConfig(text: string, before: RuntimeConfig = {}): RuntimeConfig {
  const config: Record<string, string> = { ...before };
  for (const pair of text.split(',')) {
    if (pair === '') continue;
    const [key = '', value = ''] = pair.split('=', 2);
    config[key.trim()] = value.trim();
  }
  return config;
}

/** Go's notion of a truth value; an empty text is a name without one. */
function truthOf(key: string, value: string): boolean {
  if (/^(|1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw new RuntimeConfigError(
    `invalid value of ${key}: ${value}, err: strconv.ParseBool: parsing ${quote(value)}: invalid syntax`,
  );
}

interface Preference {
  readonly version: string;
  readonly resource: string | undefined;
  readonly enabled: boolean;
}

function preferenceOf(key: string, value: string): Preference {
  const parts = key.split('/');
  if (parts.length < 2 || parts.length > 3) throw new RuntimeConfigError(`runtime-config invalid key ${key}`);
  const [group = '', version = '', resource] = parts;
  if (!knownGroups.has(group)) throw new RuntimeConfigError(`unknown api groups ${group}`);
  const name = versionNameOf(group, version);
  if (!known.has(name)) throw new RuntimeConfigError(`group version ${name} that has not been registered`);
  if (resource !== undefined && resource.toLowerCase() !== resource) {
    throw new RuntimeConfigError(
      `invalid key ${key}: group/version/resource and resource is always lowercase plural, not ${quote(resource)}`,
    );
  }
  return { version: name, resource, enabled: truthOf(key, value) };
}

/**
 * The rows of the kinds that are served, the stable ones first.
 * @throws RuntimeConfigError for a name that is none, and for a value that is neither true nor false
 */
export function enabledRows(config: RuntimeConfig = {}): readonly KindDefinition[] {
  const keys = Object.keys(config);
  if (keys.length === 0) return builtinRows;
  if (keys.length === 1 && config['api/all'] === 'false')
    throw new RuntimeConfigError('invalid key with only api/all=false');
  const versions = new Map(allRows.map(({ group, version }) => [versionNameOf(group, version), false]));
  for (const { group, version } of builtinRows) versions.set(versionNameOf(group, version), true);
  for (const [stage, matches] of Object.entries(stages)) {
    const value = config[stage];
    if (value === undefined) continue;
    if (value !== 'true' && value !== 'false') throw new RuntimeConfigError(`invalid value ${stage}=${value}`);
    for (const name of versions.keys())
      if (matches(name.slice(name.indexOf('/') + 1))) versions.set(name, value === 'true');
  }
  const resources = new Map<string, boolean>();
  for (const key of keys) {
    if (stages[key] !== undefined) continue;
    const { version, resource, enabled } = preferenceOf(key, config[key] as string);
    if (resource === undefined) versions.set(version, enabled);
    else resources.set(`${version}/${resource}`, enabled);
  }
  return allRows.filter(({ group, version, plural }) => {
    const name = versionNameOf(group, version);
    return resources.get(`${name}/${plural}`) ?? versions.get(name);
  });
}
