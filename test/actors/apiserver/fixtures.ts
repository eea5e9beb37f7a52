/** A store and an API server in this thread, on memory, with real time or virtual; and short ways to talk to them. */
import { type ApiserverOptions, apiserverActor } from '../../../actors/apiserver/index.ts';
import { storeActor } from '../../../actors/store/index.ts';
import { createBusClient } from '../../../src/client/index.ts';
import { apiserverChannels } from '../../../src/client/protocol.ts';
import { ActorSystem, type ActorSystemOptions } from '../../../src/runtime/index.ts';

export interface TestServer {
  readonly system: ActorSystem;
  readonly client: ReturnType<typeof createBusClient>;
  /** Base URL of the plain HTTP door, when it was asked for. */
  readonly url: string;
  /** Sends a request over HTTP; an object body is sent as JSON. */
  http(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<HttpAnswer>;
  stop(): Promise<void>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly body: any;
}

export async function startServer(
  options: ApiserverOptions = {},
  runtime: ActorSystemOptions = {},
): Promise<TestServer> {
  const system = new ActorSystem({ placement: 'inline', seed: 1, logLevel: 'error', ...runtime });
  await system.start({ definition: storeActor });
  // Plain HTTP is the administrator's, as in a cluster on loopback.
  const httpUser = { user: 'admin', groups: ['system:masters', 'system:authenticated'] };
  await system.start({ definition: apiserverActor, options: { httpUser, ...options } });
  const info = await system.bus.call('apiserver', apiserverChannels.info, {});
  const url = `http://127.0.0.1:${info.http ?? 0}`;
  return {
    system,
    client: createBusClient(system.bus),
    url,
    async http(method, path, body, headers = {}) {
      const response = await fetch(url + path, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
      return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
    },
    stop: () => system.stop(),
  };
}

/** A small pod. */
export function pod(name: string, more: Record<string, unknown> = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', ...(more['metadata'] as object | undefined) },
    spec: { containers: [{ name: 'c', image: 'nginx:1.25' }], ...(more['spec'] as object | undefined) },
  };
}

export function configMap(name: string, data: Record<string, string> = {}, labels?: Record<string, string>) {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default', ...(labels === undefined ? {} : { labels }) },
    data,
  };
}
