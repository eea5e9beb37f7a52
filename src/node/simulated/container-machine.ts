/**
 * The inside of simulated containers: made when somebody first looks into one, and kept until it is removed. The image brings a
 * few usual files; volumes are filled from the API each time, and what begins empty is shared by the pod's containers.
 */
import type { Container, Pod, Volume } from '../../api/index.ts';
import type { Clock } from '../../runtime/index.ts';
import type { PodContent, VolumeContent } from '../pod-content.ts';
import { hostnameOf } from '../pod-content.ts';
import { type DirectoryNode, Filesystem, newDirectory, resolvePath } from './shell/filesystem.ts';
import type { Machine } from './shell/process.ts';
import { programNames } from './shell/shell.ts';

const encoder = new TextEncoder();

/** Directories that containers of one pod share, by volume. */
export type SharedVolumes = Map<string, DirectoryNode>;

export interface Inside {
  readonly machine: Machine;
  readonly variables: ReadonlyMap<string, string>;
  readonly directory: string;
}

export class ContainerMachine {
  readonly #files: Filesystem;
  readonly #clock: Clock;
  readonly #content: PodContent | undefined;
  readonly #shared: SharedVolumes;

  constructor(clock: Clock, content: PodContent | undefined, shared: SharedVolumes) {
    this.#clock = clock;
    this.#content = content;
    this.#shared = shared;
    this.#files = new Filesystem(() => clock.now());
  }

  /** The container as it is now: volumes and environment are read anew. */
  async enter(pod: Pod, container: Container): Promise<Inside> {
    const files = this.#files;
    if (files.find('/etc') === undefined) fillImage(files, pod, container);
    writeHosts(files, pod);
    for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
      const volume = pod.spec?.volumes?.find((one) => one.name === name);
      if (volume !== undefined) await this.#mount(pod, volume, resolvePath('/', mountPath), subPath);
    }
    const variables =
      (await this.#content?.environment(pod, container)) ??
      new Map([
        ['PATH', '/bin'],
        ['HOSTNAME', hostnameOf(pod)],
        ['HOME', '/root'],
      ]);
    const directory = resolvePath('/', container.workingDir ?? '/');
    files.makeDirectory(directory, true);
    const programs = [
      [...(container.command ?? [container.image ?? container.name]), ...(container.args ?? [])].join(' '),
    ];
    const machine = { hostname: hostnameOf(pod), clock: this.#clock, files, programs };
    return { machine, variables, directory };
  }

  async #mount(pod: Pod, volume: Volume, path: string, subPath: string | undefined): Promise<void> {
    const content = await this.#content?.volume(pod, volume);
    if (content === undefined) {
      if (this.#files.find(path) !== undefined && this.#shared.has(volume.name)) return;
      let directory = this.#shared.get(volume.name);
      if (directory === undefined) {
        directory = newDirectory(this.#clock.now());
        this.#shared.set(volume.name, directory);
      }
      this.#files.mount(path, subPath === undefined ? directory : below(directory, subPath, this.#clock.now()));
      return;
    }
    if (subPath === undefined) this.#files.mount(path, directoryOf(content, this.#clock.now()));
    else {
      const file = content.find((one) => one.path === subPath);
      const now = this.#clock.now();
      if (file !== undefined)
        this.#files.mount(path, { type: 'file', bytes: file.bytes, mode: file.mode, modifiedMs: now });
    }
  }
}

function below(directory: DirectoryNode, path: string, nowMs: number): DirectoryNode {
  let at = directory;
  for (const part of path.split('/')) {
    if (part === '') continue;
    const next = at.entries.get(part);
    if (next?.type === 'directory') at = next;
    else {
      const made = newDirectory(nowMs);
      at.entries.set(part, made);
      at = made;
    }
  }
  return at;
}

function directoryOf(content: NonNullable<VolumeContent>, nowMs: number): DirectoryNode {
  const root = newDirectory(nowMs, true);
  for (const { path, bytes, mode } of content) {
    const parts = path.split('/');
    let directory = root;
    for (const part of parts.slice(0, -1)) {
      const next = directory.entries.get(part);
      if (next?.type === 'directory') directory = next;
      else {
        const made = newDirectory(nowMs, true);
        directory.entries.set(part, made);
        directory = made;
      }
    }
    directory.entries.set(parts.at(-1) as string, { type: 'file', bytes, mode, modifiedMs: nowMs });
  }
  return root;
}

function fillImage(files: Filesystem, pod: Pod, container: Container): void {
  for (const directory of [
    '/bin',
    '/etc',
    '/home',
    '/opt',
    '/proc',
    '/root',
    '/tmp',
    '/usr/bin',
    '/usr/local/bin',
    '/var/log',
    '/dev',
  ]) {
    files.makeDirectory(directory, true);
  }
  const nowMs = 0;
  for (const name of programNames) {
    files.mount(`/bin/${name}`, { type: 'file', bytes: new Uint8Array(), mode: 0o755, modifiedMs: nowMs });
  }
  const write = (path: string, text: string): void => files.write(path, encoder.encode(text));
  write('/etc/hostname', `${hostnameOf(pod)}\n`);
  write('/etc/os-release', `NAME="Simulated"\nID=simulated\nPRETTY_NAME="Simulated ${container.image ?? ''}"\n`);
  write('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n');
  const namespace = pod.metadata?.namespace ?? 'default';
  write(
    '/etc/resolv.conf',
    `search ${namespace}.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n`,
  );
  files.mount('/dev/null', { type: 'file', bytes: new Uint8Array(), mode: 0o666, modifiedMs: nowMs });
}

/** The kubelet manages this file, since it holds the pod's address. */
function writeHosts(files: Filesystem, pod: Pod): void {
  const aliases = (pod.spec?.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`);
  const own = (pod.status?.podIPs ?? []).map(({ ip }) => `${ip}\t${hostnameOf(pod)}\n`);
  const text = `# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n${own.join('')}${aliases.join('')}`;
  files.write('/etc/hosts', encoder.encode(text));
}
