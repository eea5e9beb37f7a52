/**
 * The contract between the kubelet and what runs containers, in the shape of the Container Runtime Interface: sandboxes,
 * containers, images, and an event when a container changes by itself. Every operation may answer at once or by a promise;
 * {@link whenDone} joins both, so that a runtime without delays costs no promise at all.
 * @see KEP-2371 and cri-api's api.proto for the operations that this follows.
 */
import type { Duplex } from 'node:stream';
import type { Container, Pod } from '../api/index.ts';

export type MaybePromise<Value> = Value | Promise<Value>;

/** Hands `value` on at once, or when it is here; a rejection goes to `failed`. */
export function whenDone<Value>(
  value: MaybePromise<Value>,
  done: (value: Value) => void,
  failed: (error: unknown) => void,
): void {
  if (value instanceof Promise) value.then(done, failed);
  else done(value);
}

export interface SandboxConfig {
  readonly pod: Pod;
  /** The addresses that the network gave to the pod; empty with host network. */
  readonly ips: readonly string[];
}

export interface ContainerConfig {
  readonly pod: Pod;
  readonly container: Container;
  /** Which kind: init containers are expected to end, the others are not. */
  readonly kind: ContainerKind;
  /** 0 for the first start of this container, then one more for each restart. */
  readonly attempt: number;
}

export type ContainerKind = 'init' | 'sidecar' | 'main' | 'ephemeral';

/** How a container ended. */
export interface ContainerExit {
  readonly exitCode: number;
  /** Upstream's: `Completed`, `Error`, `OOMKilled`, `ContainerStatusUnknown`. */
  readonly reason: string;
  readonly message?: string | undefined;
  readonly signal?: number | undefined;
}

/** What the runtime tells by itself. `probes` says that a probe may answer otherwise than before. */
export type ContainerEvent =
  | { readonly type: 'exited'; readonly podUid: string; readonly containerId: string; readonly exit: ContainerExit }
  | { readonly type: 'probes'; readonly podUid: string; readonly containerId: string };

export interface ImageRecord {
  /** With registry and tag, such as `docker.io/library/nginx:1.27`. */
  readonly name: string;
  /** With digest: what `imageID` shows. */
  readonly id: string;
  readonly sizeBytes: number;
}

export interface ImageService {
  /** The image when it is on this node. */
  imageStatus(image: string): MaybePromise<ImageRecord | undefined>;
  /** Rejects with {@link ImagePullError}. `waitingMs` of the answer counts the queue before the pull. */
  pullImage(image: string, pod: Pod): MaybePromise<ImageRecord>;
  /** Largest first. */
  listImages(): MaybePromise<readonly ImageRecord[]>;
  removeImage(image: string): MaybePromise<void>;
}

/** A pull that failed; the message is the registry's. */
export class ImagePullError extends Error {
  override readonly name = 'ImagePullError';
}

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

export interface ProbeResult {
  readonly success: boolean;
  /** Output of a failed probe, such as `HTTP probe failed with statuscode: 500`. */
  readonly output: string;
  /** True when the answer stays the same until a `probes` event: asking again is a waste. */
  readonly steady: boolean;
}

export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly stream: 'stdout' | 'stderr';
  /** Without the line's end. */
  readonly text: string;
}

/** The log of one container: what is kept, oldest first, and what comes. */
export interface ContainerLog {
  readonly lines: readonly LogLine[];
  /** Calls back for each further line, then once `ended` when the container has ended. Returns the way to stop. */
  follow(line: (line: LogLine) => void, ended: () => void): () => void;
}

export interface RuntimeService {
  /** `name://version`, as in `status.nodeInfo.containerRuntimeVersion`. The name prefixes container IDs. */
  readonly name: string;
  readonly version: string;
  readonly images: ImageService;
  /** One listener: the kubelet. */
  onEvent(listener: (event: ContainerEvent) => void): void;
  runPodSandbox(config: SandboxConfig): MaybePromise<string>;
  /** Ends the sandbox and whatever still runs in it. Unknown IDs are ignored. */
  removePodSandbox(sandboxId: string): MaybePromise<void>;
  /** Gives the container's ID, without the runtime's prefix. */
  createContainer(sandboxId: string, config: ContainerConfig): MaybePromise<string>;
  startContainer(containerId: string): MaybePromise<void>;
  /** Signals the container and kills it after `graceMs`; resolves when it has ended, with how. */
  stopContainer(containerId: string, graceMs: number): MaybePromise<ContainerExit>;
  removeContainer(containerId: string): MaybePromise<void>;
  /** Takes over a container that an earlier life of the kubelet started: it keeps its ID and goes on running. */
  adoptContainer(containerId: string, sandboxId: string, config: ContainerConfig, startedAtMs: number): void;
  /** The pod's object changed; what the runtime reads from it may have. */
  podChanged(pod: Pod): void;
  probe(containerId: string, kind: ProbeKind): MaybePromise<ProbeResult>;
  /** Runs a lifecycle hook; rejects when it fails. */
  runHook(containerId: string, hook: 'postStart' | 'preStop'): MaybePromise<void>;
  /** Runs a command in a running container; resolves with its exit code. Rejects with {@link ExecError} when it cannot be started. */
  exec(containerId: string, command: readonly string[], streams: ProcessStreams): Promise<number>;
  /** Joins the container's own standard streams until it ends or the client leaves. */
  attach(containerId: string, streams: ProcessStreams): Promise<void>;
  /** Connects `socket` to what listens on a port of the pod. Throws {@link ExecError} with the runtime's words when nothing does. */
  connect(podUid: string, port: number, socket: Duplex): void;
  log(containerId: string): ContainerLog | undefined;
  usage(containerId: string): { readonly cpuMillis: number; readonly memoryBytes: number };
}

/** The standard streams of a process, as its client sees them. */
export interface ProcessStreams {
  /** Output and errors share one stream, and input is edited by a terminal. */
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** The next bytes of standard input; undefined at its end. */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves when there is room for more; with false when nobody reads any more. */
  write(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<boolean>;
  /** Size of the client's terminal, now and whenever it changes. */
  onResize(listener: (width: number, height: number) => void): void;
}

/** A command that could not be started or a port that refused; the message is the runtime's. */
export class ExecError extends Error {
  override readonly name = 'ExecError';
}
