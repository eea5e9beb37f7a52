/** The kinds of `apps/v1`. */
import { rowsOf, SCALE, STATUS } from './row.ts';
import type { KindDefinition } from './types.ts';

const apps = rowsOf('apps', 'v1', 'io.k8s.api.apps.v1');

/** All resources of apps/v1, in alphabetical order. */
export const appsKinds: readonly KindDefinition[] = [
  apps('ControllerRevision', { plural: 'controllerrevisions' }),
  apps('DaemonSet', { plural: 'daemonsets', shortNames: ['ds'], categories: ['all'], subresources: [STATUS] }),
  apps('Deployment', {
    plural: 'deployments',
    shortNames: ['deploy'],
    categories: ['all'],
    subresources: [SCALE, STATUS],
  }),
  apps('ReplicaSet', { plural: 'replicasets', shortNames: ['rs'], categories: ['all'], subresources: [SCALE, STATUS] }),
  apps('StatefulSet', {
    plural: 'statefulsets',
    shortNames: ['sts'],
    categories: ['all'],
    subresources: [SCALE, STATUS],
  }),
];
