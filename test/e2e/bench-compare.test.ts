/** A/B and other schedulers as users run them: two configurations, two plugins, two commits, and a scheduler over HTTP. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseWorkloads } from '../../bench/choice.ts';
import { commitSide } from '../../bench/sides.ts';
import { cli, run } from '../support/up.ts';

const root = join(import.meta.dirname, '..', '..');
const directory = mkdtempSync(join(tmpdir(), 'kubehive-compare-'));
const file = join(directory, 'performance-config.yaml');

writeFileSync(
  join(directory, 'pod.yaml'),
  `apiVersion: v1
kind: Pod
metadata: { generateName: pod- }
spec: { containers: [{ name: c, image: pause, resources: { requests: { cpu: 100m } } }] }
`,
);
writeFileSync(
  file,
  `
- name: Small
  defaultPodTemplatePath: pod.yaml
  workloadTemplate:
    - { opcode: createNodes, count: 6 }
    - { opcode: createPods, countParam: $pods, collectMetrics: true }
  workloads: [{ name: pods, params: { pods: 60 } }]
`,
);

const packing = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
  - pluginConfig:
      - name: NodeResourcesFit
        args: { scoringStrategy: { type: MostAllocated, resources: [{ name: cpu, weight: 1 }] } }
    plugins: { multiPoint: { disabled: [{ name: NodeResourcesBalancedAllocation }, { name: PodTopologySpread }] } }
`;

interface Compared {
  a: string;
  b: string;
  rounds: number;
  calibration: number;
  verdicts: { metric: string; verdict: string; p: number; a: { median: number }; b: { median: number } }[];
}

const compared = (stdout: string): Compared => JSON.parse(stdout) as Compared;
const verdict = ({ verdicts }: Compared, metric: string) => verdicts.find((one) => one.metric === metric);

describe('A/B', () => {
  it('of two configurations shows that one packs where the other spreads', async () => {
    const out = join(directory, 'out');
    writeFileSync(
      join(directory, 'a.yaml'),
      'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n',
    );
    writeFileSync(join(directory, 'b.yaml'), packing);
    const sides = [join(directory, 'a.yaml'), join(directory, 'b.yaml')];
    const flags = ['--rounds', '4', '--threads', 'inline', '--json', '--out', out];
    const { code, stdout, stderr } = await run(['bench', file, '--compare', ...sides, ...flags]);
    expect(code, stderr).toBe(0);
    const result = compared(stdout);
    expect(result).toMatchObject({ a: sides[0], b: sides[1], rounds: 4 });
    expect(result.calibration).toBeGreaterThan(0);
    expect(verdict(result, 'nodes used')).toMatchObject({ verdict: 'lower', a: { median: 6 } });
    expect(verdict(result, 'CPU deviation')).toMatchObject({ verdict: 'higher' });
    expect(verdict(result, 'violations')).toMatchObject({ verdict: 'no difference', b: { median: 0 } });
    // Who ran first took turns.
    expect([...stderr.matchAll(/round \d of 4, ([AB])/g)].map((match) => match[1]).join('')).toBe('ABBAABBA');
    expect(readFileSync(join(out, 'comparison.html'), 'utf8')).toMatch(/Mann-Whitney[\s\S]*<svg/);
    expect(readFileSync(join(out, 'comparison.ndjson'), 'utf8')).toBe(stdout);
  });

  it('shows that a scheduler without the scores for spreading places worse', async () => {
    const apart = join(directory, 'apart');
    mkdirSync(apart);
    writeFileSync(
      join(apart, 'pod.yaml'),
      `apiVersion: v1
kind: Pod
metadata: { generateName: pod-, labels: { app: web } }
spec:
  affinity:
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm: { labelSelector: { matchLabels: { app: web } }, topologyKey: kubernetes.io/hostname }
  containers: [{ name: c, image: pause, resources: { requests: { cpu: 1500m } } }]
`,
    );
    const workloads = join(apart, 'performance-config.yaml');
    writeFileSync(
      workloads,
      `
- name: Apart
  defaultPodTemplatePath: pod.yaml
  workloadTemplate:
    - { opcode: createNodes, count: 6, labelNodePrepareStrategy: { labelKey: topology.kubernetes.io/zone, labelValues: [east, west] } }
    - { opcode: createPods, count: 6, collectMetrics: true }
  workloads: [{ name: pods }]
`,
    );
    writeFileSync(
      join(apart, 'a.yaml'),
      'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n',
    );
    writeFileSync(join(apart, 'b.yaml'), packing.replace('PodTopologySpread', 'InterPodAffinity'));
    const flags = ['--rounds', '4', '--threads', 'inline'];
    const sides = [join(apart, 'a.yaml'), join(apart, 'b.yaml')];
    const { code, stdout, stderr } = await run(['bench', workloads, '--compare', ...sides, ...flags, '--json']);
    expect(code, stderr).toBe(0);
    const result = compared(stdout);
    for (const metric of ['host skew', 'preferences met', 'fragmentation']) {
      expect(verdict(result, metric), metric).toMatchObject({ verdict: 'worse' });
    }
    expect(verdict(result, 'preferences met')).toMatchObject({ a: { median: 1 }, b: { median: 0 } });
    expect(verdict(result, 'violations')).toMatchObject({ verdict: 'no difference', b: { median: 0 } });
  });

  it('of two plugins gives each a profile without the other', async () => {
    const own = `PreferNamedNodes=${join(root, 'docs/examples/prefer-named-nodes.mjs')}`;
    const args = ['--compare-plugins', 'ImageLocality', own, '--rounds', '1', '--threads', 'inline'];
    const { code, stdout, stderr } = await run(['bench', file, ...args]);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('A ImageLocality');
    expect(stdout).toContain(`B ${own}`);
    expect(stdout).toContain('1 rounds are too few for a verdict');
    expect(stdout).toMatch(/pods\/s .* no difference/);
  });

  it('of two commits builds each in a worktree of its own and leaves nothing behind', async () => {
    // A repository of its own: the checkout that is tested need not be one.
    const checkout = join(directory, 'checkout');
    for (const name of ['src', 'actors', 'bench', 'scripts', 'test/support', 'package.json', 'tsconfig.json'])
      cpSync(join(root, name), join(checkout, name), { recursive: true });
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
        cwd: checkout,
      }).toString();
    git('init', '--quiet');
    git('add', '.');
    git('commit', '--quiet', '--message', 'First');
    symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('kubehive-commit-'));
    const side = await commitSide(checkout, 'HEAD', 'inline');
    try {
      expect(side.label).toMatch(/^HEAD \([0-9a-f]{9}\)$/);
      const summary = await side.run(chooseWorkloads([file], {})[0]!);
      expect(summary).toMatchObject({ case: 'Small', podsBound: 60, podsVerified: 60 });
    } finally {
      await side.close();
    }
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('kubehive-commit-'))).toEqual(before);
    expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1);
    await expect(commitSide(checkout, 'no-such-commit', 'inline')).rejects.toThrow(/is no commit of/);
  }, 900_000);

  it('takes two sides, and files that there are', async () => {
    const one = await run(['bench', file, '--compare-plugins', 'ImageLocality']);
    expect([one.code, one.stderr]).toEqual([2, 'kubehive: a comparison takes two: A and B\n']);
    const none = await run(['bench', file, '--compare', '/a.yaml', '/b.yaml']);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('/a.yaml');
  });
});

const example = join(root, 'docs/examples/round-robin-scheduler.mjs');

it('--scheduler-command measures a scheduler over HTTP, whose placement shows, and ends it', async () => {
  const flags = ['--threads', 'inline', '--json', '--scheduler-command'];
  const { code, stdout, stderr } = await run(['bench', file, ...flags, example]);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    podsBound: 60,
    podsVerified: 60,
    quality: { nodesUsed: 6, hostSkew: 0, violations: 0 },
  });
  const broken = await run(['bench', file, ...flags, 'exit 3']);
  expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining('the scheduler "exit 3" ended with 3')]);
});

it('--scheduler external waits for one that somebody else starts', async () => {
  const flags = ['--scheduler', 'external', '--threads', 'inline', '--json'];
  const child = spawn(process.execPath, [cli, 'bench', file, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  let scheduler: ChildProcess | undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
    const server = /external scheduler wanted: (http:\S+) kubeconfig \S+\n/.exec(printed)?.[1];
    if (server !== undefined)
      scheduler ??= spawn(process.execPath, [example], { env: { ...process.env, SERVER: server }, stdio: 'ignore' });
  });
  // Not at its exit: what it has printed may still be on its way.
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  scheduler?.kill();
  expect(code).toBe(0);
  expect(JSON.parse(printed.trim().split('\n').at(-1) ?? '')).toMatchObject({ podsBound: 60, podsVerified: 60 });
});
