/**
 * serviceaccount-token-controller: fills Secrets of type kubernetes.io/service-account-token with a token of their account, and
 * deletes them when the account is gone. Keyed by Secret.
 *
 * @see kubernetes/pkg/controller/serviceaccount/tokens_controller.go
 */
import { isConflict, isNotFound, type Secret, type ServiceAccount } from '../../src/api/index.ts';
import { type KubernetesObject, secrets, serviceAccounts } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  keyFor,
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

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, enqueue, settings } = dependencies;
  const secretLister = dependencies.lister(secrets);
  const accountLister = dependencies.lister(serviceAccounts);
  dependencies.index(secrets, accountIndex, (secret) => {
    const name = secret.metadata?.annotations?.[nameAnnotation];
    return secret.type === tokenType && name !== undefined ? [`${secret.metadata?.namespace}/${name}`] : [];
  });
  dependencies.observe(secrets, ({ type, object }) => {
    if (object.type !== tokenType) return;
    if (type === 'deleted') void forget(object).catch((error: unknown) => dependencies.context.fail(error));
    else enqueue(keyFor(object));
  });
  dependencies.observe(serviceAccounts, ({ object }) => {
    for (const secret of secretLister.byIndex(accountIndex, keyFor(object))) enqueue(keyFor(secret));
  });

  /** A Secret that is gone is taken off the list of its account. */
  async function forget(secret: Secret): Promise<void> {
    const { namespace, name, annotations } = secret.metadata ?? {};
    const account = accountLister.get(namespace, annotations?.[nameAnnotation] ?? '');
    if (account?.secrets?.some((reference) => reference.name === name) !== true) return;
    const left = account.secrets.filter((reference) => reference.name !== name);
    try {
      await client.update(serviceAccounts, { ...account, secrets: left });
    } catch (error) {
      // Somebody else changed the account; a reference to nothing harms nobody.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
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

  async function fill(secret: Secret, account: ServiceAccount): Promise<void> {
    const { namespace = '', annotations = {} } = secret.metadata ?? {};
    const uid = account.metadata?.uid ?? '';
    const data = { ...secret.data };
    if (settings.rootCa !== undefined) data['ca.crt'] = base64(settings.rootCa);
    data['namespace'] = base64(namespace);
    const complete =
      (secret.data?.['token'] ?? '') !== '' &&
      annotations[uidAnnotation] === uid &&
      data['ca.crt'] === secret.data?.['ca.crt'] &&
      data['namespace'] === secret.data?.['namespace'];
    if (complete) return;
    if ((data['token'] ?? '') === '') data['token'] = base64(await mint(secret, account));
    const metadata = { ...secret.metadata, annotations: { ...annotations, [uidAnnotation]: uid } };
    await client.update(secrets, { ...secret, metadata, data });
  }

  return {
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const secret = secretLister.get(namespace, name);
      if (secret === undefined || (secret.metadata?.annotations?.[nameAnnotation] ?? '') === '') return undefined;
      try {
        const account = await accountOf(secret);
        if (account !== undefined) await fill(secret, account);
        else {
          const { uid = '', resourceVersion = '' } = secret.metadata ?? {};
          await client.delete(secrets, { namespace, name }, { preconditions: { uid, resourceVersion } });
        }
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return undefined;
    },
  };
}
