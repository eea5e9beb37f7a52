/**
 * The bus channels of a kubelet: what the API server (or a person's tool behind it) asks of a node directly, as upstream asks
 * the kubelet's own HTTPS port. The kubelet actor serves them under {@link kubeletAddress}; nobody else does.
 * A refusal arrives as a BusError whose details are {@link NodeRefusal}.
 */
import { callChannel, streamChannel } from '../runtime/index.ts';
import type { NodeSessionFrame } from './session-link.ts';

export { type NodeSessionFrame, SessionLink, type SessionOutcome, sessionChannels } from './session-link.ts';

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

/** What a session is with. The pod's UID, when given, must be the running pod's. */
export type NodeSessionTarget =
  | {
      readonly type: 'exec' | 'attach';
      readonly namespace: string;
      readonly pod: string;
      readonly container: string;
      /** Empty for `attach`. */
      readonly command: readonly string[];
      readonly stdin: boolean;
      readonly stdout: boolean;
      readonly stderr: boolean;
      readonly tty: boolean;
    }
  /** A connection to a port inside of a pod. */
  | { readonly type: 'port'; readonly namespace: string; readonly pod: string; readonly port: number }
  /** A connection to the kubelet's own HTTP port. */
  | { readonly type: 'kubelet' };

export interface NodeSessionRequest {
  /** Unique for the opener; names the session on {@link nodeChannels.sessionInput}. */
  readonly session: string;
  readonly target: NodeSessionTarget;
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
  /** What a container or a port sends; ends when it has ended. Unsubscribing hangs up. */
  session: streamChannel<NodeSessionRequest, NodeSessionFrame>('node.session'),
  /** The other direction: the kubelet opens it at whoever opened the session. */
  sessionInput: streamChannel<{ readonly session: string }, NodeSessionFrame>('node.session.input'),
  /** Usage of the node and of each pod on it. */
  summary: callChannel<Record<string, never>, NodeSummary>('node.summary'),
} as const;
