/** Files of authentication and authorization count from the minute on in which they change; those that are wrong change nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadExpressions } from '../../src/api/index.ts';
import { reloadConfigurations } from '../../src/cluster/configuration-reload.ts';
import { securityOptions } from '../../src/cluster/security.ts';
import { startServer, type TestServer } from '../actors/apiserver/fixtures.ts';

const directory = mkdtempSync(join(tmpdir(), 'reload-'));
const authenticationConfig = join(directory, 'authentication.yaml');
const authorizationConfig = join(directory, 'authorization.yaml');
const MINUTE_MS = 60_000;
let server: TestServer;

const write = (path: string, kind: string, body: object) =>
  writeFileSync(path, JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind, ...body }));
const authenticate = (...paths: string[]) =>
  write(authenticationConfig, 'AuthenticationConfiguration', {
    anonymous: { enabled: true, conditions: paths.map((path) => ({ path })) },
  });
const authorize = (...types: string[]) =>
  write(authorizationConfig, 'AuthorizationConfiguration', {
    authorizers: types.map((type) => ({ type, name: type.toLowerCase() })),
  });

beforeAll(async () => {
  await loadExpressions();
  authenticate('/livez');
  authorize('RBAC');
  const security = { authenticationConfig, authorizationConfig };
  server = await startServer(
    {
      http: { host: '127.0.0.1', port: 0 },
      httpUser: null,
      tokens: [{ token: 'jane', user: 'jane', groups: [] }],
      ...securityOptions(security, undefined),
    },
    { clock: 'virtual', logLevel: 'silent' },
  );
  reloadConfigurations(server.system, security);
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

async function statusOf(path: string, token?: string): Promise<number> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return (await server.http('GET', path, undefined, headers)).status;
}

async function reloads(file: string, status: string): Promise<number> {
  const name = `apiserver_${file}_config_controller_automatic_reloads_total{status="${status}"`;
  const line = (await server.system.metricsText()).split('\n').find((one) => one.startsWith(name));
  return Number(line?.split(' ').at(-1) ?? 0);
}

it('lets anonymous requests in where the file says so by now', async () => {
  expect([await statusOf('/livez'), await statusOf('/version')]).toEqual([200, 401]);
  authenticate('/version');
  await server.system.advance(MINUTE_MS);
  expect([await statusOf('/livez'), await statusOf('/version')]).toEqual([401, 200]);
  expect(await reloads('authentication', 'success')).toBe(1);
});

it('keeps what it has while the file is wrong, and says so once', async () => {
  writeFileSync(authenticationConfig, 'jwt: [');
  await server.system.advance(3 * MINUTE_MS);
  expect([await statusOf('/livez'), await statusOf('/version')]).toEqual([401, 200]);
  expect(await reloads('authentication', 'failure')).toBe(1);
  rmSync(authenticationConfig);
  await server.system.advance(MINUTE_MS);
  expect(await statusOf('/version')).toBe(200);
  authenticate('/livez');
  await server.system.advance(MINUTE_MS);
  expect([await statusOf('/livez'), await statusOf('/version')]).toEqual([200, 401]);
});

it('asks the authorizers that the file names by now', async () => {
  const pods = '/api/v1/pods';
  expect(await statusOf(pods, 'jane')).toBe(403);
  authorize('RBAC', 'AlwaysAllow');
  await server.system.advance(MINUTE_MS);
  expect(await statusOf(pods, 'jane')).toBe(200);
  authorize('RBAC');
  await server.system.advance(MINUTE_MS);
  expect(await statusOf(pods, 'jane')).toBe(403);
  expect(await reloads('authorization', 'success')).toBe(2);
});

it('neither adds nor removes Node and RBAC', async () => {
  for (const [index, types] of [['AlwaysAllow'], ['Node', 'RBAC', 'AlwaysAllow']].entries()) {
    authorize(...types);
    await server.system.advance(MINUTE_MS);
    expect(await statusOf('/api/v1/pods', 'jane')).toBe(403);
    expect(await reloads('authorization', 'failure')).toBe(index + 1);
  }
});
