/** Paths that are not resources: version, health, metrics, keys. Discovery and OpenAPI have files of their own. */
import { StatusError } from '../../../src/api/index.ts';
import type { Server } from '../server.ts';
import { sendObject, sendStatus } from './answers.ts';
import { sendDiscovery } from './discovery.ts';
import { healthPaths, sendHealth } from './health.ts';
import { sendIssuerMetadata } from './issuer-metadata.ts';
import { sendMainQuery, sendMetrics } from './main-queries.ts';
import type { Accepted } from './negotiation.ts';
import { documentsOf, sendOpenapi } from './openapi.ts';
import { type Reply, send } from './reply.ts';
import type { Query } from './requests.ts';

const ALWAYS_INDENTED = ['/', '/index.html', '/version'];
const PLAIN = 'text/plain; charset=utf-8';

/** Answers the path if it is one of these, and says whether it did. */
export async function sendPlainPath(
  server: Server,
  reply: Reply,
  path: string,
  query: Query,
  accepted: Accepted | undefined,
): Promise<boolean> {
  const method = reply.request.method ?? 'GET';
  const bare = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  if (/^\/(healthz|livez|readyz)(\/|$)/.test(bare)) {
    await sendHealth(server, reply, bare, query);
    return true;
  }
  if (bare === '/metrics') {
    await sendMetrics(server, reply, query);
    return true;
  }
  const dump = server.fairness?.dump(bare, (query.first['includeRequestDetails'] ?? '') !== '');
  if (dump !== undefined) {
    send(reply, 200, PLAIN, dump, { 'x-content-type-options': 'nosniff' });
    return true;
  }
  if ((method === 'GET' || method === 'HEAD') && sendIssuerMetadata(server, reply, bare)) return true;
  const document = documentOf(server, bare);
  if (document !== undefined) {
    if (accepted === undefined) sendStatus(reply, StatusError.notAcceptable(['application/json']), undefined);
    else if (method !== 'GET' && method !== 'HEAD') sendNotFound(reply);
    else sendObject(reply, 200, document, { ...accepted, pretty: accepted.pretty || ALWAYS_INDENTED.includes(bare) });
    return true;
  }
  return (
    sendDiscovery(server, reply, bare, accepted) ||
    (await sendOpenapi(server, reply, bare, query)) ||
    (await sendMainQuery(server, reply, bare, query))
  );
}

export function sendNotFound(reply: Reply): void {
  send(reply, 404, PLAIN, '404 page not found\n', { 'x-content-type-options': 'nosniff' });
}

function documentOf(server: Server, path: string): unknown {
  switch (path) {
    case '/':
    case '/index.html':
      return { paths: pathsOf(server) };
    case '/version':
      return versionOf(server);
    default:
      return undefined;
  }
}

/** What there is to ask for, in upstream's order. */
function pathsOf(server: Server): string[] {
  const served = documentsOf(server)
    .paths()
    .map((path) => `/${path}`);
  const own = ['/apis/', '/metrics', '/metrics/slis', '/openapi/v2', '/openapi/v3', '/openapi/v3/', ...healthPaths()];
  return [...new Set([...served, ...own])].sort();
}

function versionOf(server: Server): unknown {
  const { gitVersion, major, minor } = server.options.serverVersion;
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: 'go1.25.7',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}
