/** replicaset-controller: keeps the pods of ReplicaSets. What it does stands in the framework's replica reconciler. */
import { pods, replicaSets } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  createReplicaReconciler,
  manyWorkers,
  matcherOf,
  replicaPodMembers,
} from '../../src/controller/index.ts';

export const replicaSetController: ControllerDefinition = {
  name: 'replicaset-controller',
  queue: 'replicaset',
  reconciles: replicaSets,
  workers: manyWorkers,
  interests: [{ resource: pods, interest: 'controlled-by:ReplicaSet', members: replicaPodMembers }],
  create: (dependencies) =>
    createReplicaReconciler(
      {
        resource: replicaSets,
        matcherOf: (replicaSet) => matcherOf(replicaSet.spec?.selector),
        templateOf: (replicaSet) => replicaSet.spec?.template ?? {},
        countsTerminating: true,
      },
      dependencies,
    ),
};
