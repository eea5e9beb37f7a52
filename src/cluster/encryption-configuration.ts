/**
 * The EncryptionConfiguration: which resources are sealed in the store, by what. Every rule of upstream's, with its path and
 * words; keys are never shown. @see staging/src/k8s.io/apiserver/pkg/apis/apiserver/validation/validation_encryption.go
 */
import type { EncryptionOption } from '../../actors/apiserver/index.ts';
import { aggregateText, type FieldError, fieldErrors, fieldErrorText } from '../api/index.ts';
import { durationMs, readDocument } from './config-files.ts';
import { ClusterOptionsError } from './options-error.ts';
import { refuseOddMembers, type Shape } from './strict-document.ts';

export interface EncryptionOptions {
  /** EncryptionConfiguration. */
  readonly encryptionProviderConfig?: string | object;
  /** Whether the file is looked at every minute. Default false. */
  readonly encryptionProviderConfigAutomaticReload?: boolean;
}

interface Keys {
  readonly keys?: readonly { readonly name?: string; readonly secret?: string }[] | null;
}

interface Kms {
  readonly apiVersion?: string;
  readonly name?: string;
  readonly cachesize?: number;
  readonly endpoint?: string;
  readonly timeout?: string;
}

interface ProviderEntry {
  readonly aesgcm?: Keys;
  readonly aescbc?: Keys;
  readonly secretbox?: Keys;
  readonly identity?: object;
  readonly kms?: Kms;
}

interface Entry {
  readonly resources?: readonly string[] | null;
  readonly providers?: readonly ProviderEntry[] | null;
}

const keys: Shape = { keys: [{ name: 'string', secret: 'string' }] };
const shape: Shape = {
  apiVersion: 'string',
  kind: 'string',
  resources: [
    {
      resources: ['string'],
      providers: [
        {
          aesgcm: keys,
          aescbc: keys,
          secretbox: keys,
          identity: {},
          kms: { apiVersion: 'string', name: 'string', cachesize: 'integer', endpoint: 'string', timeout: 'string' },
        },
      ],
    },
  ],
};

const AES_BYTES = [16, 24, 32];
const SECRETBOX_BYTES = [32];
const DEFAULT_TIMEOUT_MS = 3000;

/** What is sealed, and how. `source` is a document or the path of one. @throws ClusterOptionsError */
export function readEncryptionConfiguration(source: string | object): readonly EncryptionOption[] {
  const option = 'encryption-provider-config';
  const document = readDocument<{ resources?: readonly Entry[] | null }>(option, source, 'EncryptionConfiguration', [
    'apiserver.config.k8s.io/v1',
  ]);
  const where = typeof source === 'string' ? `${option}: ${source}` : option;
  refuseOddMembers(where, document, shape);
  const entries = document.resources ?? [];
  const errors = entries.length === 0 ? [fieldErrors.required('resources', 'at least one resources is required')] : [];
  const names = new Set<string>();
  entries.forEach((entry, index) => {
    errors.push(...errorsOf(entry, `resources[${index}]`, names));
  });
  if (errors.length > 0) throw new ClusterOptionsError(`${where}: ${aggregateText(errors.map(fieldErrorText))}`);
  const kms = entries.flatMap(({ providers }) => (providers ?? []).flatMap((provider) => provider.kms ?? []));
  if (kms.some(({ apiVersion = 'v1' }) => apiVersion === 'v1')) {
    throw new ClusterOptionsError(`${where}: KMSv1 is not there, as upstream by default. Use KMSv2 instead.`);
  }
  refuseMasked(entries, where);
  return entries.map(({ resources, providers }) => ({
    resources: resources ?? [],
    providers: (providers ?? []).map(providerOption),
  }));
}

type ProviderOption = EncryptionOption['providers'][number];

function providerOption({ kms, ...provider }: ProviderEntry): ProviderOption {
  if (kms === undefined) return provider as ProviderOption;
  const timeoutMs = durationMs('timeout', kms.timeout, DEFAULT_TIMEOUT_MS);
  return { kms: { name: kms.name ?? '', endpoint: kms.endpoint ?? '', timeoutMs } };
}

function errorsOf({ resources, providers }: Entry, path: string, names: Set<string>): FieldError[] {
  const [resourcesPath, providersPath] = [`${path}.resources`, `${path}.providers`];
  const required = (at: string, list: readonly unknown[]) =>
    list.length === 0 ? [fieldErrors.required(at, `at least one ${at} is required`)] : [];
  return [
    ...required(resourcesPath, resources ?? []),
    ...overlaps(resources ?? [], resourcesPath),
    ...(resources ?? []).flatMap((name, index) => nameErrors(name, `${resourcesPath}[${index}]`)),
    ...required(providersPath, providers ?? []),
    ...(providers ?? []).flatMap((provider, index) => providerErrors(provider, `${providersPath}[${index}]`, names)),
  ];
}

/** `secrets` and `secrets.` are the same. */
const parts = (name: string): readonly [resource: string, group: string] => {
  const dot = name.indexOf('.');
  return dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot + 1)];
};

function overlaps(names: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const all = names.map((name) => parts(name).join('.'));
  if (new Set(all).size < all.length)
    errors.push(fieldErrors.invalid(path, names, 'the same resource cannot be specified multiple times'));
  const distinct = [...new Set(all)];
  const isMasked = (name: string) =>
    distinct.length > 1 && (name === '*.*' || (name.startsWith('*.') && distinct.some(sameGroup(name))));
  if (distinct.some(isMasked)) {
    const text =
      "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked";
    errors.push(fieldErrors.invalid(path, names, text));
  }
  return errors;
}

const sameGroup = (wildcard: string) => (other: string) => other !== wildcard && parts(other)[1] === parts(wildcard)[1];

const WITHOUT_API = ['apiserveripinfo', 'serviceipallocations', 'servicenodeportallocations'];

function nameErrors(name: string, path: string): FieldError[] {
  const [resource, group] = parts(name);
  const fault =
    name.toLowerCase() !== name
      ? 'resource name should not contain capital letters'
      : name === '*'
        ? "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
        : WITHOUT_API.includes(name)
          ? 'resources which do not have REST API/s cannot be encrypted'
          : group === 'events.k8s.io'
            ? "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file"
            : group === 'extensions'
              ? "'extensions' group has been removed and cannot be used for encryption"
              : group === '*' && resource !== '*'
                ? 'encrypting the same resource across groups is not supported'
                : undefined;
  return fault === undefined ? [] : [fieldErrors.invalid(path, name, fault)];
}

function providerErrors(provider: ProviderEntry, path: string, names: Set<string>): FieldError[] {
  const { aesgcm, aescbc, secretbox, kms } = provider;
  const set = Object.values(provider).filter((value) => value !== undefined && value !== null).length;
  if (set !== 1) {
    const text =
      set === 0
        ? 'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity'
        : 'more than one provider specified in a single element, should split into different list elements';
    return [fieldErrors.invalid(path, Object.keys(provider), text)];
  }
  if (aesgcm !== undefined) return keysErrors(aesgcm, `${path}.aesgcm.keys`, AES_BYTES);
  if (aescbc !== undefined) return keysErrors(aescbc, `${path}.aescbc.keys`, AES_BYTES);
  if (secretbox !== undefined) return keysErrors(secretbox, `${path}.secretbox.keys`, SECRETBOX_BYTES);
  return kms === undefined ? [] : kmsErrors(kms, `${path}.kms`, names);
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function keysErrors({ keys: list }: Keys, path: string, lengths: readonly number[]): FieldError[] {
  if ((list ?? []).length === 0) return [fieldErrors.required(path, 'at least one keys is required')];
  return (list ?? []).flatMap(({ name = '', secret = '' }, index) => {
    const at = `${path}[${index}]`;
    const errors = name === '' ? [fieldErrors.required(`${at}.name`, 'name is a mandatory field for a key')] : [];
    if (secret === '')
      return [...errors, fieldErrors.required(`${at}.secret`, 'secret is a mandatory field for a key')];
    const redacted = (text: string) => [...errors, fieldErrors.invalid(`${at}.secret`, 'REDACTED', text)];
    if (!BASE64.test(secret)) return redacted('secrets must be base64 encoded');
    const { length } = Buffer.from(secret, 'base64');
    if (lengths.includes(length)) return errors;
    return redacted(`secret is not of the expected length, got ${length}, expected one of [${lengths.join(' ')}]`);
  });
}

function kmsErrors(kms: Kms, path: string, names: Set<string>): FieldError[] {
  const { name = '', endpoint = '', apiVersion = 'v1', cachesize, timeout } = kms;
  const errors: FieldError[] = [];
  const fault = (member: string, value: unknown, text: string) =>
    void errors.push(fieldErrors.invalid(`${path}.${member}`, value, text));
  if (name === '') errors.push(fieldErrors.required(`${path}.name`, 'name is a mandatory field for a provider'));
  if (apiVersion !== 'v1' && name.includes(':'))
    fault('name', name, `invalid KMS provider name ${name}, must not contain ':'`);
  if (apiVersion !== 'v1' && names.has(name))
    fault('name', name, `duplicate KMS provider name ${name}, names must be unique`);
  names.add(name);
  if (timeout !== undefined && !(durationMs(`${path}.timeout`, timeout.replace(/^-/, ''), 0) > 0 && timeout[0] !== '-'))
    fault('timeout', timeout, 'timeout should be a positive value');
  if (endpoint === '') fault('endpoint', '', 'endpoint is a mandatory field for a kms');
  else if (!endpoint.startsWith('unix:')) {
    const scheme = JSON.stringify(/^([a-z][a-z0-9+.-]*):/i.exec(endpoint)?.[1] ?? '');
    fault('endpoint', endpoint, `unsupported scheme ${scheme} for KMS provider, only unix is supported`);
  }
  if (apiVersion !== 'v1' && cachesize !== undefined) fault('cachesize', cachesize, 'cachesize is not supported in v2');
  if (apiVersion !== 'v1' && apiVersion !== 'v2') {
    const text = 'unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported';
    fault('apiVersion', apiVersion, text);
  }
  return errors;
}

/** A resource behind a wildcard that means it too would never get its providers. */
function refuseMasked(entries: readonly Entry[], where: string): void {
  const wildcards = new Set<string>();
  for (const { resources } of entries) {
    for (const name of resources ?? []) {
      const [, group] = parts(name);
      const masking = [`*.${group}`, '*.*'].find((wildcard) => wildcards.has(wildcard));
      if (masking !== undefined) {
        const text = `resource "${name}" is masked by earlier rule "${masking}"`;
        throw new ClusterOptionsError(`${where}: error while building transformers: ${text}`);
      }
    }
    for (const name of resources ?? []) if (name.startsWith('*.')) wildcards.add(name);
  }
}
