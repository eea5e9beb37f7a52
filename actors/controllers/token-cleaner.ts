/**
 * token-cleaner-controller: deletes bootstrap tokens when they expire. Runs only when asked for.
 *
 * @see kubernetes/pkg/controller/bootstrap/tokencleaner.go
 */
import { isConflict, isNotFound, parseTime, type Secret } from '../../src/api/index.ts';
import { secrets } from '../../src/client/index.ts';
import { type ControllerDefinition, keyFor, splitKey } from '../../src/controller/index.ts';

const secretType = 'bootstrap.kubernetes.io/token';

export const tokenCleanerController: ControllerDefinition = {
  name: 'token-cleaner-controller',
  queue: 'token_cleaner',
  serviceAccount: 'token-cleaner',
  byDefault: false,
  create({ client, context, enqueue, lister, observe }) {
    const tokens = lister(secrets, { namespace: 'kube-system' });
    const lookAt = (object: Secret, type: string) => {
      if (type !== 'deleted' && object.type === secretType) enqueue(keyFor(object));
    };
    observe(secrets, ({ type, object }) => lookAt(object, type), { namespace: 'kube-system' });
    return {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const token = tokens.get(namespace, name);
        const expiration = Buffer.from(token?.data?.['expiration'] ?? '', 'base64').toString('utf8');
        if (token === undefined || expiration === '') return undefined;
        // A time that cannot be read is over, as upstream has it.
        const leftMs = (parseTime(expiration) || 0) - context.clock.now();
        if (leftMs > 0) return { requeueAfterMs: leftMs, background: true };
        const uid = token.metadata?.uid;
        try {
          await client.delete(secrets, { namespace, name }, uid === undefined ? {} : { preconditions: { uid } });
        } catch (error) {
          if (!isNotFound(error) && !isConflict(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
