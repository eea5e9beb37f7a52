/**
 * The simulated container runtime: containers are records, and what they do is data (behaviour.ts) driven by the clock. One
 * instance a kubelet. Without delays every operation is done when it returns; a container that only runs costs one record
 * and no timer.
 */

import type { Duplex } from 'node:stream';
import type { Container, Pod } from '../../api/index.ts';
import { formatTime } from '../../api/index.ts';
import type { Clock, Random, Timer } from '../../runtime/index.ts';
import type { PodContent } from '../pod-content.ts';
import type {
  ContainerConfig,
  ContainerEvent,
  ContainerExit,
  ContainerLog,
  MaybePromise,
  ProbeKind,
  ProbeResult,
  ProcessStreams,
  RuntimeService,
  SandboxConfig,
} from '../runtime.ts';
import { ExecError } from '../runtime.ts';
import { type ContainerBehaviour, containerBehaviour, type SimulationDelays } from './behaviour.ts';
import { interpret, type Script } from './command.ts';
import { ContainerConsole } from './container-console.ts';
import { ContainerMachine, type Inside, type SharedVolumes } from './container-machine.ts';
import { notExecutable, refusedText } from './exec-texts.ts';
import { type ImageCatalog, SimulatedImages, vary } from './images.ts';
import { LogRing } from './log-ring.ts';
import { answerPort, portBehaviour } from './ports.ts';
import { isProgram, runProgram } from './shell/shell.ts';

export interface SimulatedRuntimeOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Shared by the kubelets of a thread. */
  readonly catalog: ImageCatalog;
  readonly delays?: SimulationDelays | undefined;
  /** Environment and volumes of containers; without it both are empty. */
  readonly content?: PodContent | undefined;
}

interface SimulatedContainer {
  readonly id: string;
  readonly sandboxId: string;
  config: ContainerConfig;
  behaviour: ContainerBehaviour;
  startedAtMs: number;
  exit: ContainerExit | undefined;
  timer: Timer | undefined;
  ring: LogRing | undefined;
  machine: ContainerMachine | undefined;
  /** Of a container with standard input whose program is known: the program runs for real. */
  terminal: ContainerConsole | undefined;
  /** Aborted when the container ends: the commands that run in it. */
  ended: Set<AbortController> | undefined;
}

const encoder = new TextEncoder();
const hookFailure = 'simulated hook failed';

/** Gives an ID of 64 hexadecimal digits, as containerd's. */
export function containerId(random: Random): string {
  return `${random.uuid()}${random.uuid()}`.replaceAll('-', '');
}

export class SimulatedRuntime implements RuntimeService {
  readonly name = 'containerd';
  readonly version = '2.2.0';
  readonly images: SimulatedImages;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #delays: SimulationDelays;
  readonly #containers = new Map<string, SimulatedContainer>();
  readonly #content: PodContent | undefined;
  readonly #addresses = new Map<string, readonly string[]>();
  readonly #volumes = new Map<string, SharedVolumes>();
  #listener: (event: ContainerEvent) => void = () => {};

  constructor({ clock, random, catalog, delays = {}, content }: SimulatedRuntimeOptions) {
    this.#content = content;
    this.#clock = clock;
    this.#random = random;
    this.#delays = delays;
    this.images = new SimulatedImages(catalog, clock, random, delays);
  }

  onEvent(listener: (event: ContainerEvent) => void): void {
    this.#listener = listener;
  }

  runPodSandbox({ ips }: SandboxConfig): string {
    const id = this.#random.uuid();
    this.#addresses.set(id, ips);
    return id;
  }

  removePodSandbox(sandboxId: string): void {
    for (const container of this.#containers.values()) {
      if (container.sandboxId === sandboxId) this.removeContainer(container.id);
    }
    this.#volumes.delete(sandboxId);
    this.#addresses.delete(sandboxId);
  }

  createContainer(sandboxId: string, config: ContainerConfig): string {
    const id = containerId(this.#random);
    this.#containers.set(id, this.#record(id, sandboxId, config));
    return id;
  }

  startContainer(id: string): MaybePromise<void> {
    const container = this.#containers.get(id);
    if (container === undefined) throw new Error(`container ${id} does not exist`);
    const { startDelayMs } = container.behaviour;
    if (startDelayMs === 0) return this.#run(container);
    return this.#clock.sleep(vary(startDelayMs, this.#delays.jitter, this.#random)).then(() => this.#run(container));
  }

  stopContainer(id: string, graceMs: number): MaybePromise<ContainerExit> {
    const container = this.#containers.get(id);
    if (container === undefined) return { exitCode: 137, reason: 'ContainerStatusUnknown' };
    if (container.exit !== undefined) return container.exit;
    const { stopDelayMs, stopExitCode } = container.behaviour;
    const end = (): ContainerExit => {
      if (container.exit !== undefined) return container.exit;
      const exit: ContainerExit =
        stopDelayMs > graceMs
          ? { exitCode: 137, reason: 'Error' }
          : { exitCode: stopExitCode, reason: stopExitCode === 0 ? 'Completed' : 'Error' };
      this.#end(container, exit);
      return exit;
    };
    const waitMs = Math.min(stopDelayMs, graceMs);
    return waitMs === 0 ? end() : this.#clock.sleep(waitMs).then(end);
  }

  removeContainer(id: string): void {
    const container = this.#containers.get(id);
    if (container === undefined) return;
    if (container.exit === undefined) this.#end(container, { exitCode: 137, reason: 'Error' });
    this.#containers.delete(id);
  }

  adoptContainer(id: string, sandboxId: string, config: ContainerConfig, startedAtMs: number): void {
    const container = this.#record(id, sandboxId, config);
    this.#containers.set(id, container);
    container.startedAtMs = startedAtMs;
    if (config.container.image !== undefined) this.images.keep(config.container.image);
    this.#schedule(container);
  }

  podChanged(pod: Pod): void {
    for (const container of this.#containers.values()) {
      if (container.config.pod.metadata?.uid !== pod.metadata?.uid || container.exit !== undefined) continue;
      container.config = { ...container.config, pod };
      const { container: spec, kind } = container.config;
      const before = container.behaviour;
      container.behaviour = containerBehaviour(pod, spec, kind, this.#delays);
      this.#listener({ type: 'probes', podUid: pod.metadata?.uid ?? '', containerId: container.id });
      if (JSON.stringify(before.exit) !== JSON.stringify(container.behaviour.exit)) this.#schedule(container);
    }
  }

  probe(id: string, kind: ProbeKind): ProbeResult {
    const container = this.#containers.get(id);
    if (container === undefined || container.exit !== undefined) {
      return { success: false, output: 'container is not running', steady: true };
    }
    const { before, atMs } = container.behaviour.probes[kind];
    const past = atMs !== undefined && this.#clock.now() - container.startedAtMs >= atMs;
    const success = past ? !before : before;
    return { success, output: success ? '' : failureText(container.config, kind), steady: atMs === undefined || past };
  }

  runHook(id: string, hook: 'postStart' | 'preStop'): MaybePromise<void> {
    const container = this.#containers.get(id);
    const annotations = container?.config.pod.metadata?.annotations;
    const { name = '', lifecycle } = container?.config.container ?? {};
    const setting = annotations?.[`kubehive.io/${hook}.${name}`] ?? annotations?.[`kubehive.io/${hook}`];
    if (setting === 'failure') return Promise.reject(new Error(hookFailure));
    const seconds = lifecycle?.[hook]?.sleep?.seconds ?? 0;
    return seconds > 0 ? this.#clock.sleep(seconds * 1000) : undefined;
  }

  async exec(id: string, command: readonly string[], streams: ProcessStreams): Promise<number> {
    const container = this.#running(id);
    const [program = ''] = command;
    const inside = await this.#enter(container);
    if (!isProgram(program)) throw new ExecError(notExecutable(this.#random, program, inside.machine.files));
    const ended = new AbortController();
    container.ended ??= new Set();
    container.ended.add(ended);
    const signal = AbortSignal.any([streams.signal, ended.signal]);
    try {
      const code = await runProgram(inside.machine, command, inside.variables, inside.directory, {
        tty: streams.tty,
        stdin: streams.stdin,
        signal,
        read: () => streams.read(),
        write: (stream, bytes) => streams.write(stream, bytes),
        onResize: (listener) => streams.onResize(listener),
      });
      return ended.signal.aborted ? 137 : code;
    } finally {
      container.ended?.delete(ended);
    }
  }

  async attach(id: string, streams: ProcessStreams): Promise<void> {
    const container = this.#running(id);
    if (container.terminal !== undefined) return container.terminal.attach(streams);
    const log = this.log(id) as LogRing;
    await new Promise<void>((resolve) => {
      const stop = log.follow((line) => void streams.write(line.stream, encoder.encode(`${line.text}\n`)), resolve);
      const leave = () => {
        stop();
        resolve();
      };
      streams.signal.addEventListener('abort', leave, { once: true });
    });
  }

  connect(podUid: string, port: number, socket: Duplex): void {
    let pod: Pod | undefined;
    const containers: Container[] = [];
    let sandbox = '';
    for (const { config, exit, sandboxId } of this.#containers.values()) {
      if (config.pod.metadata?.uid !== podUid || exit !== undefined) continue;
      pod = config.pod;
      sandbox = sandboxId;
      containers.push(config.container);
    }
    const behaviour = pod === undefined ? undefined : portBehaviour(pod, containers, port);
    if (pod === undefined || behaviour === undefined) throw new ExecError(refusedText(sandbox, port));
    answerPort(socket, pod, containers, port, behaviour);
  }

  #running(id: string): SimulatedContainer {
    const container = this.#containers.get(id);
    if (container === undefined || container.exit !== undefined) throw new ExecError('container not running');
    return container;
  }

  #enter(container: SimulatedContainer): Promise<Inside> {
    container.machine ??= new ContainerMachine(this.#clock, this.#content, this.#volumesOf(container.sandboxId));
    const { pod, container: spec } = container.config;
    const ips = this.#addresses.get(container.sandboxId) ?? [];
    // The object that the container was made from is older than its address.
    const status = ips.length === 0 ? pod.status : { ...pod.status, podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) };
    return container.machine.enter({ ...pod, status } as Pod, spec);
  }

  #volumesOf(sandboxId: string): SharedVolumes {
    let volumes = this.#volumes.get(sandboxId);
    if (volumes === undefined) {
      volumes = new Map();
      this.#volumes.set(sandboxId, volumes);
    }
    return volumes;
  }

  log(id: string): ContainerLog | undefined {
    const container = this.#containers.get(id);
    if (container === undefined) return undefined;
    if (container.ring === undefined) {
      container.ring = new LogRing();
      const { container: spec, pod } = container.config;
      const text =
        container.behaviour.log ??
        `${spec.name} of ${pod.metadata?.namespace}/${pod.metadata?.name} runs ${spec.image} (simulated)`;
      this.#write(container, 'stdout', text, container.startedAtMs);
      if (container.exit !== undefined) container.ring.end();
    }
    return container.ring;
  }

  usage(id: string): { readonly cpuMillis: number; readonly memoryBytes: number } {
    const container = this.#containers.get(id);
    if (container === undefined || container.exit !== undefined) return { cpuMillis: 0, memoryBytes: 0 };
    return { cpuMillis: 1, memoryBytes: 1 << 20 };
  }

  #record(id: string, sandboxId: string, config: ContainerConfig): SimulatedContainer {
    const behaviour = containerBehaviour(config.pod, config.container, config.kind, this.#delays);
    return {
      id,
      sandboxId,
      config,
      behaviour,
      startedAtMs: 0,
      exit: undefined,
      timer: undefined,
      ring: undefined,
      machine: undefined,
      terminal: undefined,
      ended: undefined,
    };
  }

  #run(container: SimulatedContainer): void {
    container.startedAtMs = this.#clock.now();
    this.#schedule(container);
  }

  /** Plans the container's own end: by annotation or role, or as its command says. */
  #schedule(container: SimulatedContainer): void {
    container.timer?.cancel();
    container.timer = undefined;
    const { pod, container: spec } = container.config;
    const argv = spec.command === undefined ? (spec.args ?? []) : [...spec.command, ...(spec.args ?? [])];
    if (spec.stdin === true && container.behaviour.exit === undefined && isProgram(argv[0] ?? 'sh')) {
      this.#openConsole(container, argv.length === 0 ? ['sh'] : argv);
      return;
    }
    const script = argv.length === 0 ? undefined : this.#interpret(container.config, argv, '');
    const told = container.behaviour.exit;
    const byAnnotation =
      told !== undefined && pod.metadata?.annotations !== undefined && hasExitSetting(pod.metadata.annotations);
    if (script !== undefined && !byAnnotation) this.#play(container, script, 0);
    else if (told !== undefined) {
      const passed = this.#clock.now() - container.startedAtMs;
      this.#after(container, told.afterMs - passed, () => this.#end(container, told));
    }
  }

  /** The container's own program runs, with whoever attaches at its standard streams. */
  #openConsole(container: SimulatedContainer, argv: readonly string[]): void {
    if (container.terminal !== undefined) return;
    const { container: spec } = container.config;
    container.terminal = new ContainerConsole({
      tty: spec.tty === true,
      once: spec.stdinOnce === true,
      log: (stream, text) => this.#write(container, stream, text, this.#clock.now()),
      run: async (streams) => {
        const { machine, variables, directory } = await this.#enter(container);
        return runProgram(machine, argv, variables, directory, streams);
      },
      ended: (exitCode) => this.#end(container, { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' }),
    });
    container.terminal.start();
  }

  #play(container: SimulatedContainer, script: Script, from: number): void {
    for (let at = from; at < script.steps.length; at++) {
      const step = script.steps[at]!;
      if (step.type === 'print') this.#write(container, step.stream, step.text, this.#clock.now());
      else {
        const background = outlivesItsWork(container.config);
        container.timer = this.#clock.after(step.durationMs, () => this.#play(container, script, at + 1), {
          background,
        });
        return;
      }
    }
    const { exitCode } = script;
    if (exitCode === undefined) return;
    this.#after(container, 0, () => this.#end(container, { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' }));
  }

  /** An init container that ends at once does so within its start: the pod's status is then written once. */
  #after(container: SimulatedContainer, delayMs: number, callback: () => void): void {
    if (delayMs <= 0 && container.config.kind === 'init') {
      callback();
      return;
    }
    const waitMs = Math.max(0, vary(delayMs, this.#delays.jitter, this.#random));
    container.timer = this.#clock.after(waitMs, callback, { background: outlivesItsWork(container.config) });
  }

  #end(container: SimulatedContainer, exit: ContainerExit): void {
    if (container.exit !== undefined) return;
    container.exit = exit;
    container.timer?.cancel();
    container.timer = undefined;
    container.terminal?.close();
    for (const ended of container.ended ?? []) ended.abort();
    container.ring?.end();
    this.#listener({
      type: 'exited',
      podUid: container.config.pod.metadata?.uid ?? '',
      containerId: container.id,
      exit,
    });
  }

  #write(container: SimulatedContainer, stream: 'stdout' | 'stderr', text: string, time: number): void {
    container.ring ??= new LogRing();
    const lines = text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    for (const line of lines) container.ring.append({ time, stream, text: line });
  }

  #interpret(config: ContainerConfig, argv: readonly string[], stdin: string): Script | undefined {
    const { pod, container } = config;
    const variables = new Map<string, string>([
      ['PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      ['HOSTNAME', pod.metadata?.name ?? ''],
      ['HOME', '/root'],
    ]);
    for (const { name, value } of container.env ?? []) if (value !== undefined) variables.set(name, value);
    return interpret(argv, {
      hostname: pod.spec?.hostname ?? pod.metadata?.name ?? '',
      variables,
      stdin,
      now: formatTime(this.#clock.now()),
    });
  }
}

/** True when the container is started again after its end: then its end is nothing that a settled cluster waits for. */
function outlivesItsWork({ kind, pod }: ContainerConfig): boolean {
  return (
    kind === 'sidecar' ||
    (kind === 'main' && pod.spec?.restartPolicy !== 'Never' && pod.spec?.restartPolicy !== 'OnFailure')
  );
}

function hasExitSetting(annotations: Readonly<Record<string, string>>): boolean {
  for (const key in annotations) if (key.startsWith('kubehive.io/exit-')) return true;
  return false;
}

/** The text of a failed probe in the words of its kind of handler. */
function failureText({ container }: ContainerConfig, kind: ProbeKind): string {
  const probe = container[`${kind}Probe`];
  if (probe?.httpGet !== undefined) return 'HTTP probe failed with statuscode: 500';
  if (probe?.tcpSocket !== undefined) return 'dial tcp: connect: connection refused';
  if (probe?.grpc !== undefined) return 'service unhealthy (responded with "NOT_SERVING")';
  return 'command terminated with exit code 1';
}
