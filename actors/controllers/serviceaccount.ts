/**
 * serviceaccount-controller: every namespace that is not being deleted has a ServiceAccount `default`.
 *
 * @see kubernetes/pkg/controller/serviceaccount/serviceaccounts_controller.go
 */
import { isAlreadyExists } from '../../src/api/index.ts';
import { namespaces, serviceAccounts } from '../../src/client/index.ts';
import { type ControllerDefinition, isNamespaceTerminating } from '../../src/controller/index.ts';

const accountName = 'default';

export const serviceAccountController: ControllerDefinition = {
  name: 'serviceaccount-controller',
  queue: 'serviceaccount',
  serviceAccount: 'service-account-controller',
  reconciles: namespaces,
  create(dependencies) {
    const namespaceLister = dependencies.lister(namespaces);
    const accountLister = dependencies.lister(serviceAccounts);
    dependencies.observe(serviceAccounts, ({ type, object }) => {
      const { name, namespace } = object.metadata ?? {};
      if (type === 'deleted' && name === accountName && namespace !== undefined) dependencies.enqueue(namespace);
    });
    return {
      async reconcile(key) {
        const namespace = namespaceLister.get(undefined, key);
        if (namespace === undefined || namespace.status?.phase === 'Terminating') return undefined;
        if (accountLister.get(key, accountName) !== undefined) return undefined;
        try {
          await dependencies.client.create(serviceAccounts, {
            apiVersion: 'v1',
            kind: 'ServiceAccount',
            metadata: { name: accountName, namespace: key },
          });
        } catch (error) {
          if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
