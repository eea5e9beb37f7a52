/**
 * What listens on the ports of a simulated pod. A container listens on the TCP ports that its spec names and on those that its
 * probes ask, and answers HTTP by telling what it was asked. Annotations change that, also while the pod runs:
 *
 *     kubehive.io/port-<number>: echo            gives back every byte
 *     kubehive.io/port-<number>: http            the usual answer, on a port that the spec does not name
 *     kubehive.io/port-<number>: "http: text"    answers with this text
 *     kubehive.io/port-<number>: closed          nothing listens
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Container, Pod } from '../../api/index.ts';

const prefix = 'kubehive.io/port-';
const bodyBytesMax = 1024 * 1024;

/** How a port behaves; undefined when nothing listens on it. */
export function portBehaviour(pod: Pod, containers: readonly Container[], port: number): string | undefined {
  const told = pod.metadata?.annotations?.[prefix + port];
  if (told !== undefined) return told === 'closed' ? undefined : told;
  return containers.some((container) => listens(container, port)) ? 'http' : undefined;
}

function listens(container: Container, port: number): boolean {
  if (
    container.ports?.some(({ containerPort, protocol = 'TCP' }) => containerPort === port && protocol === 'TCP') ===
    true
  )
    return true;
  return [container.livenessProbe, container.readinessProbe, container.startupProbe].some(
    (probe) => probe?.httpGet?.port === port || probe?.tcpSocket?.port === port,
  );
}

interface Asked {
  readonly pod: Pod;
  readonly container: Container | undefined;
  readonly port: number;
  readonly behaviour: string;
}

const asked = new WeakMap<Duplex, Asked>();
let server: Server | undefined;

/** Lets the simulated container answer on the connection until either side closes it. */
export function answerPort(
  socket: Duplex,
  pod: Pod,
  containers: readonly Container[],
  port: number,
  behaviour: string,
): void {
  socket.on('error', () => socket.destroy());
  if (behaviour === 'echo') {
    socket.pipe(socket);
    return;
  }
  const container = containers.find((one) => listens(one, port)) ?? containers[0];
  asked.set(socket, { pod, container, port, behaviour });
  server ??= createServer((request, response) => void answerHttp(request, response));
  // Without a real socket below there is nothing to time out.
  server.emit('connection', socket);
}

async function answerHttp(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      size += (chunk as Buffer).length;
      if (size <= bodyBytesMax) chunks.push(chunk as Buffer);
    }
  } catch {
    return;
  }
  const found = asked.get(request.socket as unknown as Duplex);
  if (found === undefined) {
    response.destroy();
    return;
  }
  const { pod, container, port, behaviour } = found;
  const fixed = /^http:\s?(.*)$/s.exec(behaviour)?.[1];
  const lines = [
    `Hostname: ${pod.spec?.hostname ?? pod.metadata?.name ?? ''}`,
    `Pod: ${pod.metadata?.namespace}/${pod.metadata?.name}`,
    `Container: ${container?.name} (${container?.image}, simulated), port ${port}`,
    '',
    `${request.method} ${request.url} HTTP/${request.httpVersion}`,
    ...Object.entries(request.headers).map(([name, value]) => `${name}: ${[value].flat().join(', ')}`),
    '',
    Buffer.concat(chunks).toString(),
  ];
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', server: 'kubehive-simulated' });
  response.end(fixed === undefined ? `${lines.join('\n')}\n` : fixed);
}
