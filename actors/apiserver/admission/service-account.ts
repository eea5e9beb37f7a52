/**
 * ServiceAccount: a pod runs as a service account that exists, and gets its token mounted.
 * @see plugin/pkg/admission/serviceaccount/admission.go
 */
import type { ApiObject, KindDefinition } from '../../../src/api/index.ts';
import { podReferences } from '../authorization/pod-references.ts';
import type { Entry } from '../cache/entry.ts';
import type { Server } from '../server.ts';
import { limitSecrets } from './mountable-secrets.ts';
import { type AdmissionPlugin, type Attributes, refusal } from './plugin.ts';

interface Container {
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
}

interface PodSpec {
  serviceAccountName?: string;
  serviceAccount?: string;
  automountServiceAccountToken?: boolean;
  containers?: Container[];
  initContainers?: Container[];
  volumes?: { name: string; [source: string]: unknown }[];
  imagePullSecrets?: { name?: string }[];
}

const MIRROR = 'kubernetes.io/config.mirror';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME_PREFIX = 'kube-api-access-';
/** A little more than an hour, so that kubelets renew early. */
const TOKEN_SECONDS = 60 * 60 + 7;

export const serviceAccount: AdmissionPlugin = {
  name: 'ServiceAccount',
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/pods' &&
    ((operation === 'CREATE' && subresource === '') ||
      (operation === 'UPDATE' && subresource === 'ephemeralcontainers')),
  mutate(attributes, server) {
    const spec = attributes.object?.['spec'] as PodSpec | undefined;
    if (spec === undefined || attributes.operation !== 'CREATE') return;
    if (isMirror(attributes)) return checkMirror(attributes, spec);
    if (spec.serviceAccountName === undefined || spec.serviceAccountName === '') spec.serviceAccountName = 'default';
    spec.serviceAccount = spec.serviceAccountName;
    const account = accountOf(attributes, server, spec.serviceAccountName);
    if (account === undefined && server.options.serviceAccountAdmission) {
      throw refusal(
        attributes,
        `error looking up service account ${attributes.namespace}/${spec.serviceAccountName}: serviceaccount ${JSON.stringify(spec.serviceAccountName)} not found`,
      );
    }
    if (shouldMount(spec, account)) mountToken(spec, server);
    const secrets = account?.object['imagePullSecrets'] as { name?: string }[] | undefined;
    if ((spec.imagePullSecrets ?? []).length === 0 && secrets !== undefined && secrets.length > 0) {
      spec.imagePullSecrets = secrets.map(({ name }) => (name === undefined ? {} : { name }));
    }
  },
  validate(attributes, server) {
    const spec = attributes.object?.['spec'] as PodSpec | undefined;
    if (spec === undefined) return;
    // Others may have changed the pod since the mutating half.
    if (isMirror(attributes)) return checkMirror(attributes, spec);
    const account = accountOf(attributes, server, spec.serviceAccountName ?? '');
    if (account !== undefined) limitSecrets(attributes, account.object);
  },
};

function isMirror({ object }: Attributes): boolean {
  const annotations = object?.metadata['annotations'] as Record<string, string> | undefined;
  return annotations?.[MIRROR] !== undefined;
}

/** Kubelets write mirror pods of static ones: these have no account, and so nothing that comes with one. */
function checkMirror(attributes: Attributes, spec: PodSpec): void {
  const refuse = (what: string) => refusal(attributes, `a mirror pod may not reference ${what}`);
  if (spec.serviceAccountName !== undefined && spec.serviceAccountName !== '') throw refuse('service accounts');
  if (podReferences(attributes.object as ApiObject, 'secrets').length > 0) throw refuse('secrets');
  for (const volume of spec.volumes ?? []) {
    const projected = volume['projected'] as { sources?: { serviceAccountToken?: object }[] } | undefined;
    if (projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken !== undefined) === true) {
      throw refusal(attributes, 'a mirror pod may not use ServiceAccountToken volume projections');
    }
  }
}

function accountOf(attributes: Attributes, server: Server, name: string): Entry | undefined {
  const cache = server.cacheOf(server.registry.byResource('', 'v1', 'serviceaccounts') as KindDefinition);
  return cache.get(cache.keyOf(attributes.namespace, name));
}

function shouldMount(spec: PodSpec, account: Entry | undefined): boolean {
  if (spec.automountServiceAccountToken !== undefined) return spec.automountServiceAccountToken;
  return (account?.object['automountServiceAccountToken'] as boolean | undefined) ?? true;
}

/** Adds the projected volume and mounts it in every container that has nothing at its path yet. */
function mountToken(spec: PodSpec, server: Server): void {
  const existing = spec.volumes?.find(({ name }) => name.startsWith(VOLUME_PREFIX));
  const name = existing?.name ?? `${VOLUME_PREFIX}${server.context.random.suffix(5)}`;
  let mounted = false;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    if (container.volumeMounts?.some(({ mountPath }) => mountPath === MOUNT_PATH)) continue;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT_PATH }];
    mounted = true;
  }
  if (existing !== undefined || !mounted) return;
  spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

const tokenVolume = (name: string): { name: string; projected: unknown } => ({ name, projected: tokenSources });

/** What every pod has in its token's volume: one object for all of them, which nobody may change. */
const tokenSources = frozen({
  sources: [
    { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    {
      downwardAPI: {
        items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
      },
    },
  ],
  defaultMode: 420,
});

function frozen<Value extends object>(value: Value): Readonly<Value> {
  for (const member of Object.values(value)) if (typeof member === 'object') frozen(member as object);
  return Object.freeze(value);
}
