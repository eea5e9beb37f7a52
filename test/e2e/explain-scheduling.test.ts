/** `kubehive explain-scheduling` and its HTTP form, over a running cluster: off at first, then every attempt is told. */
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, run, type Up, up } from '../support/up.ts';

let cluster: Up;
let api: CoreV1Api;

beforeAll(async () => {
  cluster = await up(['--nodes', '2', '--components', 'all']);
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  api = config.makeApiClient(CoreV1Api);
}, 120_000);
afterAll(() => cluster.stop());

const explain = (...args: string[]) => run(['explain-scheduling', ...args, '--kubeconfig', cluster.kubeconfig]);

const createPod = (name: string, cpu: string) =>
  eventually(
    // The namespace's service account is made a moment after the start.
    () =>
      api.createNamespacedPod({
        namespace: 'default',
        body: {
          metadata: { name },
          spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }] },
        },
      }),
    60_000,
  );

interface Answer {
  readonly recording: boolean;
  readonly attempts: readonly { readonly nodeName?: string; readonly message?: string; readonly nodesTotal: number }[];
}

/** The recorded attempts once there is one. */
const attemptsOf = (name: string) =>
  eventually(async () => {
    const answer = JSON.parse((await explain(name, '--json')).stdout) as Answer;
    if (answer.attempts.length === 0) throw new Error(`no attempt of ${name} yet`);
    return answer.attempts;
  }, 60_000);

it('records nothing at first, and says how to turn it on', async () => {
  await createPod('before', '1m');
  const { code, stderr } = await explain('pod/before');
  expect(code).toBe(1);
  expect(stderr).toContain('nothing is recorded; turn it on with: kubehive explain-scheduling --record on');
});

it('tells where a pod went and what each plugin said, and why another went nowhere', async () => {
  expect((await explain('--record', 'on')).stdout).toBe('recording is on\n');
  await createPod('placed', '1m');
  const [attempt] = await attemptsOf('placed');
  expect(attempt?.nodeName).toMatch(/^node-/);
  expect(attempt?.nodesTotal).toBe(2);
  const { stdout } = await explain('pod/placed');
  expect(stdout).toMatch(/default-scheduler: placed on node-/);
  expect(stdout).toMatch(/NodeResourcesFit \d+/);

  await createPod('huge', '9999');
  const [refused] = await attemptsOf('huge');
  expect(refused?.message).toContain('2 Insufficient cpu');
  expect((await explain('huge')).stdout).toContain('2 refused by NodeResourcesFit: Insufficient cpu');
});

it('refuses what makes no sense', async () => {
  expect((await explain('--record', 'maybe')).stderr).toContain('--record takes on or off, not "maybe"');
  expect((await explain('placed', '--scheduler', 'nobody')).stderr).toContain('no scheduler answers under "nobody"');
});
