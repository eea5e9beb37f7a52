/**
 * legacy-serviceaccount-token-cleaner-controller: token Secrets that were made automatically and not used for a year are marked
 * invalid, and after another year deleted. Looks once a day.
 *
 * @see kubernetes/pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go
 */
import { isConflict, isNotFound, parseTime, type Secret } from '../../src/api/index.ts';
import { configMaps, pods, secrets, serviceAccounts } from '../../src/client/index.ts';
import { type ControllerDefinition, keyFor, splitKey } from '../../src/controller/index.ts';

const tokenType = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';
const lastUsedLabel = 'kubernetes.io/legacy-token-last-used';
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since';
const tracking = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' };
const dayMs = 24 * 3_600_000;
const unusedMs = 365 * dayMs;
const daily = 'daily';

const dateText = (epochMs: number) => new Date(epochMs).toISOString().slice(0, 10);
/** A day that there is: the thirtieth of February is none. */
const isDate = (text: string) => !Number.isNaN(parseTime(`${text}T00:00:00Z`));

/** Members of a pod's spec that name a Secret, themselves or by a `name` or `secretName` in them. */
const references = new Set([
  'azureFile',
  'imagePullSecrets',
  'nodePublishSecretRef',
  'secret',
  'secretKeyRef',
  'secretRef',
]);

/** Whether a part of a pod's spec names the Secret. `inside` says that it is what a reference holds. */
function namesSecret(part: unknown, name: string, inside = false): boolean {
  if (typeof part !== 'object' || part === null) return false;
  return Object.entries(part).some(([member, value]) => {
    if (typeof value === 'string') return inside && value === name && (member === 'name' || member === 'secretName');
    return namesSecret(value, name, references.has(member) || (inside && Array.isArray(part)));
  });
}

export const legacyServiceAccountTokenCleanerController: ControllerDefinition = {
  name: 'legacy-serviceaccount-token-cleaner-controller',
  serviceAccount: 'legacy-service-account-token-cleaner',
  workers: 1,
  create({ client, context, enqueue, lister }) {
    const tokens = lister(secrets);
    const accounts = lister(serviceAccounts);
    const { clock } = context;

    /** From when on the API server has recorded every use of tokens; undefined when it does not. */
    async function trackedSinceMs(): Promise<number | undefined> {
      try {
        const since = (await client.get(configMaps, tracking)).data?.['since'] ?? '';
        // Of the first day only a part was recorded.
        return isDate(since) ? Date.parse(since) + dayMs : undefined;
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    }

    /** Made by the token controller of old: the account lists it. */
    function isAutomatic({ metadata }: Secret): boolean {
      const { [nameAnnotation]: name = '', [uidAnnotation]: uid = '' } = metadata?.annotations ?? {};
      const account = accounts.get(metadata?.namespace, name);
      if (uid !== '' && uid !== account?.metadata?.uid) return false;
      return account?.secrets?.some((listed) => listed.name === metadata?.name) ?? false;
    }

    /** Asked so rarely that following all pods for it would be dear. */
    async function isMounted({ metadata }: Secret): Promise<boolean> {
      const { items } = await client.list(pods, { namespace: metadata?.namespace });
      return items.some(({ spec }) => namesSecret(spec, metadata?.name ?? ''));
    }

    /** Not used for a year, as far as can be told. What is younger, or holds no day, may still be wanted. */
    function isUnused({ type, metadata }: Secret): boolean {
      if (type !== tokenType || metadata?.deletionTimestamp !== undefined) return false;
      const fromMs = clock.now() - unusedMs;
      if (Date.parse(metadata?.creationTimestamp ?? '') >= fromMs) return false;
      const used = metadata?.labels?.[lastUsedLabel];
      return used === undefined || (isDate(used) && used < dateText(fromMs));
    }

    async function clean(secret: Secret): Promise<void> {
      const { namespace, name = '', uid, resourceVersion, labels = {} } = secret.metadata ?? {};
      const nowMs = clock.now();
      const invalidSince = labels[invalidSinceLabel] ?? '';
      if (!isDate(invalidSince)) {
        const metadata = { uid, labels: { [invalidSinceLabel]: dateText(nowMs) } };
        await client.patch(secrets, { namespace, name }, 'merge', { metadata });
      } else if (invalidSince < dateText(nowMs - unusedMs)) {
        // Whoever used it since, or took the mark away, has changed it.
        await client.delete(
          secrets,
          { namespace, name },
          {
            preconditions: resourceVersion === undefined ? {} : { resourceVersion },
          },
        );
      }
    }

    return {
      start: () => enqueue(daily),
      async reconcile(key) {
        if (key !== daily) {
          const { namespace, name } = splitKey(key);
          const secret = tokens.get(namespace, name);
          try {
            if (secret !== undefined && isUnused(secret)) await clean(secret);
          } catch (error) {
            // Whoever changed it may use it: it is looked at again tomorrow.
            if (!isNotFound(error) && !isConflict(error)) throw error;
          }
          return undefined;
        }
        const sinceMs = await trackedSinceMs();
        if (sinceMs !== undefined && clock.now() >= sinceMs + unusedMs) {
          for (const secret of tokens.list()) {
            if (isUnused(secret) && isAutomatic(secret) && !(await isMounted(secret))) enqueue(keyFor(secret));
          }
        }
        return { requeueAfterMs: dayMs, background: true };
      },
    };
  },
};
