/**
 * serviceaccount-token-controller: fills Secrets of type kubernetes.io/service-account-token with a token of their account, and
 * deletes them when the account is gone. Keyed by Secret.
 *
 * @see kubernetes/pkg/controller/serviceaccount/tokens_controller.go
 */
import { isConflict, isNotFound, type Secret, type ServiceAccount } from '../../src/api/index.ts';
import { type KubernetesObject, retryOnConflict, secrets, serviceAccounts } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  type Key,
  keyFor,
  messageOf,
  type Reconciler,
  splitKey,
} from '../../src/controller/index.ts';

const tokenType = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';
const accountIndex = 'tokens-by-account';
/** The longest that a token may be asked for: these tokens live as long as their Secret. */
const lifetimeSeconds = 2 ** 32;

export const serviceAccountTokenController: ControllerDefinition = {
  name: 'serviceaccount-token-controller',
  queue: 'serviceaccount_tokens_secret',
  // As upstream: it makes the credentials of all others, so it cannot have been given one.
  serviceAccount: 'system:kube-controller-manager',
  create: createReconciler,
};

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Keys of Secrets that are gone, each with what its account may still list. */
const gonePrefix = 'gone:';
/** After so many failures a key is left alone until something changes. */
const retriesMax = 10;

const textOf = (secret: Secret, name: string): string => secret.data?.[name] ?? '';

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, enqueue, settings } = dependencies;
  const { clock, log } = context;
  const secretLister = dependencies.lister(secrets);
  const accountLister = dependencies.lister(serviceAccounts);
  const gone = new Map<Key, Secret>();
  const failures = new Map<Key, number>();
  dependencies.index(secrets, accountIndex, (secret) => {
    const name = secret.metadata?.annotations?.[nameAnnotation];
    return secret.type === tokenType && name !== undefined ? [`${secret.metadata?.namespace}/${name}`] : [];
  });
  dependencies.observe(secrets, ({ type, object }) => {
    if (object.type !== tokenType) return;
    if (type !== 'deleted') {
      enqueue(keyFor(object));
      return;
    }
    const key = `${gonePrefix}${keyFor(object)}/${object.metadata?.uid}`;
    gone.set(key, object);
    enqueue(key);
  });
  dependencies.observe(serviceAccounts, ({ object }) => {
    for (const secret of secretLister.byIndex(accountIndex, keyFor(object))) enqueue(keyFor(secret));
  });

  /** A Secret that is gone is taken off the list of its account. */
  async function forget({ metadata }: Secret): Promise<void> {
    const { namespace, name, annotations = {} } = metadata ?? {};
    const key = { namespace, name: annotations[nameAnnotation] ?? '' };
    const uid = annotations[uidAnnotation] ?? '';
    const isIt = (account: ServiceAccount | undefined) =>
      account !== undefined && (uid === '' || account.metadata?.uid === uid);
    if (!isIt(accountLister.get(namespace, key.name))) return;
    await retryOnConflict(
      clock,
      async () => {
        const account = await client.get(serviceAccounts, key);
        const listed = account.secrets ?? [];
        const left = listed.filter((reference) => reference.name !== name);
        if (isIt(account) && left.length < listed.length) {
          await client.update(serviceAccounts, { ...account, secrets: left });
        }
      },
      retriesMax,
    );
  }

  /** The account of the Secret, from the API when the cache does not know it. */
  async function accountOf(secret: Secret): Promise<ServiceAccount | undefined> {
    const { namespace, annotations = {} } = secret.metadata ?? {};
    const name = annotations[nameAnnotation] ?? '';
    const uid = annotations[uidAnnotation] ?? '';
    const isIt = (account: ServiceAccount) => uid === '' || account.metadata?.uid === uid;
    const cached = accountLister.get(namespace, name);
    if (cached !== undefined && isIt(cached)) return cached;
    try {
      const account = await client.get(serviceAccounts, { namespace, name });
      return isIt(account) ? account : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async function mint(secret: Secret, account: ServiceAccount): Promise<string> {
    const { namespace, name, uid } = secret.metadata ?? {};
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        expirationSeconds: lifetimeSeconds,
        boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name, uid },
      },
    };
    const key = { namespace, name: account.metadata?.name ?? '' };
    const answer = (await client.post(serviceAccounts, key, 'token', body)) as KubernetesObject & {
      status?: { token?: string };
    };
    return answer.status?.token ?? '';
  }

  /** Adds what is missing, and an authority that is another. What somebody else wrote there stays, as upstream. */
  async function fill(secret: Secret, account: ServiceAccount): Promise<void> {
    const { namespace = '', annotations = {} } = secret.metadata ?? {};
    const added: Record<string, string> = {};
    const authority = base64(settings.rootCa ?? '');
    if (authority !== '' && textOf(secret, 'ca.crt') !== authority) added['ca.crt'] = authority;
    if (textOf(secret, 'namespace') === '') added['namespace'] = base64(namespace);
    if (textOf(secret, 'token') === '') added['token'] = base64(await mint(secret, account));
    if (Object.keys(added).length === 0) return;
    const uid = account.metadata?.uid ?? '';
    const metadata = { ...secret.metadata, annotations: { ...annotations, [uidAnnotation]: uid } };
    await client.update(secrets, { ...secret, metadata, data: { ...secret.data, ...added } });
  }

  async function sync(key: Key): Promise<void> {
    const { namespace, name } = splitKey(key);
    const secret = secretLister.get(namespace, name);
    if (secret === undefined || (secret.metadata?.annotations?.[nameAnnotation] ?? '') === '') return;
    const account = await accountOf(secret);
    if (account !== undefined) await fill(secret, account);
    else {
      const { uid } = secret.metadata ?? {};
      await client.delete(secrets, { namespace, name }, uid === undefined ? {} : { preconditions: { uid } });
    }
  }

  return {
    async reconcile(key) {
      const removed = gone.get(key);
      try {
        if (removed === undefined) await sync(key);
        else {
          gone.delete(key);
          await forget(removed);
        }
        failures.delete(key);
      } catch (error) {
        // Somebody else changed it, or it is gone: what comes of that is told.
        if (isNotFound(error) || isConflict(error)) failures.delete(key);
        else giveUpInTheEnd(key, error);
      }
      return undefined;
    },
  };

  function giveUpInTheEnd(key: Key, error: unknown): void {
    const count = (failures.get(key) ?? 0) + 1;
    // A reference to a Secret that is gone harms nobody: it is tried to be taken off once.
    if (count > retriesMax || key.startsWith(gonePrefix)) {
      failures.delete(key);
      log.warn('token Secret left as it is', { key, error: messageOf(error) });
      return;
    }
    failures.set(key, count);
    throw error;
  }
}
