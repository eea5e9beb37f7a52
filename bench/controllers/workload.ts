/** What a workload of the controllers' bench is, and what the workloads share. */
import type { Cluster, ClusterOptions } from '../../src/cluster/index.ts';
import type { Observer } from './observer.ts';

export interface Stage {
  readonly name: string;
  /** Time within which it should be done, on two quiet cores. */
  readonly targetMs: number;
  /** Objects that it moves: CPU time is reported for each. */
  readonly objects: number;
  /** A number that it answers with is the time that counts, in milliseconds, where the time that it took is not what is measured. */
  run(cluster: Cluster, observer: Observer): Promise<unknown>;
}

export interface ControllerWorkload {
  readonly name: string;
  readonly options: ClusterOptions;
  /** Not measured. */
  prepare?(cluster: Cluster, observer: Observer): Promise<void>;
  readonly stages: readonly Stage[];
}

export const containers = [{ name: 'c', image: 'pause:1', resources: { requests: { cpu: '10m', memory: '16Mi' } } }];

export const deployment = (name: string, replicas: number, namespace = 'default') => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { terminationGracePeriodSeconds: 0, containers } },
  },
});

export const inParallel = async (
  count: number,
  act: (index: number) => Promise<unknown>,
  width = 64,
): Promise<void> => {
  let next = 0;
  const worker = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker));
};

export const quiet: Pick<ClusterOptions, 'threads' | 'https' | 'logLevel'> = {
  threads: 'auto',
  https: false,
  logLevel: 'error',
};
