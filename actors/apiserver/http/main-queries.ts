/**
 * What only the main thread knows: everybody's metrics, and the paths below `/kubehive/`. Where nobody holds the actor system
 * (an API server by itself), there are its own metrics and no such paths.
 */
import { StatusError } from '../../../src/api/index.ts';
import { type MainAnswer, mainChannels } from '../../../src/client/protocol.ts';
import { ActorMetrics, isBusError } from '../../../src/runtime/index.ts';
import type { Identity } from '../call.ts';
import type { Server } from '../server.ts';
import { type Reply, send } from './reply.ts';
import type { Query } from './requests.ts';
import { goJsonText } from './text.ts';

const MAIN = 'main';
const PREFIX = '/kubehive/';
const DEADLINE_MS = 10_000;

async function ask(server: Server, path: string, query: Query): Promise<MainAnswer | undefined> {
  try {
    const request = { path, query: { ...query.first } };
    return await server.context.bus.call(MAIN, mainChannels.query, request, { deadlineMs: DEADLINE_MS });
  } catch (error) {
    if (isBusError(error)) return undefined;
    throw error;
  }
}

/** What gives rights away: whoever may read all paths may not have it yet, only administrators. */
const ADMINISTRATORS_ONLY = ['/kubehive/kubeconfig'];

/** @throws StatusError 403 */
export function checkMainQuery(user: Identity, path: string): void {
  if (!ADMINISTRATORS_ONLY.includes(path) || user.groups.includes('system:masters')) return;
  const text = `User ${JSON.stringify(user.user)} cannot get path ${JSON.stringify(path)}: only system:masters can`;
  throw StatusError.forbidden({ group: '', name: '' }, '', text);
}

/** Answers a path below `/kubehive/`; false when it is none or nobody knows of it. */
export async function sendMainQuery(server: Server, reply: Reply, path: string, query: Query): Promise<boolean> {
  if (!path.startsWith(PREFIX)) return false;
  const answer = await ask(server, path.slice(PREFIX.length), query);
  if (answer === undefined) return false;
  if (typeof answer.body === 'string') send(reply, answer.code, 'text/plain; charset=utf-8', answer.body);
  else send(reply, answer.code, 'application/json', `${goJsonText(answer.body)}\n`);
  return true;
}

/** `/metrics`: those of all actors where they can be had. */
export async function sendMetrics(server: Server, reply: Reply, query: Query): Promise<void> {
  const answer = await ask(server, 'metrics', query);
  const { metrics } = server.context;
  const text =
    typeof answer?.body === 'string' && answer.code === 200
      ? answer.body
      : metrics instanceof ActorMetrics
        ? metrics.text()
        : '';
  send(reply, 200, 'text/plain; version=0.0.4; charset=utf-8', text);
}
