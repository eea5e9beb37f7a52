/**
 * The bus channels of a kubelet: what the API server (or a person's tool behind it) asks of a node directly, as upstream asks
 * the kubelet's own HTTPS port. The kubelet actor serves them under {@link kubeletAddress}; nobody else does.
 * A refusal arrives as a BusError whose details are {@link NodeRefusal}.
 */
import { callChannel, streamChannel } from '../runtime/index.ts';

/** Address of the kubelet actor of a node. */
export function kubeletAddress(nodeName: string): string {
  return `kubelet/${nodeName}`;
}

/** Details of a BusError with which a kubelet refuses: the HTTP code and the Status reason that a client should see. */
export interface NodeRefusal {
  readonly code: number;
  readonly reason: 'BadRequest' | 'NotFound' | 'InternalError';
}

/** The options of `pods/log`, by the names of its query parameters. */
export interface NodeLogsRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly follow?: boolean | undefined;
  readonly previous?: boolean | undefined;
  readonly timestamps?: boolean | undefined;
  readonly sinceSeconds?: number | undefined;
  /** RFC 3339. */
  readonly sinceTime?: string | undefined;
  readonly tailLines?: number | undefined;
  readonly limitBytes?: number | undefined;
  /** `Stdout` or `Stderr`; omitted: both. */
  readonly stream?: string | undefined;
}

export interface NodeExecRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  /** All of what the command may read from its standard input; commands of the simulated runtime read it before they run. */
  readonly stdin?: Uint8Array | undefined;
}

export interface NodeExecResult {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** One container's usage, as the Summary API tells it. */
export interface ContainerUsage {
  readonly name: string;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

export interface PodUsage {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly containers: readonly ContainerUsage[];
}

export interface NodeSummary {
  readonly nodeName: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly pods: readonly PodUsage[];
}

export const nodeChannels = {
  /** Chunks of UTF-8 text, whole lines each; completes at the end, or with `follow` when the container has ended. */
  logs: streamChannel<NodeLogsRequest, Uint8Array>('node.logs'),
  /** Runs a command in a container to its end. */
  exec: callChannel<NodeExecRequest, NodeExecResult>('node.exec'),
  /** Usage of the node and of each pod on it. */
  summary: callChannel<Record<string, never>, NodeSummary>('node.summary'),
} as const;
