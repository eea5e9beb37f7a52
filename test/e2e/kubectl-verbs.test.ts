/**
 * Every verb of kubectl that talks to the server, against one running cluster: the newest kubectl plays every recorded scene, the others those that
 * are marked so. What is printed is compared with the transcripts, whole. `KUBEHIVE_RECORD=1` writes what the newest one printed into them instead.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findKubectl, kubectl, kubectlMinors } from '../support/kubectl.ts';
import { formatScenes, parseScenes, play, type Scene } from '../support/transcript.ts';
import { eventually, type Up, up } from '../support/up.ts';

const folder = join(import.meta.dirname, 'transcripts');
const files = ['generators', 'changes', 'workloads', 'streams', 'cluster'].map((name) => join(folder, `${name}.txt`));
const scenesOf = new Map(files.map((file) => [file, parseScenes(readFileSync(file, 'utf8'))]));
const recording = process.env['KUBEHIVE_RECORD'] === '1';
const installed = kubectlMinors.filter((minor) => findKubectl(minor) !== undefined);
const newest = installed.at(-1) ?? 0;

let cluster: Up;
let home: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'kubehive-verbs-'));
  cluster = await up(['--nodes', '3', '--resource-metrics']);
});

afterAll(async () => {
  expect(await cluster.stop('SIGINT'), cluster.output()).toBe(0);
  rmSync(home, { recursive: true, force: true });
  if (recording) for (const [file, scenes] of scenesOf) writeFileSync(file, formatScenes(scenes));
});

/** A scene in a namespace and a folder of its own. */
async function playScene(scene: Scene, minor: number, index: number): Promise<void> {
  const binary = findKubectl(minor) as string;
  const namespace = `scene-${minor}-${index}`;
  const place = join(home, namespace);
  const kubeconfig = join(place, 'kubeconfig');
  mkdirSync(join(place, 'bin'), { recursive: true });
  symlinkSync(binary, join(place, 'bin', 'kubectl'));
  const text = readFileSync(cluster.kubeconfig, 'utf8');
  writeFileSync(kubeconfig, text.replace(/^( *)context:\n/m, `$&$1  namespace: ${namespace}\n`));
  const k = kubectl(binary, kubeconfig);
  await k.ok(['create', 'namespace', namespace]);
  const own = ['get', 'serviceaccount/default', 'configmap/kube-root-ca.crt'];
  await eventually(async () => (await k.run(own)).code === 0);
  const shell = { path: join(place, 'bin'), kubeconfig, folder: place, namespace };
  for (const step of scene.steps) {
    const output = await play(step.command, shell);
    if (recording && minor === newest) step.output = output;
    else expect(output, `$ ${step.command}`).toBe(step.output);
  }
}

describe.each(kubectlMinors)('kubectl 1.%i', { concurrent: true }, (minor) => {
  let index = 0;
  for (const scenes of scenesOf.values())
    for (const scene of scenes) {
      index += 1;
      const number = index;
      if (minor < scene.from || (minor !== newest && !scene.everywhere)) continue;
      const skipped = !installed.includes(minor) || (recording && minor !== newest);
      // Skipped where this kubectl is not installed, or the scene is the newest one's alone.
      it.skipIf(skipped)(scene.name, () => playScene(scene, minor, number));
    }
});
