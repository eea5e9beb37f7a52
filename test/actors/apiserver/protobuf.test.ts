/** Protobuf over HTTP: bodies, answers, lists, watches and refusals, as Go clients ask for them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeProtobuf,
  encodeProtobuf,
  objectSchema,
  openProtobuf,
  protobufMessageOf,
} from '../../../src/api/index.ts';
import { configMap, startServer, type TestServer } from './fixtures.ts';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const CMS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 } });
});
afterAll(() => server.stop());

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly kind: string;
  readonly object: Record<string, unknown>;
}

/** Sends an object as protobuf, or nothing, and reads a protobuf answer by the definition of its kind. */
async function request(method: string, path: string, definition: string, body?: object, accept = PROTOBUF) {
  const bodyDefinition =
    (body as { kind?: string } | undefined)?.kind === 'DeleteOptions' ? `${META}.DeleteOptions` : definition;
  const response = await fetch(server.url + path, {
    method,
    headers: { accept, ...(body === undefined ? {} : { 'content-type': PROTOBUF }) },
    ...(body === undefined ? {} : { body: new Uint8Array(encodeProtobuf(body, protobufMessageOf(bodyDefinition)!)) }),
  });
  const type = response.headers.get('content-type');
  const bytes = Buffer.from(await response.arrayBuffer());
  if (type !== PROTOBUF) return { status: response.status, type, kind: '', object: JSON.parse(bytes.toString()) };
  const { kind, raw } = openProtobuf(bytes);
  const answered = kind === 'Status' ? `${META}.Status` : definition;
  const answer: Answer = { status: response.status, type, kind, object: decodeProtobuf(raw, objectSchema(answered)!) };
  return answer;
}

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'nginx', resources: { limits: { cpu: '1000m' } } }] },
    },
  },
};
const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment';
const CONFIG_MAP = 'io.k8s.api.core.v1.ConfigMap';

describe('objects', () => {
  it('are created, read, replaced and deleted', async () => {
    const created = await request('POST', DEPLOYMENTS, DEPLOYMENT, deployment);
    expect(created).toMatchObject({ status: 201, type: PROTOBUF, kind: 'Deployment' });
    expect(created.object).toMatchObject({
      metadata: { name: 'web', namespace: 'default', generation: 1 },
      spec: { replicas: 0, template: { spec: { containers: [{ resources: { limits: { cpu: '1' } } }] } } },
    });
    const read = await request('GET', `${DEPLOYMENTS}/web`, DEPLOYMENT);
    expect(read.object).toEqual(created.object);
    const replaced = { ...deployment, ...read.object, spec: { ...deployment.spec, replicas: 3 } };
    const updated = await request('PUT', `${DEPLOYMENTS}/web`, DEPLOYMENT, replaced);
    expect(updated).toMatchObject({ status: 200, object: { spec: { replicas: 3 } } });
    const scale = await request('GET', `${DEPLOYMENTS}/web/scale`, 'io.k8s.api.autoscaling.v1.Scale');
    expect(scale).toMatchObject({ kind: 'Scale', object: { spec: { replicas: 3 } } });
    const options = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'other' } };
    const refused = await request('DELETE', `${DEPLOYMENTS}/web`, DEPLOYMENT, options);
    expect(refused).toMatchObject({ status: 409, kind: 'Status', object: { reason: 'Conflict' } });
    expect(await request('DELETE', `${DEPLOYMENTS}/web`, DEPLOYMENT)).toMatchObject({ status: 200 });
    const gone = await request('GET', `${DEPLOYMENTS}/web`, DEPLOYMENT);
    expect(gone).toMatchObject({
      status: 404,
      type: PROTOBUF,
      kind: 'Status',
      object: { reason: 'NotFound', code: 404 },
    });
  });

  it('are the same in JSON', async () => {
    await request('POST', CMS, CONFIG_MAP, configMap('same', { k: 'größe' }));
    const json = await server.http('GET', `${CMS}/same`);
    expect(json.body).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { k: 'größe' } });
    const { object } = await request('GET', `${CMS}/same`, CONFIG_MAP);
    expect(object['data']).toEqual(json.body.data);
    expect((object['metadata'] as Record<string, unknown>)['uid']).toBe(json.body.metadata.uid);
  });

  it('of another kind than the path says are refused', async () => {
    const answer = await request('POST', CMS, DEPLOYMENT, deployment);
    expect(answer).toMatchObject({ status: 400, kind: 'Status' });
  });

  it('that end too early are refused by their kind', async () => {
    const body = Uint8Array.of(0x6b, 0x38, 0x73, 0, 0x12, 2, 0x0a, 9);
    const answer = await fetch(server.url + CMS, { method: 'POST', headers: { 'content-type': PROTOBUF }, body });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      message: 'ConfigMap in version "v1" cannot be handled as a ConfigMap: unexpected EOF',
    });
  });
});

describe('lists, metadata and tables', () => {
  it('has lists, of objects and of metadata', async () => {
    await server.http('POST', CMS, configMap('one', { a: '1' }, { of: 'list' }));
    await server.http('POST', CMS, configMap('two', { a: '2' }, { of: 'list' }));
    const list = await request('GET', `${CMS}?labelSelector=of%3Dlist`, `${CONFIG_MAP}List`);
    expect(list).toMatchObject({
      kind: 'ConfigMapList',
      object: { items: [{ data: { a: '1' } }, { data: { a: '2' } }] },
    });
    const accept = `${PROTOBUF};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io`;
    const metadata = await request('GET', `${CMS}?labelSelector=of%3Dlist`, `${CONFIG_MAP}List`, undefined, accept);
    expect(metadata.kind).toBe('PartialObjectMetadataList');
    expect(metadata.object).toMatchObject({ items: [{ metadata: { name: 'one' } }, { metadata: { name: 'two' } }] });
    expect(JSON.stringify(metadata.object)).not.toContain('"data"');
  });

  it('has no tables, and gives the next best form', async () => {
    const table = `${PROTOBUF};as=Table;v=v1;g=meta.k8s.io`;
    expect(await request('GET', CMS, CONFIG_MAP, undefined, table)).toMatchObject({
      status: 406,
      type: 'application/json',
      object: {
        message:
          'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
      },
    });
    const json = await server.http('GET', `${CMS}/one`, undefined, { accept: `${table},application/json` });
    expect(json.body.kind).toBe('ConfigMap');
  });

  it('goes by the order and the quality of what is asked for', async () => {
    const typeOf = async (accept: string) =>
      (await server.http('GET', `${CMS}/one`, undefined, { accept })).headers.get('content-type');
    expect(await typeOf(`${PROTOBUF},application/json`)).toBe(PROTOBUF);
    expect(await typeOf(`application/json,${PROTOBUF}`)).toBe('application/json');
    expect(await typeOf(`${PROTOBUF};q=0.5,application/json;q=0.9`)).toBe('application/json');
  });

  it('has discovery, but not the version', async () => {
    const resources = await request('GET', '/api/v1', `${META}.APIResourceList`);
    expect(resources.kind).toBe('APIResourceList');
    const bytes = Buffer.from(
      await (await fetch(`${server.url}/apis`, { headers: { accept: PROTOBUF } })).arrayBuffer(),
    );
    expect(openProtobuf(bytes)).toMatchObject({ kind: 'APIGroupList', apiVersion: 'v1' });
    expect((await server.http('GET', '/version', undefined, { accept: PROTOBUF })).status).toBe(406);
    const both = await server.http('GET', '/version', undefined, { accept: `${PROTOBUF},application/json` });
    expect(both.headers.get('content-type')).toBe('application/json');
  });
});

describe('watches', () => {
  it('are frames of events', async () => {
    const accept = `${PROTOBUF};stream=watch,${PROTOBUF}`;
    const url = `${server.url}${CMS}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dwatched`;
    const response = await fetch(url, { headers: { accept } });
    expect(response.headers.get('content-type')).toBe(`${PROTOBUF};stream=watch`);
    await server.http('POST', CMS, configMap('watched', { a: '1' }));
    await server.http('DELETE', `${CMS}/watched`);
    const bytes = Buffer.from(await response.arrayBuffer());
    const types: string[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.readUInt32BE(at);
      const event = bytes.subarray(at + 4, at + 4 + length);
      types.push(event.toString('utf8', 2, 2 + (event[1] as number)));
      const { kind, raw } = openProtobuf(event.subarray(event.indexOf('k8s\0')));
      expect(kind).toBe('ConfigMap');
      expect(decodeProtobuf(raw, objectSchema(CONFIG_MAP)!)).toMatchObject({
        metadata: { name: 'watched' },
        data: { a: '1' },
      });
      at += 4 + length;
    }
    expect(types).toEqual(['ADDED', 'DELETED']);
  });
});
