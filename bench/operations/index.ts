/** The opcodes that the bench understands. */
import { churn } from './churn.ts';
import { createAny, createPodGroups, createResourceClaims, updateAny, waitForPodGroups } from './create-any.ts';
import { createNamespaces, createNodes } from './create-nodes.ts';
import { createPods } from './create-pods.ts';
import { deletePods } from './delete-pods.ts';
import { startCollectingMetrics, stopCollectingMetrics } from './metrics.ts';
import { allocResourceClaims, createResourceDriver } from './resource-driver.ts';
import type { Operation } from './types.ts';
import { barrier, sleep } from './wait.ts';

export const operations: readonly Operation[] = [
  createNodes,
  createNamespaces,
  createPods,
  createAny,
  updateAny,
  createResourceClaims,
  createPodGroups,
  waitForPodGroups,
  createResourceDriver,
  allocResourceClaims,
  deletePods,
  churn,
  barrier,
  sleep,
  startCollectingMetrics,
  stopCollectingMetrics,
];
export type { CreatedNode, Measured, Run } from './types.ts';
