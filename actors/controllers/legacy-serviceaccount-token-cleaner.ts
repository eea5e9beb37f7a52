/**
 * legacy-serviceaccount-token-cleaner-controller: token Secrets that were made automatically and not used for a year are marked
 * invalid, and after another year deleted. Looks once a day.
 *
 * @see kubernetes/pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go
 */
import { isNotFound, type Secret } from '../../src/api/index.ts';
import { configMaps, pods, secrets, serviceAccounts } from '../../src/client/index.ts';
import { type ControllerDefinition, keyFor, splitKey } from '../../src/controller/index.ts';

const tokenType = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const lastUsedLabel = 'kubernetes.io/legacy-token-last-used';
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since';
const tracking = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' };
const dayMs = 24 * 3_600_000;
const unusedMs = 365 * dayMs;
const daily = 'daily';

const dateText = (epochMs: number) => new Date(epochMs).toISOString().slice(0, 10);

export const legacyServiceAccountTokenCleanerController: ControllerDefinition = {
  name: 'legacy-serviceaccount-token-cleaner-controller',
  serviceAccount: 'legacy-service-account-token-cleaner',
  workers: 1,
  create({ client, context, enqueue, lister }) {
    const tokens = lister(secrets);
    const accounts = lister(serviceAccounts);
    const { clock } = context;

    /** Since when the API server has recorded the use of tokens; undefined when it does not. */
    async function trackedSinceMs(): Promise<number | undefined> {
      try {
        const sinceMs = Date.parse((await client.get(configMaps, tracking)).data?.['since'] ?? '');
        return Number.isNaN(sinceMs) ? undefined : sinceMs;
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    }

    /** Made by the token controller of old: the account lists it. */
    function isAutomatic(secret: Secret): boolean {
      const account = accounts.get(secret.metadata?.namespace, secret.metadata?.annotations?.[nameAnnotation] ?? '');
      return account?.secrets?.some(({ name }) => name === secret.metadata?.name) ?? false;
    }

    /** Asked so rarely that following all pods for it would be dear. */
    async function isMounted({ metadata }: Secret): Promise<boolean> {
      const { items } = await client.list(pods, { namespace: metadata?.namespace });
      return items.some(({ spec }) => spec?.volumes?.some(({ secret }) => secret?.secretName === metadata?.name));
    }

    async function clean(secret: Secret): Promise<void> {
      const { namespace, name = '', uid, resourceVersion, labels = {} } = secret.metadata ?? {};
      const nowMs = clock.now();
      const usedMs = Date.parse(labels[lastUsedLabel] ?? '') || 0;
      if (usedMs > nowMs - unusedMs) return;
      const invalidMs = Date.parse(labels[invalidSinceLabel] ?? '');
      if (Number.isNaN(invalidMs)) {
        const metadata = { resourceVersion, labels: { [invalidSinceLabel]: dateText(nowMs) } };
        await client.patch(secrets, { namespace, name }, 'merge', { metadata });
      } else if (invalidMs < nowMs - unusedMs) {
        await client.delete(secrets, { namespace, name }, uid === undefined ? {} : { preconditions: { uid } });
      }
    }

    return {
      start: () => enqueue(daily),
      async reconcile(key) {
        if (key !== daily) {
          const { namespace, name } = splitKey(key);
          const secret = tokens.get(namespace, name);
          try {
            if (secret !== undefined) await clean(secret);
          } catch (error) {
            if (!isNotFound(error)) throw error;
          }
          return undefined;
        }
        const sinceMs = await trackedSinceMs();
        if (sinceMs !== undefined && sinceMs < clock.now() - unusedMs) {
          for (const secret of tokens.list()) {
            if (secret.type === tokenType && isAutomatic(secret) && !(await isMounted(secret))) enqueue(keyFor(secret));
          }
        }
        return { requeueAfterMs: dayMs, background: true };
      },
    };
  },
};
