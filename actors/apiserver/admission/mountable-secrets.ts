/**
 * Service accounts that are marked with `kubernetes.io/enforce-mountable-secrets` let their pods use only the secrets that they
 * list. Called by the ServiceAccount plugin. @see plugin/pkg/admission/serviceaccount/admission.go limitSecretReferences
 */
import type { ApiObject } from '../../../src/api/index.ts';
import { type Attributes, refusal } from './plugin.ts';

const ANNOTATION = 'kubernetes.io/enforce-mountable-secrets';
const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];

interface Named {
  readonly name?: string;
}

interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly valueFrom?: { readonly secretKeyRef?: Named } }[];
  readonly envFrom?: readonly { readonly secretRef?: Named }[];
}

interface PodSpec {
  readonly volumes?: readonly { readonly secret?: { readonly secretName?: string } }[];
  readonly initContainers?: readonly Container[];
  readonly containers?: readonly Container[];
  readonly ephemeralContainers?: readonly Container[];
  readonly imagePullSecrets?: readonly Named[];
}

/** @throws StatusError 403 for the first secret that the account does not list. */
export function limitSecrets(attributes: Attributes, account: ApiObject): void {
  const annotations = account.metadata.annotations as Readonly<Record<string, string>> | undefined;
  if (!TRUE.includes(annotations?.[ANNOTATION] ?? '')) return;
  const spec = (attributes.object?.['spec'] ?? {}) as PodSpec;
  const listed = namesOf(account['secrets']);
  const because = `is not allowed because service account ${account.metadata.name} does not reference that`;
  const check = (secret: string | undefined, what: string) => {
    if (secret !== undefined && !listed.has(secret)) {
      throw refusal(attributes, `${what} secret.secretName="${secret}" ${because} secret`);
    }
  };
  for (const { secret } of spec.volumes ?? []) check(secret?.secretName, 'volume with');
  const lists = [
    ['init container', spec.initContainers],
    ['container', spec.containers],
    ['ephemeral container', spec.ephemeralContainers],
  ] as const;
  for (const [what, containers] of lists) {
    for (const { name, env = [], envFrom = [] } of containers ?? []) {
      for (const variable of env) {
        check(variable.valueFrom?.secretKeyRef?.name, `${what} ${name} with envVar ${variable.name} referencing`);
      }
      for (const { secretRef } of envFrom) check(secretRef?.name, `${what} ${name} with envFrom referencing`);
    }
  }
  const pulled = namesOf(account['imagePullSecrets']);
  for (const [index, { name = '' }] of (spec.imagePullSecrets ?? []).entries()) {
    if (!pulled.has(name))
      throw refusal(attributes, `imagePullSecrets[${index}].name="${name}" ${because} imagePullSecret`);
  }
}

function namesOf(references: unknown): Set<string | undefined> {
  return new Set(((references ?? []) as readonly Named[]).map(({ name }) => name));
}
