import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../support/up.ts';
import { type Json, startWebhook, type TestWebhook } from '../../../support/webhook.ts';
import { startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;
let hook: TestWebhook;

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const at = (version: string) => `/apis/example.com/${version}/namespaces/default/hosts`;

/** `host: a:1` in v1 is `host: a, port: 1` in v2. */
function convert(object: Json, version: string): Json {
  if (object.apiVersion === version) return object;
  const { spec = {} } = object;
  if (version === 'example.com/v1') {
    return { ...object, apiVersion: version, spec: { hostPort: `${spec.host}:${spec.port}` } };
  }
  const [host, port] = String(spec.hostPort).split(':');
  return { ...object, apiVersion: version, spec: { host, port } };
}

function answer(review: Json, more: (objects: Json[]) => Json = (convertedObjects) => ({ convertedObjects })): Json {
  const { apiVersion, kind, request } = review;
  const objects = request.objects.map((object: Json) => convert(object, request.desiredAPIVersion));
  return { apiVersion, kind, response: { uid: request.uid, result: { status: 'Success' }, ...more(objects) } };
}

const schema = (properties: object) => ({
  openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } },
});
const text = { type: 'string' };

beforeAll(async () => {
  [server, hook] = await Promise.all([startServer({ http: { host: '127.0.0.1', port: 0 } }), startWebhook()]);
  hook.answer((review) => answer(review));
  const { status, text: why } = await server.http('POST', definitions, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'hosts.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'hosts', singular: 'host', kind: 'Host', listKind: 'HostList' },
      versions: [
        { name: 'v1', served: true, storage: false, schema: schema({ hostPort: text }) },
        {
          name: 'v2',
          served: true,
          storage: true,
          schema: schema({ host: text, port: text, scheme: { ...text, default: 'https' } }),
        },
      ],
      conversion: {
        strategy: 'Webhook',
        webhook: {
          conversionReviewVersions: ['v1'],
          clientConfig: { url: hook.url, caBundle: hook.caBundle },
        },
      },
    },
  });
  expect(status, why).toBe(201);
  await eventually(async () => (await server.http('GET', at('v1'))).status === 200);
});
afterAll(async () => {
  await Promise.all([server.stop(), hook.stop()]);
});
beforeEach(() => {
  hook.answer((review) => answer(review));
  hook.reviews.length = 0;
});

/** An answer whose objects have other metadata. */
const withMetadata = (change: (metadata: Json) => Json) => (objects: Json[]) => ({
  convertedObjects: objects.map((object) => ({ ...object, metadata: change(object.metadata) })),
});

const host = (version: string, name: string, spec: object) => ({
  apiVersion: `example.com/${version}`,
  kind: 'Host',
  metadata: { name, namespace: 'default', labels: { made: version } },
  spec,
});

describe('custom kinds that a webhook converts', () => {
  it('are written in one version and read in the other', async () => {
    const made = await server.http('POST', at('v1'), host('v1', 'one', { hostPort: 'a:1' }));
    expect(made.status, made.text).toBe(201);
    expect(made.body).toMatchObject({ apiVersion: 'example.com/v1', spec: { hostPort: 'a:1' } });
    const { body } = await server.http('GET', `${at('v2')}/one`);
    expect(body).toMatchObject({
      apiVersion: 'example.com/v2',
      kind: 'Host',
      spec: { host: 'a', port: '1', scheme: 'https' },
    });
    expect(body.metadata.managedFields).toHaveLength(1);
    expect(body.metadata.uid).toBe(made.body.metadata.uid);
    const [first] = hook.reviews;
    expect(first).toMatchObject({
      kind: 'ConversionReview',
      apiVersion: 'apiextensions.k8s.io/v1',
      request: { desiredAPIVersion: 'example.com/v2', objects: [{ apiVersion: 'example.com/v1', kind: 'Host' }] },
    });
  });

  it('are updated and patched in either version', async () => {
    await server.http('POST', at('v2'), host('v2', 'two', { host: 'b', port: '2' }));
    const merge = { 'content-type': 'application/merge-patch+json' };
    const patched = await server.http('PATCH', `${at('v1')}/two`, { spec: { hostPort: 'c:3' } }, merge);
    expect(patched.body, patched.text).toMatchObject({ apiVersion: 'example.com/v1', spec: { hostPort: 'c:3' } });
    const current = (await server.http('GET', `${at('v2')}/two`)).body;
    expect(current.spec).toEqual({ host: 'c', port: '3', scheme: 'https' });
    const put = await server.http('PUT', `${at('v2')}/two`, { ...current, spec: { host: 'd', port: '4' } });
    expect(put.status, put.text).toBe(200);
    expect((await server.http('GET', `${at('v1')}/two`)).body.spec).toEqual({ hostPort: 'd:4' });
  });

  it('are applied, and refused when they break the schema of the version of the request', async () => {
    const apply = (spec: object) =>
      server.http(
        'PATCH',
        `${at('v1')}/three?fieldManager=me`,
        { apiVersion: 'example.com/v1', kind: 'Host', metadata: { name: 'three' }, spec },
        {
          'content-type': 'application/apply-patch+yaml',
        },
      );
    expect((await apply({ hostPort: 'e:5' })).status).toBe(201);
    expect((await apply({ hostPort: 'e:6' })).body.spec).toEqual({ hostPort: 'e:6' });
    const bad = await server.http('POST', at('v1'), host('v1', 'four', { hostPort: 7 }));
    expect(bad.status).toBe(422);
    expect(bad.body.message).toContain('spec.hostPort');
  });

  it('are listed with one review for all that need it, and only once', async () => {
    for (const name of ['l1', 'l2', 'l3'])
      await server.http('POST', at('v2'), host('v2', name, { host: name, port: '1' }));
    hook.reviews.length = 0;
    const selected = `${at('v1')}?labelSelector=made%3Dv2`;
    const names = async () =>
      (await server.http('GET', selected)).body.items
        .filter(({ metadata }: Json) => metadata.name.startsWith('l'))
        .map(({ spec }: Json) => spec.hostPort);
    expect(await names()).toEqual(['l1:1', 'l2:1', 'l3:1']);
    expect(hook.reviews).toHaveLength(1);
    await names();
    expect(hook.reviews).toHaveLength(1);
  });

  it('are watched in the version of the watch, in order', async () => {
    const controller = new AbortController();
    const response = await fetch(`${server.url}${at('v1')}?watch=true&resourceVersion=0&labelSelector=made%3Dv2`, {
      signal: controller.signal,
    });
    const seen: string[] = [];
    // Ends with an error when it is hung up on; what it has seen is asserted below.
    const reading = (async () => {
      const decoder = new TextDecoder();
      let rest = '';
      for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
        const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const { type, object } = JSON.parse(line);
          if (object.metadata.name.startsWith('w')) seen.push(`${type} ${object.apiVersion} ${object.spec.hostPort}`);
        }
      }
    })().catch(() => undefined);
    await server.http('POST', at('v2'), host('v2', 'w1', { host: 'w1', port: '1' }));
    await server.http('POST', at('v2'), host('v2', 'w2', { host: 'w2', port: '2' }));
    await server.http('DELETE', `${at('v2')}/w1`);
    await eventually(async () => seen.length === 3);
    expect(seen).toEqual(['ADDED example.com/v1 w1:1', 'ADDED example.com/v1 w2:2', 'DELETED example.com/v1 w1:1']);
    controller.abort();
    await reading;
  });

  it.each([
    [(objects: Json[]) => ({ convertedObjects: objects.slice(1) }), 'returned 0 objects, expected 1'],
    [() => ({ result: { status: 'Failure', message: 'cannot' } }), 'failed: cannot'],
    [() => ({ result: { status: 'Odd' } }), "failed: response.result.status was 'Odd', not 'Success'"],
    [() => ({ uid: 'other' }), 'failed: expected response.uid='],
    [
      (objects: Json[]) => ({ convertedObjects: objects.map((object) => ({ ...object, kind: 'Other' })) }),
      'returned invalid object at index 0: invalid kind (expected Host, received Other)',
    ],
    [
      (objects: Json[]) => ({
        convertedObjects: objects.map((object) => ({ ...object, apiVersion: 'example.com/v9' })),
      }),
      'returned invalid object at index 0: invalid groupVersion (expected example.com/v1, received example.com/v9)',
    ],
    [
      (objects: Json[]) => ({
        convertedObjects: objects.map((object) => ({ ...object, metadata: { ...object.metadata, name: 'x' } })),
      }),
      'returned invalid object: must have the same name: bad != x',
    ],
    [withMetadata(() => undefined), 'returned invalid object: must have the same name: bad != '],
    [withMetadata((metadata) => ({ ...metadata, uid: 'u' })), 'returned invalid object: must have the same UID: '],
    [
      withMetadata((metadata) => ({ ...metadata, namespace: 'other' })),
      'returned invalid object: must have the same namespace: default != other',
    ],
    [
      withMetadata((metadata) => ({ ...metadata, labels: ['a'] })),
      'returned invalid metadata: invalid metadata.labels of type []interface {} in converted object',
    ],
    [
      withMetadata((metadata) => ({ ...metadata, annotations: { a: 1 } })),
      'returned invalid metadata: metadata.annotations[a] must be a string, but is int64 in converted object',
    ],
    [
      withMetadata((metadata) => ({ ...metadata, labels: { a: 'b!' } })),
      'returned invalid metadata: metadata.labels: Invalid value: "b!": a valid label must be',
    ],
    [
      withMetadata((metadata) => ({ ...metadata, annotations: { 'a b': '' } })),
      'returned invalid metadata: metadata.annotation: Invalid value: "a b": name part must consist of',
    ],
    [() => ({ convertedObjects: undefined }), 'returned 0 objects, expected 1'],
  ])('say what is wrong with an answer', async (more, text) => {
    await server.http('DELETE', `${at('v2')}/bad`);
    await server.http('POST', at('v2'), host('v2', 'bad', { host: 'b', port: '1' }));
    hook.answer((review) => answer(review, more));
    const { status, body } = await server.http('GET', `${at('v1')}/bad`);
    expect(status).toBe(500);
    expect(body.message).toContain(`conversion webhook for example.com/v2, Kind=Host ${text}`);
    expect((await server.http('GET', `${at('v2')}/bad`)).status).toBe(200);
  });
});
