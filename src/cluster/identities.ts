/** Who each component is to the API server: upstream's user names, groups and user agents. */
import type { ApiIdentity } from '../client/index.ts';

const authenticated = 'system:authenticated';

/** The person or program that embeds a cluster: its administrator. */
export const administrator: ApiIdentity = {
  user: 'admin',
  groups: ['system:masters', authenticated],
  userAgent: 'kubehive',
};

export const schedulerIdentity: ApiIdentity = {
  user: 'system:kube-scheduler',
  groups: [authenticated],
  userAgent: 'kube-scheduler',
};

/** The API server's calls to itself (bootstrap objects). */
export const apiserverIdentity: ApiIdentity = {
  user: 'system:apiserver',
  groups: ['system:masters', authenticated],
  userAgent: 'kube-apiserver',
};

export const kubeProxyIdentity: ApiIdentity = {
  user: 'system:kube-proxy',
  groups: ['system:node-proxier', authenticated],
  userAgent: 'kube-proxy',
};

/** Who competes for the Lease of the controllers. */
export const controllerManagerIdentity: ApiIdentity = {
  user: 'system:kube-controller-manager',
  groups: [authenticated],
  userAgent: 'kube-controller-manager',
};

/** Each controller acts as a service account of its own, as with kube-controller-manager's `--use-service-account-credentials`;
 * a name such as `system:kube-controller-manager` is a user's. */
export const controllerIdentity = (controller: string): ApiIdentity =>
  controller.startsWith('system:')
    ? { user: controller, groups: [authenticated], userAgent: 'kube-controller-manager' }
    : {
        user: `system:serviceaccount:kube-system:${controller}`,
        groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', authenticated],
        userAgent: 'kube-controller-manager',
      };

export const kubeletIdentity = (node: string): ApiIdentity => ({
  user: `system:node:${node}`,
  groups: ['system:nodes', authenticated],
  userAgent: 'kubelet',
});
