/** Each kind of workload under a real kubectl, by one table: made, rolled out, scaled, deleted with each cascade, with upstream's events. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Kubectl, kubectl, newestKubectl } from '../support/kubectl.ts';
import { eventually, type Up, up } from '../support/up.ts';

const binary = newestKubectl();
const namespace = 'kinds';
const timeout = { timeout: 400_000 };
const cascades = ['background', 'foreground', 'orphan'] as const;

interface Row {
  readonly kind: string;
  readonly apiVersion: string;
  /** The spec of the object `app`; what it makes has the label `app`. */
  spec(app: string, image: string): object;
  /** Kinds of what it makes, nearest first. */
  readonly makes: readonly string[];
  /** What there is besides it and stays when it goes. */
  readonly beside?: string;
  /** What `kubectl wait` waits for after it was made. */
  readonly done: string;
  /** What `kubectl wait` waits for after it was scaled from 2 to 3. */
  readonly scaled?: string;
  /** Has a rollout; `pauses` where it can be paused. */
  readonly rollout?: { readonly pauses: boolean };
  /** Lines of `kubectl events` about it at last, from the type on, by runs of one blank. */
  readonly events: readonly RegExp[];
}

const podSpec = (image: string, more: object = {}) => ({
  terminationGracePeriodSeconds: 0,
  containers: [{ name: 'c', image }],
  ...more,
});
const labels = (app: string) => ({ metadata: { labels: { app } } });
const template = (app: string, image: string) => ({ ...labels(app), spec: podSpec(image) });
const chosen = (app: string) => ({ selector: { matchLabels: { app } } });
const once = (app: string) => ({
  completions: 2,
  parallelism: 2,
  template: { ...labels(app), spec: podSpec('busybox:1', { restartPolicy: 'Never' }) },
});
const name = '[a-z0-9-]+';

const rows: readonly Row[] = [
  {
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    spec: (app, image) => ({ replicas: 2, ...chosen(app), template: template(app, image) }),
    makes: ['replicasets', 'pods'],
    done: 'jsonpath={.status.availableReplicas}=2',
    scaled: 'jsonpath={.status.availableReplicas}=3',
    rollout: { pauses: true },
    events: [
      new RegExp(`^Normal ScalingReplicaSet Deployment/(${name}) Scaled up replica set \\1-${name} from 0 to 2$`),
      new RegExp(`^Normal ScalingReplicaSet Deployment/(${name}) Scaled up replica set \\1-${name} from 2 to 3$`),
      new RegExp(`^Normal ScalingReplicaSet Deployment/(${name}) Scaled up replica set \\1-${name} from 0 to 1$`),
      new RegExp(`^Normal ScalingReplicaSet Deployment/(${name}) Scaled down replica set \\1-${name} from 1 to 0$`),
    ],
  },
  {
    kind: 'ReplicaSet',
    apiVersion: 'apps/v1',
    spec: (app, image) => ({ replicas: 2, ...chosen(app), template: template(app, image) }),
    makes: ['pods'],
    done: 'jsonpath={.status.readyReplicas}=2',
    scaled: 'jsonpath={.status.readyReplicas}=3',
    events: [new RegExp(`^Normal SuccessfulCreate ReplicaSet/(${name}) Created pod: \\1-[a-z0-9]{5}$`)],
  },
  {
    kind: 'ReplicationController',
    apiVersion: 'v1',
    spec: (app, image) => ({ replicas: 2, selector: { app }, template: template(app, image) }),
    makes: ['pods'],
    done: 'jsonpath={.status.readyReplicas}=2',
    scaled: 'jsonpath={.status.readyReplicas}=3',
    events: [new RegExp(`^Normal SuccessfulCreate ReplicationController/(${name}) Created pod: \\1-[a-z0-9]{5}$`)],
  },
  {
    kind: 'StatefulSet',
    apiVersion: 'apps/v1',
    spec: (app, image) => ({ replicas: 2, serviceName: app, ...chosen(app), template: template(app, image) }),
    makes: ['pods'],
    done: 'jsonpath={.status.readyReplicas}=2',
    scaled: 'jsonpath={.status.readyReplicas}=3',
    rollout: { pauses: false },
    events: [
      new RegExp(`^Normal SuccessfulCreate StatefulSet/(${name}) Create Pod \\1-2 in StatefulSet \\1 successful$`),
      new RegExp(`^Normal SuccessfulDelete StatefulSet/(${name}) Delete Pod \\1-0 in StatefulSet \\1 successful$`),
    ],
  },
  {
    kind: 'DaemonSet',
    apiVersion: 'apps/v1',
    spec: (app, image) => ({ ...chosen(app), template: template(app, image) }),
    makes: ['pods'],
    done: 'jsonpath={.status.numberReady}=2',
    rollout: { pauses: false },
    events: [
      new RegExp(`^Normal SuccessfulCreate DaemonSet/(${name}) Created pod: \\1-[a-z0-9]{5}$`),
      new RegExp(`^Normal SuccessfulDelete DaemonSet/(${name}) Deleted pod: \\1-[a-z0-9]{5}$`),
    ],
  },
  {
    kind: 'Job',
    apiVersion: 'batch/v1',
    spec: once,
    makes: ['pods'],
    done: 'condition=Complete',
    events: [
      new RegExp(`^Normal SuccessfulCreate Job/(${name}) Created pod: \\1-[a-z0-9]{5}$`),
      /^Normal Completed Job\/\S+ Job completed$/,
    ],
  },
  {
    kind: 'CronJob',
    apiVersion: 'batch/v1',
    spec: (app) => ({ schedule: '* * * * *', jobTemplate: { ...labels(app), spec: once(app) } }),
    makes: ['jobs', 'pods'],
    done: 'jsonpath={.status.lastSuccessfulTime}',
    events: [
      new RegExp(`^Normal SuccessfulCreate CronJob/(${name}) Created job \\1-\\d{8}$`),
      new RegExp(`^Normal SawCompletedJob CronJob/(${name}) Saw completed job: \\1-\\d{8}, condition: Complete$`),
    ],
  },
  {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v2',
    spec: (app) => ({
      minReplicas: 1,
      maxReplicas: 2,
      scaleTargetRef: { apiVersion: 'v1', kind: 'ReplicationController', name: `${app}-target` },
    }),
    makes: [],
    beside: 'ReplicationController',
    done: 'condition=AbleToScale',
    events: [
      /^Normal SuccessfulRescale HorizontalPodAutoscaler\/\S+ New size: 2; reason: Current number of replicas above Spec\.MaxReplicas$/,
    ],
  },
  {
    kind: 'PodDisruptionBudget',
    apiVersion: 'policy/v1',
    spec: (app) => ({ minAvailable: 1, ...chosen(app) }),
    makes: [],
    done: 'condition=DisruptionAllowed=false',
    events: [/^Normal NoPods PodDisruptionBudget\/\S+ No matching pods found$/],
  },
];

let cluster: Up;
let k: Kubectl;
const inNamespace = (...args: string[]) => k.ok(['-n', namespace, ...args]);
const apply = (...items: object[]) =>
  k.ok(['-n', namespace, 'apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
const names = async (kinds: string, app: string) =>
  (await inNamespace('get', kinds, '-o', 'name', '-l', `app=${app}`)).split('\n').filter(Boolean).sort();
const made = ({ makes }: Row, app: string) => (makes.length === 0 ? [] : names(makes.join(','), app));
/** The events of an object as kubectl prints them, from the type on. */
const eventsOf = async ({ kind }: Row, app: string) =>
  (await inNamespace('events', '--for', `${kind}/${app}`, '--no-headers'))
    .split('\n')
    .map((line) => line.replace(/ +/g, ' ').replace(/^.*?(?=\b(Normal|Warning) )/, ''));

/** One object for each cascade. */
const appOf = ({ kind }: Row, cascade: string) => `${kind.toLowerCase()}-${cascade}`;
const object = ({ kind, apiVersion, spec }: Row, app: string, image: string) => ({
  apiVersion,
  kind,
  metadata: { name: app },
  spec: spec(app, image),
});
const target = (app: string) => ({
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { name: `${app}-target` },
  spec: {
    replicas: 3,
    selector: { target: app },
    template: { metadata: { labels: { target: app } }, spec: podSpec('x:1') },
  },
});
const image = (row: Row, app: string) =>
  inNamespace('get', row.kind, app, '-o', 'jsonpath={.spec.template.spec.containers[0].image}');

/** Rolled out anew, looked at, restarted, paused where that is possible, and taken back to what it was. */
async function rollOut(row: Row, app: string): Promise<void> {
  const reference = `${row.kind}/${app}`;
  const status = () => inNamespace('rollout', 'status', reference, '--timeout=120s');
  await apply(object(row, app, 'x:2'));
  expect(await status()).toMatch(/successfully rolled out|rolling update complete|roll out complete/);
  expect(await inNamespace('rollout', 'history', reference)).toMatch(/1\s+<none>\n2\s+<none>/);
  await inNamespace('rollout', 'restart', reference);
  await status();
  if (row.rollout?.pauses === true) {
    await inNamespace('rollout', 'pause', reference);
    await apply(object(row, app, 'x:3'));
    const paused = 'jsonpath={.status.conditions[?(@.type=="Progressing")].reason}=DeploymentPaused';
    await inNamespace('wait', `--for=${paused}`, reference, '--timeout=120s');
    expect(await inNamespace('get', 'replicasets', '-l', `app=${app}`, '-o', 'jsonpath={..image}')).not.toMatch(/x:3/);
    await inNamespace('rollout', 'resume', reference);
    await status();
  }
  await inNamespace('rollout', 'undo', reference, '--to-revision=1');
  await status();
  expect(await image(row, app)).toBe('x:1');
}

// Skipped, by name in the report, where no kubectl is installed: these tests are about real ones.
describe.skipIf(binary === undefined)('a workload under kubectl', () => {
  beforeAll(async () => {
    cluster = await up(['--nodes', '2']);
    k = kubectl(binary ?? '', cluster.kubeconfig);
    await k.ok(['create', 'namespace', namespace]);
    await eventually(async () => (await k.run(['-n', namespace, 'get', 'sa', 'default'])).code === 0, 60_000);
  }, 120_000);
  afterAll(async () => {
    expect(await cluster.stop('SIGINT'), cluster.output()).toBe(0);
  });

  describe.each(rows)('$kind', (row) => {
    const [first] = cascades;

    it('is made, rolled out and scaled, and its events are upstream’s', timeout, async () => {
      const apps = cascades.map((cascade) => appOf(row, cascade));
      if (row.beside !== undefined) await apply(...apps.map(target));
      await apply(...apps.map((app) => object(row, app, 'x:1')));
      const references = apps.map((app) => `${row.kind}/${app}`);
      await inNamespace('wait', `--for=${row.done}`, ...references, '--timeout=180s');
      const app = appOf(row, first);
      if (row.scaled !== undefined) {
        await inNamespace('scale', row.kind, app, '--replicas=3');
        await inNamespace('wait', `--for=${row.scaled}`, `${row.kind}/${app}`, '--timeout=120s');
        await inNamespace('scale', row.kind, app, '--replicas=2');
        await eventually(async () => (await names('pods', app)).length === 2, 120_000);
      }
      if (row.rollout !== undefined) await rollOut(row, app);
      await eventually(async () => {
        const lines = await eventsOf(row, app);
        for (const event of row.events) expect(lines).toContainEqual(expect.stringMatching(event));
        return true;
      }, 60_000);
    });

    it.each(cascades)('goes with --cascade=%s, and what it made as that says', timeout, async (cascade) => {
      const app = appOf(row, cascade);
      const before = await made(row, app);
      expect(before.length > 0).toBe(row.makes.length > 0);
      await inNamespace('delete', row.kind, app, `--cascade=${cascade}`, '--timeout=120s');
      expect((await k.run(['-n', namespace, 'get', row.kind, app])).stderr).toContain('(NotFound)');
      if (row.beside !== undefined) await inNamespace('get', row.beside, `${app}-target`);
      if (cascade === 'orphan') {
        expect(await made(row, app)).toEqual(before);
        const [nearest] = row.makes;
        if (nearest === undefined) return;
        const owners = ['-o', 'jsonpath={.items[*].metadata.ownerReferences}'];
        expect(await inNamespace('get', nearest, '-l', `app=${app}`, ...owners)).toBe('');
        await inNamespace('delete', row.makes.join(','), '-l', `app=${app}`, '--timeout=120s');
      } else if (cascade === 'foreground') expect(await made(row, app)).toEqual([]);
      else await eventually(async () => (await made(row, app)).length === 0, 120_000);
    });
  });
});
