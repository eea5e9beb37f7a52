/** replicationcontroller-controller: keeps the pods of ReplicationControllers, as the replicaset-controller does of its own. */
import { pods, replicationControllers } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  createReplicaReconciler,
  mapMatcherOf,
  replicaPodMembers,
} from '../../src/controller/index.ts';

export const replicationControllerController: ControllerDefinition = {
  name: 'replicationcontroller-controller',
  queue: 'replicationmanager',
  component: 'replication-controller',
  serviceAccount: 'replication-controller',
  reconciles: replicationControllers,
  interests: [{ resource: pods, interest: 'controlled-by:ReplicationController', members: replicaPodMembers }],
  create: (dependencies) =>
    createReplicaReconciler(
      {
        resource: replicationControllers,
        matcherOf: (controller) => mapMatcherOf(controller.spec?.selector),
        templateOf: (controller) => controller.spec?.template ?? {},
        countsTerminating: false,
      },
      dependencies,
    ),
};
