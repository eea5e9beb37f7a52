/**
 * The API server's end of sessions with kubelets: opens them over the bus and hands their channels to the streams of clients, or
 * makes a socket of one. @see src/node/session-link.ts for the channels
 */
import { Duplex } from 'node:stream';
import { Observable } from 'rxjs';
import {
  kubeletAddress,
  type NodeSessionFrame,
  type NodeSessionTarget,
  nodeChannels,
  SessionLink,
  type SessionOutcome,
  sessionChannels,
} from '../../../src/node/protocol.ts';
import { type Bus, BusError, type Random } from '../../../src/runtime/index.ts';

export interface NodeSession {
  readonly link: SessionLink;
  /** How it ended; rejects when the kubelet went away. */
  readonly outcome: Promise<SessionOutcome>;
  /** The client has gone: the kubelet ends what it runs. */
  hangUp(): void;
}

export interface NodeSessions {
  /** Resolves when the kubelet has begun. Rejects with a BusError: the kubelet's refusal, or that nobody is there. */
  open(node: string, target: NodeSessionTarget): Promise<NodeSession>;
  /** A connection as a socket. Rejects as `open` does. */
  dial(node: string, target: NodeSessionTarget): Promise<Duplex>;
}

interface Input {
  /** Frames from before the kubelet asked for them. */
  waiting: NodeSessionFrame[];
  send: ((frame: NodeSessionFrame) => void) | undefined;
}

export function createNodeSessions(bus: Bus, random: Random): NodeSessions {
  const inputs = new Map<string, Input>();

  bus.feed(
    nodeChannels.sessionInput,
    ({ session }) =>
      new Observable<NodeSessionFrame>((subscriber) => {
        const input = inputs.get(session);
        if (input === undefined) {
          subscriber.complete();
          return;
        }
        for (const frame of input.waiting.splice(0)) subscriber.next(frame);
        input.send = (frame) => subscriber.next(frame);
      }),
  );

  const open: NodeSessions['open'] = (node, target) =>
    new Promise((resolve, reject) => {
      const session = random.uuid();
      const input: Input = { waiting: [], send: undefined };
      inputs.set(session, input);
      let finished: (outcome: SessionOutcome) => void = () => undefined;
      let broken: (error: unknown) => void = () => undefined;
      const outcome = new Promise<SessionOutcome>((fulfil, refuse) => {
        finished = fulfil;
        broken = refuse;
      });
      // Whoever opened the session may have left before it broke.
      outcome.catch(() => undefined);
      const link = new SessionLink(
        (frame) => {
          if (input.send === undefined) input.waiting.push(frame);
          else input.send(frame);
        },
        (frame) => {
          if ('started' in frame) resolve({ link, outcome, hangUp });
          else if ('outcome' in frame) finished(frame.outcome);
        },
      );
      const close = () => {
        inputs.delete(session);
        link.close();
      };
      const fail = (error: unknown) => {
        close();
        reject(error as Error);
        broken(error);
      };
      const subscription = bus.open(kubeletAddress(node), nodeChannels.session, { session, target }).subscribe({
        next: (frame) => link.receive(frame),
        error: fail,
        complete: () => fail(new BusError('ServiceUnavailable', 'the kubelet ended the session')),
      });
      const hangUp = () => {
        close();
        subscription.unsubscribe();
        finished({ failure: 'the client has gone' });
      };
    });

  return {
    open,
    async dial(node, target) {
      return socketOf(await open(node, target));
    },
  };
}

/** The input and output channels as one socket. It is destroyed with the reason when the connection could not be made. */
function socketOf({ link, outcome, hangUp }: NodeSession): Duplex {
  const socket: Duplex = new Duplex({
    allowHalfOpen: true,
    read() {
      link.read(sessionChannels.output).then(
        async (bytes) => {
          if (bytes !== undefined) {
            socket.push(bytes);
            return;
          }
          // The end of the bytes comes just before the outcome, which says whether there was a connection at all.
          const end = await outcome.catch((): SessionOutcome => ({ failure: 'connection reset by peer' }));
          if ('failure' in end) socket.destroy(new Error(end.failure));
          else socket.push(null);
        },
        () => socket.destroy(),
      );
    },
    write(chunk: Buffer, _encoding, done) {
      link.write(sessionChannels.input, chunk).then((written) => done(written ? null : new Error('write EPIPE')), done);
    },
    final(done) {
      link.end(sessionChannels.input);
      done();
    },
    destroy(error, done) {
      hangUp();
      done(error);
    },
  });
  return socket;
}
