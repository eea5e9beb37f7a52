/**
 * A kubelet's side of exec, attach, port-forward and proxying: a session with a container, a port of a pod, or the kubelet's own
 * HTTP port. Refusals before the session has begun have the words of upstream's kubelet.
 * @see pkg/kubelet/server/server.go getExec, getAttach, getPortForward
 */
import { type Duplex, duplexPair } from 'node:stream';
import { Observable } from 'rxjs';
import type { Bus } from '../runtime/index.ts';
import { refuse } from './container-logs.ts';
import type { ContainerRecord } from './container-record.ts';
import type { PodWorker } from './pod-worker.ts';
import { type NodeSessionRequest, type NodeSessionTarget, nodeChannels } from './protocol.ts';
import { ExecError, type ProcessStreams, type RuntimeService } from './runtime.ts';
import { type NodeSessionFrame, SessionLink, type SessionOutcome, sessionChannels } from './session-link.ts';

export interface SessionHost {
  readonly bus: Bus;
  readonly runtime: RuntimeService;
  findPod(namespace: string, name: string): PodWorker | undefined;
  /** Answers on the kubelet's own HTTP port. */
  serveHttp(socket: Duplex): void;
}

/** The frames of a session that `opener` (an address on the bus) asked for. */
export function openSession(
  host: SessionHost,
  { session, target }: NodeSessionRequest,
  opener: string,
): Observable<NodeSessionFrame> {
  return new Observable((subscriber) => {
    const run = prepare(host, target);
    const client = new AbortController();
    const resizes: ((width: number, height: number) => void)[] = [];
    let size: { width: number; height: number } | undefined;
    const link = new SessionLink(
      (frame) => subscriber.next(frame),
      (frame) => {
        if (!('resize' in frame)) return;
        size = frame.resize;
        for (const listener of resizes) listener(size.width, size.height);
      },
    );
    const hangUp = () => {
      client.abort();
      link.close();
    };
    const input = host.bus.open(opener, nodeChannels.sessionInput, { session }).subscribe({
      next: (frame) => link.receive(frame),
      error: hangUp,
      complete: hangUp,
    });
    link.send({ started: true });
    const finish = (outcome: SessionOutcome) => {
      link.end(sessionChannels.output);
      link.end(sessionChannels.error);
      link.send({ outcome });
      subscriber.complete();
    };
    run(link, client.signal, (listener) => {
      resizes.push(listener);
      if (size !== undefined) listener(size.width, size.height);
    }).then(
      (exitCode) => finish({ exitCode }),
      (error: unknown) => {
        if (error instanceof ExecError) finish({ failure: error.message });
        else subscriber.error(error);
      },
    );
    return () => {
      input.unsubscribe();
      hangUp();
    };
  });
}

type Run = (
  link: SessionLink,
  signal: AbortSignal,
  onResize: (listener: (width: number, height: number) => void) => void,
) => Promise<number>;

/** Finds what the session is with. @throws BusError with a NodeRefusal */
function prepare(host: SessionHost, target: NodeSessionTarget): Run {
  if (target.type === 'kubelet') {
    return (link, signal) => carry(link, signal, (socket) => host.serveHttp(socket));
  }
  const worker = host.findPod(target.namespace, target.pod);
  if (target.type === 'port') {
    const uid = worker?.pod.metadata.uid;
    if (worker === undefined || uid === undefined || !worker.hasSandbox) {
      throw refuse(500, 'InternalError', `pod not found ("${target.pod}_${target.namespace}")`);
    }
    return (link, signal) => carry(link, signal, (socket) => host.runtime.connect(uid, target.port, socket));
  }
  const record = running(worker, target.container);
  return async (link, signal, onResize) => {
    const streams: ProcessStreams = {
      tty: target.tty,
      stdin: target.stdin,
      signal,
      read: () => link.read(sessionChannels.input),
      write: (stream, bytes) => {
        const wanted = stream === 'stdout' || target.tty ? target.stdout : target.stderr;
        if (!wanted) return Promise.resolve(true);
        return link.write(stream === 'stdout' || target.tty ? sessionChannels.output : sessionChannels.error, bytes);
      },
      onResize,
    };
    if (target.type === 'exec') return host.runtime.exec(record.id, target.command, streams);
    await host.runtime.attach(record.id, streams);
    return 0;
  };
}

function running(worker: PodWorker | undefined, container: string): ContainerRecord {
  const record = worker?.containers().find(({ name, state }) => name === container && state === 'running');
  if (record === undefined) throw refuse(500, 'InternalError', `container not found (${JSON.stringify(container)})`);
  return record;
}

/** Carries bytes between the session and a socket until the socket has ended. */
async function carry(link: SessionLink, signal: AbortSignal, connect: (socket: Duplex) => void): Promise<number> {
  const [near, far] = duplexPair();
  near.on('error', () => near.destroy());
  connect(far);
  signal.addEventListener('abort', () => near.destroy(), { once: true });
  const incoming = async () => {
    for (;;) {
      const bytes = await link.read(sessionChannels.input);
      if (bytes === undefined || near.destroyed) break;
      if (!near.write(bytes)) await drained(near);
    }
    if (!near.destroyed) near.end();
  };
  void incoming();
  try {
    for await (const chunk of near) if (!(await link.write(sessionChannels.output, chunk as Buffer))) break;
  } catch {
    // The other side broke off, which ends the connection as well as an orderly end does.
  }
  near.destroy();
  return 0;
}

function drained(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}
