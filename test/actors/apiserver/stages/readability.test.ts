/** What clients are told of Secrets whose key is missing, and that they are there again once the key is. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { providerOf } from '../../../../actors/apiserver/encryption/providers.ts';
import { apiserverActor } from '../../../../actors/apiserver/index.ts';
import { storeActor } from '../../../../actors/store/index.ts';
import { apiserverChannels } from '../../../../src/client/protocol.ts';
import { ActorSystem, pack } from '../../../../src/runtime/index.ts';
import { remoteStore } from '../../../../src/store/index.ts';

const provider = (name: string) => ({
  aesgcm: { keys: [{ name, secret: Buffer.alloc(32, name.charCodeAt(0)).toString('base64') }] },
});
const encryption = (...names: string[]) => [{ resources: ['secrets'], providers: names.map(provider) }];
const KEY = '/registry/secrets/default/pw';
const SECRETS = '/api/v1/namespaces/default/secrets';
const NO_KEY = 'no matching key was found for the provided AES transformer';
const system = new ActorSystem({ placement: 'inline', seed: 1, logLevel: 'silent' });
let url: string;

beforeAll(async () => {
  await system.start({ definition: storeActor });
  const metadata = { name: 'pw', namespace: 'default', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' };
  const object = { metadata, type: 'Opaque', data: { a: 'aHVudGVyMg==' } };
  const value = providerOf(provider('lost'), new Map()).writer?.seal(pack(object), Buffer.from(KEY)) as Buffer;
  await remoteStore(system.bus, 'store').txn({ success: [{ type: 'put', key: KEY, value }] });
  await system.start({
    definition: apiserverActor,
    options: {
      http: { host: '127.0.0.1', port: 0 },
      httpUser: { user: 'admin', groups: ['system:masters', 'system:authenticated'] },
      encryption: encryption('kept'),
      encryptionReloads: true,
    },
  });
  url = `http://127.0.0.1:${(await system.bus.call('apiserver', apiserverChannels.info, {})).http}`;
});
afterAll(() => system.stop());

async function answer(method: string, path: string, body?: object, contentType = 'application/json') {
  const response = await fetch(url + path, {
    method,
    headers: { 'content-type': contentType },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const message = text.startsWith('{') ? (JSON.parse(text) as { message?: string }).message : text;
  return [response.status, message] as const;
}
const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } });

it.each([
  ['GET', `${SECRETS}/pw`, undefined],
  ['DELETE', `${SECRETS}/pw`, undefined],
  ['PUT', `${SECRETS}/pw`, secret('pw')],
  ['PATCH', `${SECRETS}/pw`, { data: { a: null } }],
])('refuses %s of it', async (method, path, body) => {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : undefined;
  expect(await answer(method, path, body, type)).toEqual([500, `Internal error occurred: ${NO_KEY}`]);
});

it.each([
  ['GET', SECRETS],
  ['GET', '/api/v1/secrets'],
  ['DELETE', SECRETS],
])('refuses %s of %s, which would hold it', async (method, path) => {
  const text = `Internal error occurred: unable to transform key "${KEY}": ${NO_KEY}`;
  expect(await answer(method, path)).toEqual([500, text]);
});

it.each([
  ['/api/v1/secrets?resourceVersion=0'],
  ['/api/v1/secrets?watch=true'],
  ['/api/v1/namespaces/kube-system/secrets?watch=true'],
])('lets GET of %s wait', async (path) => {
  expect(await answer('GET', path)).toEqual([429, 'storage is (re)initializing']);
});

it('serves what is beside it', async () => {
  expect((await answer('GET', '/api/v1/namespaces/kube-system/secrets'))[0]).toBe(200);
  expect((await answer('GET', '/api/v1/configmaps?resourceVersion=0'))[0]).toBe(200);
  expect((await answer('POST', SECRETS, secret('other')))[0]).toBe(201);
  expect((await answer('GET', `${SECRETS}/other`))[0]).toBe(200);
  expect(await answer('POST', SECRETS, secret('pw'))).toEqual([409, 'secrets "pw" already exists']);
});

it('is not ready meanwhile, but alive', async () => {
  expect((await answer('GET', '/readyz/informer-sync'))[0]).toBe(500);
  expect((await answer('GET', '/readyz'))[0]).toBe(500);
  expect((await answer('GET', '/livez'))[0]).toBe(200);
  expect((await answer('GET', '/readyz/kms-providers'))[0]).toBe(200);
});

it('gives it back once its key is there', async () => {
  const settings = { encryption: encryption('kept', 'lost') };
  await system.bus.call('apiserver', apiserverChannels.configure, { file: 'encryption', hash: 'sha256:1', settings });
  expect((await answer('GET', `${SECRETS}/pw`))[0]).toBe(200);
  expect((await answer('GET', '/api/v1/secrets?resourceVersion=0'))[0]).toBe(200);
  expect((await answer('GET', '/readyz'))[0]).toBe(200);
  expect((await answer('DELETE', `${SECRETS}/pw`))[0]).toBe(200);
});
