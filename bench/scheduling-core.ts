/**
 * The scheduler's core without the API: how long deciding takes, workload by workload. Bundled and run by hand:
 * `npx esbuild bench/scheduling-core.ts --bundle --platform=node --format=esm --packages=external --outfile=dist/scheduling-core.js`
 * and `node dist/scheduling-core.js [nodes] [pods] [case]`.
 */
import { RealClock } from '../src/runtime/index.ts';
import { makeNode, makePod, makeScheduler, type PodShape } from '../test/support/scheduling.ts';

const [nodeCount = 5000, podCount = 10_000] = process.argv.slice(2, 4).map(Number);
const only = process.argv[4];
const requests = { cpu: '100m', memory: '500Mi' };
const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';

const cases: Record<string, { pods?: number; shape: (i: number) => PodShape }> = {
  SchedulingBasic: { shape: () => ({ requests }) },
  NodeAffinity: {
    shape: () => ({
      requests,
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: 'In', values: ['zone-0', 'zone-1'] }] }],
          },
        },
      },
    }),
  },
  PodAntiAffinity: {
    pods: Math.min(podCount, nodeCount - 1),
    shape: () => ({
      requests,
      labels: { color: 'green' },
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { labelSelector: { matchLabels: { color: 'green' } }, topologyKey: hostname },
          ],
        },
      },
    }),
  },
  PodAffinity: {
    shape: () => ({
      requests,
      labels: { color: 'blue' },
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { labelSelector: { matchLabels: { color: 'blue' } }, topologyKey: zone },
          ],
        },
      },
    }),
  },
  PreferredPodAffinity: {
    shape: () => ({
      requests,
      labels: { color: 'red' },
      affinity: {
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, podAffinityTerm: { labelSelector: { matchLabels: { color: 'red' } }, topologyKey: hostname } },
          ],
        },
      },
    }),
  },
  TopologySpreading: {
    shape: () => ({
      requests,
      labels: { color: 'blue' },
      topologySpreadConstraints: [
        {
          maxSkew: 5,
          topologyKey: zone,
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { color: 'blue' } },
        },
      ],
    }),
  },
  SpreadingOverHosts: {
    shape: () => ({
      requests,
      labels: { color: 'blue' },
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: hostname,
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { color: 'blue' } },
        },
      ],
    }),
  },
  PreferredTopologySpreading: {
    shape: () => ({
      requests,
      labels: { color: 'blue' },
      topologySpreadConstraints: [
        {
          maxSkew: 5,
          topologyKey: zone,
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: { color: 'blue' } },
        },
      ],
    }),
  },
  Unschedulable: { shape: (i) => ({ requests: i % 10 === 0 ? { cpu: '9', memory: '500Mi' } : requests }) },
};

const clock = new RealClock();
for (const [name, { pods = podCount, shape }] of Object.entries(cases)) {
  if (only && !name.includes(only)) continue;
  const { scheduler, addNodes, addPods, attempts } = makeScheduler({ clock });
  for (let i = 0; i < nodeCount; i++)
    addNodes(makeNode(`node-${i}`, { [zone]: `zone-${i % 3}` }, {}, { memory: '32Gi' }));
  for (let i = 0; i < pods; i++) addPods(makePod(`pod-${i}`, shape(i)));
  const before = process.cpuUsage();
  const startedAt = clock.monotonic();
  let bound = 0;
  while (scheduler.attemptNext()) {
    bound += attempts.at(-1)?.nodeName === undefined ? 0 : 1;
    attempts.length = 0;
  }
  const seconds = (clock.monotonic() - startedAt) / 1000;
  const cpu = process.cpuUsage(before);
  const cpuMicros = (cpu.user + cpu.system) / pods;
  console.log(
    `${name.padEnd(28)} ${Math.round(pods / seconds)} pods/s, ${cpuMicros.toFixed(1)} us of CPU a pod, ${bound} of ${pods} placed`,
  );
  scheduler.stop();
}
