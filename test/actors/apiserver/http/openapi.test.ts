/** OpenAPI documents as clients fetch them: compressed, known by their tags, and for good at the address of their hash. */
import { get as getHttp } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 } });
});

afterAll(() => server.stop());

const JSON_TYPE = 'application/json';

/** As it comes over the wire, redirects and compression untouched. */
function raw(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; bytes: Buffer }>((resolve, reject) => {
    getHttp(server.url + path, { headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) }),
      );
    }).on('error', reject);
  });
}

describe('a document of the third version', () => {
  it('is at the address in the index, for good', async () => {
    const { paths } = JSON.parse((await raw('/openapi/v3')).bytes.toString());
    const address = paths['apis/apps/v1'].serverRelativeURL as string;
    const hash = new URL(address, server.url).searchParams.get('hash');
    const found = await raw(address);
    expect(found.status).toBe(200);
    expect(found.headers).toMatchObject({
      etag: `"${hash}"`,
      'cache-control': 'public, immutable',
      'content-type': JSON_TYPE,
      vary: 'Accept',
    });
    expect(String(found.headers['expires'])).toMatch(/^\w{3}, \d{2} \w{3} \d{4} [\d:]{8} UTC$/);
    const other = await raw('/openapi/v3/apis/apps/v1?hash=0');
    expect([other.status, other.headers['location']]).toEqual([301, address]);
    expect((await raw('/openapi/v3/apis/apps/v1')).headers['cache-control']).toBe('no-cache, private');
  });

  it('is not sent to whoever has it, nor to whoever does not read it', async () => {
    const { headers } = await raw('/openapi/v3/apis/apps/v1');
    const etag = String(headers['etag']);
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*'])
      expect((await raw('/openapi/v3/apis/apps/v1', { 'if-none-match': known })).status, known).toBe(304);
    expect((await raw('/openapi/v3/apis/apps/v1', { 'if-none-match': '"x"' })).status).toBe(200);
    expect((await raw('/openapi/v3/apis/apps/v1', { accept: 'text/html' })).status).toBe(406);
    expect((await raw('/openapi/v3/apis/apps/v1', { accept: 'text/html, */*;q=0.1' })).status).toBe(200);
    expect((await raw('/openapi/v3/apis/nope/v1')).status).toBe(404);
  });

  it('is sent compressed to those who ask for that', async () => {
    const plain = await raw('/openapi/v3/api/v1');
    const compressed = await raw('/openapi/v3/api/v1', { 'accept-encoding': 'gzip' });
    expect(compressed.headers['content-encoding']).toBe('gzip');
    expect(compressed.bytes.length * 5).toBeLessThan(plain.bytes.length);
    expect(compressed.headers['etag']).toBe(plain.headers['etag']);
    // Expanded by the client.
    expect(await (await fetch(`${server.url}/openapi/v3/api/v1`)).text()).toBe(plain.bytes.toString());
  });
});

describe('the document of the second version', () => {
  it('comes as JSON and as protobuf, each with its tag', async () => {
    const json = await raw('/openapi/v2');
    expect(JSON.parse(json.bytes.toString())).toMatchObject({ swagger: '2.0', security: [{ BearerToken: [] }] });
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    const protobuf = await raw('/openapi/v2', { accept });
    expect(protobuf.headers['content-type']).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
    expect(protobuf.headers['etag']).not.toBe(json.headers['etag']);
    const again = { accept, 'if-none-match': String(protobuf.headers['etag']) };
    expect((await raw('/openapi/v2', again)).status).toBe(304);
    expect((await raw('/openapi/v2', { accept: 'text/html' })).status).toBe(406);
  });
});
