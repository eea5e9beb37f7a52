/** NamespaceExists: no request about a namespace that is not there. @see plugin/pkg/admission/namespace/exists/admission.go */
import { StatusError } from '../../../src/api/index.ts';
import type { AdmissionPlugin } from './plugin.ts';

export const namespaceExists: AdmissionPlugin = {
  name: 'NamespaceExists',
  isOffByDefault: true,
  handles: (kind, operation) => kind.namespaced && operation !== 'CONNECT',
  validate({ namespace = '' }, server) {
    const cache = server.caches.cacheOf('/registry/namespaces', false);
    if (cache.get(cache.keyOf(undefined, namespace)) === undefined) {
      throw StatusError.notFound({ group: '', name: 'namespaces' }, namespace);
    }
  },
};
