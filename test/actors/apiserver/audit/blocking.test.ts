/** An audit log that requests wait for: it is complete when an answer is here, and may refuse what it cannot record. */
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { AuditMode } from '../../../../actors/apiserver/audit/index.ts';
import { type LocalService, localService } from '../authentication/local-services.ts';
import { configMap, startServer, type TestServer } from '../fixtures.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const policy = { rules: [{ level: 'Metadata' as const, users: ['admin'] }] };
const place = () => join(mkdtempSync(join(tmpdir(), 'kubehive-blocking-')), 'audit.log');
let server: TestServer;
let sink: LocalService | undefined;
afterEach(async () => {
  await server.stop();
  await sink?.stop();
  sink = undefined;
});

async function start(path: string, mode: AuditMode): Promise<void> {
  server = await startServer(
    { http: { host: '127.0.0.1', port: 0 }, audit: { policy, log: { path, mode } } },
    { logLevel: 'silent' },
  );
}
const stagesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ requestURI }) => requestURI.startsWith(CONFIG_MAPS) || requestURI === '/version')
    .map(({ stage, verb, responseStatus }) => `${verb} ${stage} ${responseStatus?.code ?? ''}`.trim());
async function rejected(): Promise<string | undefined> {
  const text = await server.system.metricsText();
  return text.split('\n').find((line) => line.startsWith('apiserver_audit_requests_rejected_total'));
}

it('holds what was answered when the answer is here', async () => {
  const path = place();
  await start(path, 'blocking');
  const seen: string[] = [];
  for (const [method, suffix, body, ...stages] of [
    ['POST', '', configMap('a'), 'create RequestReceived', 'create ResponseComplete 201'],
    ['POST', '', configMap('a'), 'create RequestReceived', 'create ResponseComplete 409'],
    ['GET', '/b', undefined, 'get RequestReceived', 'get ResponseComplete 404'],
  ] as const) {
    await server.http(method, CONFIG_MAPS + suffix, body);
    seen.push(...stages);
    expect(stagesOf(path)).toEqual(seen);
  }
});

it('lets requests go on when it cannot be written, and counts that', async () => {
  const path = place();
  mkdirSync(path);
  await start(path, 'blocking');
  expect((await server.http('POST', CONFIG_MAPS, configMap('a'))).status).toBe(201);
  expect(await rejected()).toMatch(/ 0$/);
  expect(await server.system.metricsText()).toMatch(/apiserver_audit_error_total\{.*plugin="log".*\} [1-9]/);
});

it("refuses what it cannot record where that is wanted, in upstream's words", async () => {
  const path = place();
  mkdirSync(path);
  await start(path, 'blocking-strict');
  const refused = await server.http('POST', CONFIG_MAPS, configMap('a'));
  expect(refused.status).toBe(500);
  expect(refused.text).toBe(`Internal Server Error: "${CONFIG_MAPS}": failed to store audit event\n`);
  expect((await server.http('GET', '/version')).text).toBe(
    'Internal Server Error: "/version": failed to store audit event\n',
  );
  expect(await rejected()).toMatch(/ 2$/);
});

it('has a webhook hear of a request before its client does', async () => {
  sink = await localService(() => ({}));
  const webhook = { endpoint: { url: sink.url }, mode: 'blocking' as const };
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, audit: { policy, webhook } });
  await server.http('POST', CONFIG_MAPS, configMap('a'));
  const stages = (sink.requests as { items: { stage: string; verb: string }[] }[]).flatMap(({ items }) =>
    items.filter(({ verb }) => verb === 'create').map(({ stage }) => stage),
  );
  expect(stages).toEqual(['RequestReceived', 'ResponseComplete']);
});
