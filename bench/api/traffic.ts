/** What the load generator is told to send, and what it tells of it. Plain data: it goes to another process and back. */

export type HttpTransport = 'http1' | 'https1' | 'http2';
export type Transport = HttpTransport | 'bus';

/** Where the API server listens, and as whom to speak with it. */
export interface Endpoint {
  readonly transport: HttpTransport;
  readonly host: string;
  readonly port: number;
  /** PEM; for the transports with TLS. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Requests that differ in numbers only: `{n}` in path, body and `expect` stands for the object's, `{i}` for the request's own. */
export interface RequestTemplate {
  readonly method: string;
  readonly path: string;
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  readonly accept?: string | undefined;
  /** Must be in the answer for it to count. */
  readonly expect: string;
  /** How often it must be there. Default: at least once. */
  readonly times?: number | undefined;
}

export interface Traffic {
  readonly type: 'requests';
  readonly endpoint: Endpoint;
  readonly template: RequestTemplate;
  /** Requests by number: `count` from `first` on. */
  readonly first: number;
  readonly count: number;
  /** Of so many objects, in turn. */
  readonly distinct: number;
  /** Connections (HTTP/1.1) or streams of one connection (HTTP/2), each with one request under way. */
  readonly width: number;
}

export interface Watching {
  readonly type: 'watch';
  readonly endpoint: Endpoint;
  readonly path: string;
  /** What each event holds once. */
  readonly marker: string;
  readonly watchers: number;
  /** Events that every watcher is to get. */
  readonly events: number;
}

export type Job = Traffic | Watching;

/** What the generator is told: a job, and to start with it. */
export type Order = Job | { readonly type: 'start' };

export interface TrafficResult {
  readonly type: 'result';
  /** Answers that held what was expected. */
  readonly answered: number;
  readonly bytes: number;
  readonly ms: number;
  /** Of the generator. */
  readonly cpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The first answer that was not as expected. */
  readonly refusal?: string | undefined;
}

/** What the generator says: connections are open, the job is done, or it cannot be done. */
export type Report = { readonly type: 'open' } | TrafficResult | { readonly type: 'failed'; readonly reason: string };

export const isSecure = (transport: HttpTransport): boolean => transport !== 'http1';

/** Fills in the object's number and the request's. */
export function numbered(template: string): (n: number, i: number) => string {
  const parts = template.split(/\{([ni])\}/);
  return (n, i) => {
    let text = parts[0] as string;
    for (let at = 1; at < parts.length; at += 2) text += (parts[at] === 'n' ? n : i) + (parts[at + 1] as string);
    return text;
  };
}
