/**
 * Whatever a client sends, the answer is its own fault or fine: no server error, no crash, no request that is never answered.
 * Methods, paths, query parameters, headers and bodies are made of what the API knows and of what it does not.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, pod, startServer, type TestServer } from '../fixtures.ts';
import { type Asked, createSender, runsFactor, type Sender } from './sender.ts';

let server: TestServer;
let sender: Sender;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 } });
  sender = createSender(server);
  await server.http('POST', '/api/v1/namespaces/default/configmaps', configMap('one', { a: '1' }));
  await server.http('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  await server.http('POST', '/api/v1/namespaces/default/pods', pod('one'));
  await server.http('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('one'));
});

afterAll(async () => {
  sender.close();
  await server.stop();
});

const deployment = (name: string) => ({
  metadata: { name },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
});

const isFine = (asked: Asked): Promise<void> => sender.isFine(asked);

const odd = fc.oneof(
  fc.constantFrom(
    '',
    '%',
    '%2f',
    '%00',
    '..',
    '.',
    '__proto__',
    'constructor',
    'toString',
    ':',
    ' ',
    '-1',
    '999999999999999999999',
  ),
  fc.string({ maxLength: 12 }).map(encodeURIComponent),
);
const group = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('/api/v1', '/apis/apps/v1', '/apis/batch/v1', '/apis/rbac.authorization.k8s.io/v1'),
  },
  { weight: 1, arbitrary: odd.map((part) => `/apis/${part}/v1`) },
);
const resource = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'pods',
      'configmaps',
      'deployments',
      'nodes',
      'namespaces',
      'services',
      'secrets',
      'events',
      'jobs',
    ),
  },
  { weight: 1, arbitrary: odd },
);
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('one', 'two', 'default') },
  { weight: 1, arbitrary: odd },
);
const subresource = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        'status',
        'scale',
        'log',
        'exec',
        'attach',
        'portforward',
        'proxy',
        'proxy/x',
        'binding',
        'eviction',
        'ephemeralcontainers',
        'resize',
        'token',
      )
      .map((text) => `/${text}`),
  },
  { weight: 1, arbitrary: odd.map((text) => `/${text}`) },
);
const path = fc
  .tuple(group, fc.option(name, { freq: 4 }), resource, fc.option(name), subresource)
  .map(([root, namespace, what, which, below]) =>
    [
      root,
      namespace === null ? '' : `/namespaces/${namespace}`,
      `/${what}`,
      which === null ? '' : `/${which}${below}`,
    ].join(''),
  )
  // Only what an HTTP client may put on the wire.
  .map((text) => text.replace(/[^\x21-\x7e]/g, encodeURIComponent));

const selector = fc.oneof(
  fc.constantFrom(
    'a=b',
    'a!=b',
    'a in (b,c)',
    '!a',
    'a',
    'metadata.name=one',
    'status.phase=Running',
    'a notin ()',
    '=,=',
    'a in (',
    ',,',
    'x>1',
    'x<',
    'a=b,c',
  ),
  fc.string({ maxLength: 20 }),
);
const value = fc.oneof(
  fc.constantFrom(
    'true',
    'false',
    '1',
    '0',
    '-1',
    '',
    'All',
    'Strict',
    'Exact',
    'NotOlderThan',
    'x',
    '18446744073709551616',
    'Foreground',
    'v=1',
    'eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ',
  ),
  selector,
);
const query = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        'labelSelector',
        'fieldSelector',
        'limit',
        'continue',
        'resourceVersion',
        'resourceVersionMatch',
        'watch',
        'timeoutSeconds',
        'allowWatchBookmarks',
        'sendInitialEvents',
        'dryRun',
        'fieldManager',
        'fieldValidation',
        'force',
        'pretty',
        'gracePeriodSeconds',
        'propagationPolicy',
        'orphanDependents',
        'includeObject',
        'container',
        'command',
        'stdin',
        'tty',
        'ports',
        'tailLines',
        'sinceTime',
        'sinceSeconds',
        'limitBytes',
        'follow',
        'previous',
        'stream',
        'path',
        '__proto__',
      ),
      value,
    ),
    { maxLength: 4 },
  )
  .map((pairs) =>
    pairs.length === 0 ? '' : `?${pairs.map(([key, text]) => `${key}=${encodeURIComponent(text)}`).join('&')}`,
  );

const accept = fc.constantFrom(
  '*/*',
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/json;as=Nonsense;v=v9;g=x',
  'text/html',
  'a/b;q=x',
  ',;,',
  '',
);
const contentType = fc.constantFrom(
  'application/json',
  'application/yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/vnd.kubernetes.protobuf',
  'text/plain',
  'nonsense',
  ';',
  '',
);

const objects = fc.constantFrom(configMap('two', { a: '1' }), pod('two'), deployment('two'), pod('one'), {});
const oddValue = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, -1, 1e308, 2 ** 53, '', '__proto__', [], {}, [null], [[]], { '': 0 }),
);
/** An object of the API with something put where it does not belong. */
const damaged = fc
  .tuple(
    objects,
    fc.array(
      fc.constantFrom(
        'metadata',
        'spec',
        'name',
        'labels',
        'template',
        'containers',
        'data',
        '0',
        'finalizers',
        'ownerReferences',
        'managedFields',
        'annotations',
        'selector',
        'matchLabels',
        'image',
        'env',
        'volumes',
        'kind',
        'apiVersion',
        'deletionTimestamp',
        'resourceVersion',
        '__proto__',
        'replicas',
        'status',
      ),
      { minLength: 1, maxLength: 4 },
    ),
    oddValue,
  )
  .map(([object, keys, strange]) => {
    const copy = structuredClone(object) as Record<string, unknown>;
    let at: Record<string, unknown> = copy;
    for (const key of keys.slice(0, -1)) {
      const next = Object.hasOwn(at, key) ? at[key] : undefined;
      if (typeof next !== 'object' || next === null) at[key] = {};
      at = at[key] as Record<string, unknown>;
    }
    Object.defineProperty(at, keys.at(-1) as string, {
      value: strange,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    return JSON.stringify(copy);
  });
const patch = fc
  .oneof(
    fc.array(
      fc.record(
        {
          op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
          path: fc.constantFrom(
            '/metadata',
            '/spec/containers/0',
            '/spec/containers/-',
            '/data/a',
            '',
            '/',
            '~',
            '/metadata/labels/~1',
            '/spec/template/spec/containers/9',
            '/a/b/c',
          ),
          from: fc.constantFrom('/metadata', '/spec', '/nothing', ''),
          value: oddValue,
        },
        { requiredKeys: ['op', 'path'] },
      ),
      { maxLength: 3 },
    ),
    fc.record({
      spec: fc.record({
        $patch: fc.constantFrom('replace', 'delete', 'merge', 'x'),
        containers: fc.array(
          fc.record({
            name: fc.constantFrom('c', 'd'),
            $patch: fc.constantFrom('delete', 'replace', 'x'),
            $retainKeys: oddValue,
          }),
          { maxLength: 2 },
        ),
        '$setElementOrder/containers': oddValue,
        '$deleteFromPrimitiveList/x': oddValue,
      }),
    }),
  )
  .map((value) => JSON.stringify(value));
const body = fc.oneof(
  { weight: 4, arbitrary: damaged },
  { weight: 2, arbitrary: patch },
  { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '{',
      '[]',
      'null',
      '{"a":1,"a":2}',
      '{"__proto__":{"x":1}}',
      '\ufeff{}',
      '{"kind":"List"}',
      'a: &a [*a]',
      '--- \n---\n',
      '{"metadata":{"name":"\\ud800"}}',
    ),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.concat([Buffer.from('k8s\0'), bytes])),
  },
);

const runs = { numRuns: 500 * runsFactor, endOnFailure: true } as const;

describe('a server that anything is sent to', () => {
  it('answers reads without failing', { timeout: 120_000 * runsFactor }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'TRACE'),
        path,
        query,
        accept,
        (method, where, what, type) =>
          isFine({ method, path: where + what, headers: { accept: type }, body: undefined }),
      ),
      runs,
    );
  });

  it('answers writes without failing', { timeout: 120_000 * runsFactor }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('POST', 'PUT', 'PATCH', 'PATCH', 'DELETE'),
        path,
        query,
        contentType,
        body,
        (method, where, what, type, sent) =>
          isFine({
            method,
            path: where + what,
            headers: { 'content-type': type, 'content-length': String(Buffer.byteLength(sent)) },
            body: sent,
          }),
      ),
      { ...runs, numRuns: 900 * runsFactor },
    );
  });

  it('creates and patches what is meant to be a known object without failing', {
    timeout: 120_000 * runsFactor,
  }, async () => {
    const targets = fc.constantFrom(
      '/api/v1/namespaces/default/configmaps',
      '/api/v1/namespaces/default/pods',
      '/apis/apps/v1/namespaces/default/deployments',
    );
    await fc.assert(
      fc.asyncProperty(targets, damaged, patch, contentType, async (where, object, change, type) => {
        await isFine({
          method: 'POST',
          path: `${where}?dryRun=All`,
          headers: { 'content-type': 'application/json' },
          body: object,
        });
        await isFine({
          method: 'PUT',
          path: `${where}/one?dryRun=All`,
          headers: { 'content-type': 'application/json' },
          body: object,
        });
        await isFine({
          method: 'PATCH',
          path: `${where}/one?dryRun=All&fieldManager=f`,
          headers: { 'content-type': type },
          body: change,
        });
        await isFine({
          method: 'PATCH',
          path: `${where}/one?dryRun=All&fieldManager=f&force=true`,
          headers: { 'content-type': 'application/apply-patch+yaml' },
          body: object,
        });
      }),
      runs,
    );
  });

  it('goes on serving', async () => {
    expect((await server.http('GET', '/api/v1/namespaces/kube-system')).status).toBe(200);
    expect((await server.http('GET', '/readyz')).status).toBe(200);
  });
});
