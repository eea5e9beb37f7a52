/**
 * The client over HTTP or HTTPS with JSON, for components in another process or on another machine, and for programs. The
 * same interface as over the bus. Connections are kept alive; a watch streams over one of its own.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import { Observable } from 'rxjs';
import { StatusError } from '../api/index.ts';
import { JsonLines } from './json-lines.ts';
import type { ApiTarget } from './protocol.ts';
import {
  deleteBody,
  keyOf,
  listQuery,
  patchMediaType,
  patchQuery,
  pathOf,
  type Query,
  targetOf,
  watchQuery,
  writeQuery,
} from './requests.ts';
import type { Client, KubernetesObject, ObjectList, Resource, WatchEvent, WatchOptions } from './types.ts';

export interface HttpClientOptions {
  /** Such as `https://127.0.0.1:6443`; a path in it is kept as a prefix. */
  readonly server: string;
  /** PEM of the certificate authority. */
  readonly ca?: string;
  /** PEM of the client certificate and its key. */
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
  /** Trust any server certificate. Default false. */
  readonly insecure?: boolean;
  /** Default `kubehive`. */
  readonly userAgent?: string;
  /** Connections for requests; watches have their own. Default 32. */
  readonly connectionsMax?: number;
}

export interface HttpClient extends Client {
  /** Closes all connections; running watches end. */
  close(): void;
}

interface Call {
  readonly method: string;
  readonly target: ApiTarget;
  readonly query?: Query | undefined;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

type WireEvent = { type: string; object: KubernetesObject & Record<string, unknown> };

const initialEventsEndAnnotation = 'k8s.io/initial-events-end';

/** Rejects with a StatusError for what the server answers, and with `ServiceUnavailable` when it cannot be reached. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const base = new URL(options.server);
  const secure = base.protocol === 'https:';
  const transport = secure ? https : http;
  const tls = {
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(options.cert === undefined ? {} : { cert: options.cert }),
    ...(options.key === undefined ? {} : { key: options.key }),
    ...(options.insecure ? { rejectUnauthorized: false } : {}),
  };
  const agentOptions = { keepAlive: true, maxSockets: options.connectionsMax ?? 32, noDelay: true };
  const agent = secure ? new https.Agent({ ...agentOptions, ...tls }) : new http.Agent(agentOptions);
  const watchAgent = secure ? new https.Agent({ keepAlive: false, ...tls }) : new http.Agent({ keepAlive: false });
  const prefix = base.pathname.replace(/\/$/, '');

  function open(call: Call, through: http.Agent): http.ClientRequest {
    const search = call.query === undefined ? '' : new URLSearchParams(call.query).toString();
    const text = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const request = transport.request({
      agent: through,
      method: call.method,
      host: base.hostname.replace(/^\[|\]$/g, ''),
      port: base.port === '' ? (secure ? 443 : 80) : Number(base.port),
      path: prefix + pathOf(call.target) + (search === '' ? '' : `?${search}`),
      headers: {
        accept: 'application/json',
        'user-agent': options.userAgent ?? 'kubehive',
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...(text === undefined
          ? {}
          : { 'content-type': call.contentType ?? 'application/json', 'content-length': text.length }),
      },
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    request.end(text);
    return request;
  }

  function send<Result>(call: Call): Promise<Result> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error) =>
        reject(call.signal?.aborted ? error : StatusError.serviceUnavailable(`${options.server}: ${error.message}`));
      const request = open(call, agent);
      request.on('error', fail);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () => {
          try {
            resolve(answerOf<Result>(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8')));
          } catch (error) {
            reject(error);
          }
        });
      });
    });
  }

  function watch<Type extends KubernetesObject>(
    resource: Resource<Type>,
    watchOptions: WatchOptions = {},
  ): Observable<WatchEvent<Type>> {
    return new Observable((subscriber) => {
      const { signal } = watchOptions;
      const target = targetOf(resource, watchOptions);
      const request = open({ method: 'GET', target, query: watchQuery(watchOptions), signal }, watchAgent);
      const fail = (error: Error) => {
        if (signal?.aborted) subscriber.complete();
        else subscriber.error(StatusError.serviceUnavailable(`${options.server}: ${error.message}`));
      };
      request.on('error', fail);
      request.on('response', (response) => {
        const lines = new JsonLines();
        const refused = response.statusCode !== 200;
        const refusal: Buffer[] = [];
        response.on('data', (chunk: Buffer) => {
          if (refused) refusal.push(chunk);
          else for (const text of lines.push(chunk)) deliver<Type>(subscriber, text);
        });
        response.on('error', fail);
        response.on('end', () => {
          if (!refused) return subscriber.complete();
          try {
            answerOf(response.statusCode ?? 0, Buffer.concat(refusal).toString('utf8'));
          } catch (error) {
            subscriber.error(error);
          }
        });
      });
      return () => request.destroy();
    });
  }

  return {
    watch,
    get: (resource, key, { resourceVersion, subresource, signal } = {}) =>
      send({
        method: 'GET',
        target: targetOf(resource, key, subresource),
        query: resourceVersion === undefined ? undefined : { resourceVersion },
        signal,
      }),
    async list(resource, listOptions = {}) {
      const { signal } = listOptions;
      const target = targetOf(resource, listOptions);
      return listOf(await send({ method: 'GET', target, query: listQuery(listOptions), signal }), resource);
    },
    create: (resource, object, { subresource, signal, ...write } = {}) =>
      send({
        method: 'POST',
        target: targetOf(resource, { namespace: object.metadata?.namespace }, subresource),
        query: writeQuery(write),
        body: typed(object, resource),
        signal,
      }),
    update: (resource, object, { subresource, signal, ...write } = {}) =>
      send({
        method: 'PUT',
        target: targetOf(resource, keyOf(object), subresource),
        query: writeQuery(write),
        body: typed(object, resource),
        signal,
      }),
    patch: (resource, key, type, patch, { subresource, signal, ...write } = {}) =>
      send({
        method: 'PATCH',
        target: targetOf(resource, key, subresource),
        query: patchQuery(write),
        body: patch,
        contentType: patchMediaType(type),
        signal,
      }),
    delete: (resource, key, { signal, ...rest } = {}) =>
      send({ method: 'DELETE', target: targetOf(resource, key), body: deleteBody(rest), signal }),
    async deleteCollection(resource, { signal, ...rest } = {}) {
      const target = targetOf(resource, rest);
      await send({ method: 'DELETE', target, query: listQuery(rest), body: deleteBody(rest), signal });
    },
    post: (resource, key, subresource, body, { signal, ...write } = {}) =>
      send({
        method: 'POST',
        target: targetOf(resource, key, subresource),
        query: writeQuery(write),
        body,
        signal,
      }),
    close() {
      agent.destroy();
      watchAgent.destroy();
    },
  };
}

function typed(object: KubernetesObject, resource: Resource): KubernetesObject {
  if (object.kind !== undefined && object.apiVersion !== undefined) return object;
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
}

function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** Throws the StatusError of an answer from 400 on; one whose body is no Status gets one from its code. */
function answerOf<Result>(code: number, text: string): Result {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    if (code < 400) throw StatusError.internalError(`the server answered ${code} with a body that is not JSON`);
  }
  if (code < 400) return body as Result;
  const status = body as { kind?: string } | undefined;
  if (status?.kind === 'Status') {
    throw StatusError.fromStatus(status as Parameters<typeof StatusError.fromStatus>[0]);
  }
  throw StatusError.fromStatus({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: text.trim(),
    code,
  });
}

/** Items of an HTTP list carry neither kind nor apiVersion; they get them here, as over the bus. */
function listOf<Type extends KubernetesObject>(
  list: {
    items?: Type[] | null;
    metadata?: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  },
  resource: Resource<Type>,
): ObjectList<Type> {
  const items = list.items ?? [];
  const apiVersion = apiVersionOf(resource);
  for (const item of items) {
    item.apiVersion ??= apiVersion;
    item.kind ??= resource.kind;
  }
  return {
    items,
    resourceVersion: list.metadata?.resourceVersion ?? '',
    continue: list.metadata?.continue,
    remainingItemCount: list.metadata?.remainingItemCount,
  };
}

function deliver<Type extends KubernetesObject>(
  subscriber: { next(event: WatchEvent<Type>): void; error(error: unknown): void },
  text: string,
): void {
  const { type, object } = JSON.parse(text) as WireEvent;
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') {
    subscriber.next({ type, object: object as KubernetesObject as Type });
  } else if (type === 'BOOKMARK') {
    subscriber.next({
      type: 'BOOKMARK',
      resourceVersion: object.metadata?.resourceVersion ?? '',
      initialEventsEnd: object.metadata?.annotations?.[initialEventsEndAnnotation] === 'true',
    });
  } else subscriber.error(StatusError.fromStatus(object as Parameters<typeof StatusError.fromStatus>[0]));
}
