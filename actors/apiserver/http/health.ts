/**
 * `/healthz`, `/livez` and `/readyz` with their checks, by upstream's names.
 * @see staging/src/k8s.io/apiserver/pkg/server/healthz/healthz.go
 */
import { messageOf } from '../failures.ts';
import type { Server } from '../server.ts';
import { type Reply, send } from './reply.ts';
import type { Query } from './requests.ts';

interface Check {
  readonly name: string;
  /** Endpoints that do not have it. */
  readonly notIn?: readonly string[];
  /** Undefined when all is well. */
  run(server: Server): undefined | string | Promise<undefined | string>;
}

const well = () => undefined;
const whenReady = (server: Server) => (server.ready ? undefined : 'not finished');
const whenRead = (server: Server) => (server.caches.unreadable.size === 0 ? whenReady(server) : 'informers not synced');

async function storeCheck(server: Server): Promise<string | undefined> {
  try {
    await server.store.range({ key: '/registry/health', limit: 1 });
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

const hooks = (...names: string[]): Check[] => names.map((name) => ({ name: `poststarthook/${name}`, run: whenReady }));

/** The paths of all checks, for the list of paths. */
export function healthPaths(): string[] {
  return ['healthz', 'livez', 'readyz'].flatMap((endpoint) => [
    `/${endpoint}`,
    ...CHECKS.filter(({ notIn }) => notIn?.includes(endpoint) !== true).map(({ name }) => `/${endpoint}/${name}`),
  ]);
}

/** In upstream's order. */
const CHECKS: readonly Check[] = [
  { name: 'ping', run: well },
  { name: 'log', run: well },
  { name: 'loopback-serving-certificate', run: well },
  { name: 'etcd', run: storeCheck },
  { name: 'etcd-readiness', notIn: ['healthz', 'livez'], run: storeCheck },
  { name: 'informer-sync', notIn: ['healthz', 'livez'], run: whenRead },
  ...hooks(
    'start-apiserver-admission-initializer',
    'generic-apiserver-start-informers',
    'priority-and-fairness-config-consumer',
    'priority-and-fairness-filter',
    'storage-object-count-tracker-hook',
    'start-apiextensions-informers',
    'start-apiextensions-controllers',
    'crd-informer-synced',
    'start-system-namespaces-controller',
    'peer-endpoint-reconciler-controller',
    'start-cluster-authentication-info-controller',
    'start-kube-apiserver-identity-lease-controller',
    'start-kube-apiserver-identity-lease-garbage-collector',
    'storage-readiness',
    'start-legacy-token-tracking-controller',
    'start-service-ip-repair-controllers',
    'rbac/bootstrap-roles',
    'scheduling/bootstrap-system-priority-classes',
    'priority-and-fairness-config-producer',
    'bootstrap-controller',
    'start-kubernetes-service-cidr-controller',
    'start-kube-aggregator-informers',
    'apiservice-status-local-available-controller',
    'apiservice-status-remote-available-controller',
    'apiservice-registration-controller',
    'apiservice-wait-for-first-sync',
    'apiservice-discovery-controller',
    'kube-apiserver-autoregistration',
  ),
  { name: 'autoregister-completion', run: whenReady },
  ...hooks('apiservice-openapi-controller', 'apiservice-openapiv3-controller'),
  { name: 'shutdown', notIn: ['healthz', 'livez'], run: well },
];

/** Only where values are encrypted by plugins, or the configuration may come to say so. */
const KMS_CHECK: Check = { name: 'kms-providers', run: ({ encryption }) => encryption?.health() };

const checksOf = ({ options }: Server): readonly Check[] =>
  options.encryptionReloads ||
  options.encryption.some(({ providers }) => providers.some(({ kms }) => kms !== undefined))
    ? [...CHECKS.slice(0, -1), KMS_CHECK, ...CHECKS.slice(-1)]
    : CHECKS;

const PLAIN = 'text/plain; charset=utf-8';
const NOSNIFF = { 'x-content-type-options': 'nosniff' };

export async function sendHealth(server: Server, reply: Reply, path: string, query: Query): Promise<void> {
  const [, endpoint = '', ...rest] = path.split('/');
  const checks = checksOf(server).filter((check) => !check.notIn?.includes(endpoint));
  if (rest.length > 0)
    return sendOne(
      server,
      reply,
      checks.find((check) => check.name === rest.join('/')),
    );
  const excluded = new Set(query.all('exclude'));
  const unknown = [...excluded].filter((name) => !checks.some((check) => check.name === name));
  const lines: string[] = [];
  let healthy = true;
  for (const check of checks) {
    if (excluded.has(check.name)) {
      lines.push(`[+]${check.name} excluded: ok`);
      continue;
    }
    const failure = await check.run(server);
    if (failure === undefined) lines.push(`[+]${check.name} ok`);
    else {
      healthy = false;
      lines.push(`[-]${check.name} failed: reason withheld`);
    }
  }
  if (unknown.length > 0) {
    lines.push(
      `warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(', ')}`,
    );
  }
  const verbose = query.first['verbose'] !== undefined;
  if (healthy) {
    const text = verbose ? `${lines.join('\n')}\n${endpoint} check passed\n` : 'ok';
    return send(reply, 200, PLAIN, text, NOSNIFF);
  }
  send(reply, 500, PLAIN, `${lines.join('\n')}\n${endpoint} check failed\n`, NOSNIFF);
}

async function sendOne(server: Server, reply: Reply, check: Check | undefined): Promise<void> {
  if (check === undefined) return send(reply, 404, PLAIN, '404 page not found\n', NOSNIFF);
  const failure = await check.run(server);
  if (failure === undefined) return send(reply, 200, PLAIN, 'ok', NOSNIFF);
  send(reply, 500, PLAIN, `internal server error: ${failure}\n`, NOSNIFF);
}
