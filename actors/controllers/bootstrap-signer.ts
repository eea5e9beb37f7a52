/**
 * bootstrap-signer-controller: signs the kubeconfig of kube-public/cluster-info with each bootstrap token that may sign, so that
 * whoever knows a token can trust it. Runs only when asked for.
 *
 * @see kubernetes/pkg/controller/bootstrap/bootstrapsigner.go
 */
import { createHmac } from 'node:crypto';
import { isConflict, isNotFound, parseTime, type Secret } from '../../src/api/index.ts';
import { configMaps, secrets } from '../../src/client/index.ts';
import { type ControllerDefinition, semanticallyEqual } from '../../src/controller/index.ts';

const secretType = 'bootstrap.kubernetes.io/token';
const signaturePrefix = 'jws-kubeconfig-';
const idPattern = /^[a-z0-9]{6}$/;
const key = { namespace: 'kube-public', name: 'cluster-info' };

const base64url = (text: string) => Buffer.from(text).toString('base64url');

/** A detached JWS (RFC 7515, appendix F): the content between the dots is left out. */
function detachedSignature(content: string, tokenId: string, tokenSecret: string): string {
  const header = base64url(JSON.stringify({ alg: 'HS256', kid: tokenId }));
  const signature = createHmac('sha256', tokenSecret)
    .update(`${header}.${base64url(content)}`)
    .digest('base64url');
  return `${header}..${signature}`;
}

/** Id and secret of a token that may sign now; undefined for any other Secret. */
function signingToken(
  { metadata, type, data }: Secret,
  nowMs: number,
): readonly [id: string, secret: string] | undefined {
  const text = (name: string) => Buffer.from(data?.[name] ?? '', 'base64').toString('utf8');
  if (type !== secretType || metadata?.namespace !== 'kube-system') return undefined;
  const id = text('token-id');
  const expiration = text('expiration');
  if (!idPattern.test(id) || text('token-secret') === '' || metadata.name !== `bootstrap-token-${id}`) return undefined;
  if (text('usage-bootstrap-signing') !== 'true') return undefined;
  if (expiration !== '' && !(parseTime(expiration) > nowMs)) return undefined;
  return [id, text('token-secret')];
}

export const bootstrapSignerController: ControllerDefinition = {
  name: 'bootstrap-signer-controller',
  queue: 'bootstrap_signer_queue',
  serviceAccount: 'bootstrap-signer',
  byDefault: false,
  workers: 1,
  create({ client, context, enqueue, lister, observe }) {
    const maps = lister(configMaps, { namespace: key.namespace });
    const tokens = lister(secrets, { namespace: 'kube-system' });
    const lookAt = (name: string | undefined, type: string) => {
      if (type !== 'deleted' && name === key.name) enqueue(key.name);
    };
    observe(configMaps, ({ type, object }) => lookAt(object.metadata?.name, type), { namespace: key.namespace });
    const ofTokens = { namespace: 'kube-system' };
    observe(secrets, ({ object }) => (object.type === secretType ? enqueue(key.name) : undefined), ofTokens);
    return {
      async reconcile() {
        const map = maps.get(key.namespace, key.name);
        const kubeconfig = map?.data?.['kubeconfig'];
        if (map === undefined || kubeconfig === undefined) return undefined;
        const data = Object.fromEntries(
          Object.entries(map.data ?? {}).filter(([name]) => !name.startsWith(signaturePrefix)),
        );
        for (const secret of tokens.list('kube-system')) {
          const token = signingToken(secret, context.clock.now());
          if (token !== undefined) data[signaturePrefix + token[0]] = detachedSignature(kubeconfig, ...token);
        }
        if (semanticallyEqual(map.data, data)) return undefined;
        try {
          await client.update(configMaps, { ...map, data });
        } catch (error) {
          // What changed it brings the key again.
          if (!isNotFound(error) && !isConflict(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
