/**
 * Exec and attach from the client's upgrade to the final status: the session with the kubelet on one side, the client's streams on
 * the other, bytes carried between them at the slower one's pace.
 * @see staging/src/k8s.io/apiserver/pkg/util/proxy/streamtranslator.go, staging/src/k8s.io/kubelet/pkg/cri/streaming/remotecommand
 */
import { type ApiObject, StatusError } from '../../../src/api/index.ts';
import { type NodeSessionTarget, type SessionOutcome, sessionChannels } from '../../../src/node/protocol.ts';
import { isBusError } from '../../../src/runtime/index.ts';
import { messageOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { type CommandClient, commandHandshake } from './command-client.ts';
import type { Exchange } from './exchange.ts';
import type { NodeSession } from './node-sessions.ts';
import { sendText, sessionFailure } from './refusals.ts';

const encoder = new TextEncoder();

type CommandTarget = Extract<NodeSessionTarget, { type: 'exec' | 'attach' }>;

export async function serveCommand(
  server: Server,
  exchange: Exchange,
  node: string,
  target: CommandTarget,
): Promise<void> {
  const { clock } = server.context;
  const handshake = commandHandshake(exchange, (ms, callback) => clock.after(ms, callback, { background: true }));
  if ('refused' in handshake) {
    if (handshake.code === 400) throw StatusError.badRequest(handshake.refused);
    sendText(exchange, handshake.code, handshake.refused);
    return;
  }
  let session: NodeSession | undefined;
  let failure: unknown;
  try {
    session = await server.sessions.open(node, target);
  } catch (error) {
    failure = error;
  }
  // A client of the newest protocol is accepted first and told then; the others are told instead of being accepted.
  if (session === undefined && !handshake.translated) {
    sessionFailure(server, exchange, node, failure);
    return;
  }
  let client: CommandClient;
  try {
    client = await handshake.accept(target);
  } catch {
    session?.hangUp();
    return;
  }
  if (session === undefined) {
    const words = refusalWords(server, node, failure);
    await client.finish(statusBytes(client, internalStatus(words)));
    return;
  }
  void client.closed.then(() => session.hangUp());
  const status = statusOf(target, await carry(session, client), client.translated);
  await client.finish(statusBytes(client, status));
}

async function carry(session: NodeSession, client: CommandClient): Promise<SessionOutcome> {
  const { link } = session;
  void (async () => {
    for (;;) {
      const bytes = await client.stdin();
      if (bytes === undefined) break;
      if (!(await link.write(sessionChannels.input, bytes))) return;
    }
    link.end(sessionChannels.input);
  })();
  void (async () => {
    for (;;) {
      const bytes = await client.resize();
      if (bytes === undefined) return;
      const size = sizeOf(bytes);
      if (size !== undefined) link.send({ resize: size });
    }
  })();
  const output = async (channel: number, stream: 'stdout' | 'stderr') => {
    for (;;) {
      const bytes = await link.read(channel);
      if (bytes === undefined) return;
      await client.write(stream, bytes);
    }
  };
  await Promise.all([output(sessionChannels.output, 'stdout'), output(sessionChannels.error, 'stderr')]);
  return session.outcome.catch((error: unknown) => ({ failure: messageOf(error) }));
}

/** `{"Width":80,"Height":24}`; several may come in one piece, of which the last counts. */
function sizeOf(bytes: Uint8Array): { width: number; height: number } | undefined {
  const last = [
    ...Buffer.from(bytes)
      .toString()
      .matchAll(/\{[^{}]*\}/g),
  ].at(-1)?.[0];
  if (last === undefined) return undefined;
  try {
    const { Width, Height } = JSON.parse(last) as { Width?: unknown; Height?: unknown };
    return typeof Width === 'number' && typeof Height === 'number' ? { width: Width, height: Height } : undefined;
  } catch {
    return undefined;
  }
}

interface CommandStatus {
  readonly object: ApiObject;
  readonly text: string;
}

function statusOf(target: CommandTarget, outcome: SessionOutcome, translated: boolean): CommandStatus {
  if ('failure' in outcome) {
    const verb = target.type === 'exec' ? 'error executing command in container' : 'error attaching to container';
    const words = `${verb}: ${outcome.failure}`;
    return internalStatus(translated ? `Internal error occurred: ${words}` : words);
  }
  const { exitCode } = outcome;
  if (exitCode === 0) return { object: { metadata: {}, status: 'Success' } as unknown as ApiObject, text: '' };
  const reason = translated
    ? `command terminated with exit code ${exitCode}`
    : `error executing command [${target.command.join(' ')}], exit code ${exitCode}`;
  const object = {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: ${reason}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  } as unknown as ApiObject;
  return { object, text: `error executing remote command: ${reason}` };
}

function internalStatus(words: string): CommandStatus {
  const error = StatusError.internalError(words);
  const { kind: _kind, apiVersion: _version, ...object } = error.toStatus() as unknown as Record<string, unknown>;
  return { object: object as unknown as ApiObject, text: error.message };
}

function statusBytes(client: CommandClient, { object, text }: CommandStatus): Uint8Array {
  return encoder.encode(client.status === 'json' ? JSON.stringify(object) : text);
}

/** What went wrong between the server and the kubelet, as a client of the newest protocol is told. */
function refusalWords(server: Server, node: string, error: unknown): string {
  if (isBusError(error) && error.details !== undefined) return `unable to upgrade connection: ${error.message}`;
  return `error dialing backend: ${server.nodes.unreachable(node)}`;
}
