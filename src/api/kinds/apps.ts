/** The kinds of `apps/v1`. */
import {
  controllerRevisionTable,
  daemonSetTable,
  deploymentTable,
  replicaSetTable,
  statefulSetTable,
} from '../tables/workloads.ts';
import { rowsOf, SCALE, STATUS } from './row.ts';
import {
  controllerRevisionStrategy,
  daemonSetStrategy,
  deploymentStrategy,
  replicaSetStrategy,
  statefulSetStrategy,
} from './strategies/workloads.ts';
import type { KindDefinition } from './types.ts';

const apps = rowsOf('apps', 'v1', 'io.k8s.api.apps.v1');

/** All resources of apps/v1, in alphabetical order. */
export const appsKinds: readonly KindDefinition[] = [
  apps('ControllerRevision', {
    plural: 'controllerrevisions',
    strategy: controllerRevisionStrategy,
    table: controllerRevisionTable,
  }),
  apps('DaemonSet', {
    plural: 'daemonsets',
    shortNames: ['ds'],
    categories: ['all'],
    subresources: [STATUS],
    strategy: daemonSetStrategy,
    table: daemonSetTable,
  }),
  apps('Deployment', {
    plural: 'deployments',
    shortNames: ['deploy'],
    strategy: deploymentStrategy,
    categories: ['all'],
    subresources: [SCALE, STATUS],
    table: deploymentTable,
  }),
  apps('ReplicaSet', {
    plural: 'replicasets',
    shortNames: ['rs'],
    categories: ['all'],
    subresources: [SCALE, STATUS],
    strategy: replicaSetStrategy,
    table: replicaSetTable,
  }),
  apps('StatefulSet', {
    plural: 'statefulsets',
    shortNames: ['sts'],
    strategy: statefulSetStrategy,
    categories: ['all'],
    subresources: [SCALE, STATUS],
    table: statefulSetTable,
  }),
];
