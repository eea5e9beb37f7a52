/** What the server counts of authentication and authorization. */
import { afterEach, expect, it } from 'vitest';
import { scrape } from '../../support/metrics.ts';
import { startServer, type TestServer } from './fixtures.ts';

let server: TestServer;
afterEach(() => server.stop());

const tokens = [
  { token: 'root', user: 'admin', groups: ['system:masters'] },
  { token: 'jane', user: 'jane@example.com', groups: [] },
  { token: 'joe', user: 'joe', groups: [] },
];
const as = (token: string) => ({ authorization: `Bearer ${token}` });
const MAPS = '/api/v1/namespaces/default/configmaps';

async function serve(anonymous: boolean): Promise<void> {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, tokens, anonymous, httpUser: null });
}

it('counts who comes, by kinds of names, and who is not let in', async () => {
  await serve(false);
  const before = await scrape(server, as('root'));
  for (let i = 0; i < 2; i++) await server.http('GET', MAPS, undefined, as('jane'));
  await server.http('GET', MAPS, undefined, as('joe'));
  expect((await server.http('GET', MAPS, undefined, as('nobody'))).status).toBe(401);
  expect((await server.http('GET', MAPS)).status).toBe(401);
  const after = await scrape(server, as('root'));
  const grown = (name: string, labels: Record<string, string>) =>
    after.value(name, labels) - before.value(name, labels);
  expect(grown('authenticated_user_requests', { username: 'email_id' })).toBe(2);
  // The server's own calls are of others too, and may still go on.
  expect(grown('authenticated_user_requests', { username: 'other' })).toBeGreaterThanOrEqual(1);
  expect(grown('authenticated_user_requests', { username: 'admin' })).toBe(1);
  for (const name of ['authentication_attempts', 'authentication_duration_seconds_count']) {
    expect(grown(name, { result: 'success' }), name).toBeGreaterThanOrEqual(4);
    expect(grown(name, { result: 'error' }), name).toBe(1);
    expect(grown(name, { result: 'failure' }), name).toBe(1);
  }
});

it('counts whoever is anonymous as somebody', async () => {
  await serve(true);
  const before = await scrape(server, as('root'));
  expect((await server.http('GET', '/version')).status).toBe(200);
  const after = await scrape(server, as('root'));
  const name = 'authenticated_user_requests';
  expect(after.value(name, { username: 'other' }) - before.value(name, { username: 'other' })).toBeGreaterThanOrEqual(
    1,
  );
});

it('counts what users may and may not, of resources and of paths', async () => {
  await serve(true);
  const before = await scrape(server, as('root'));
  expect((await server.http('GET', MAPS, undefined, as('root'))).status).toBe(200);
  expect((await server.http('GET', MAPS, undefined, as('joe'))).status).toBe(403);
  expect((await server.http('GET', '/version', undefined, as('joe'))).status).toBe(200);
  expect((await server.http('GET', '/logs', undefined, as('joe'))).status).toBe(403);
  const after = await scrape(server, as('root'));
  for (const name of ['authorization_attempts_total', 'authorization_duration_seconds_count']) {
    // The second look at the metrics is one too, and the server's own calls are.
    const allowed = after.value(name, { result: 'allowed' }) - before.value(name, { result: 'allowed' });
    expect(allowed, name).toBeGreaterThanOrEqual(3);
    expect(after.value(name, { result: 'no-opinion' }) - before.value(name, { result: 'no-opinion' }), name).toBe(2);
  }
});

it('has the audit log’s metrics without an audit log', async () => {
  await serve(true);
  const { text } = await scrape(server, as('root'));
  expect(text).toContain('\napiserver_audit_event_total 0\n');
  expect(text).toContain('\napiserver_audit_requests_rejected_total 0\n');
});
