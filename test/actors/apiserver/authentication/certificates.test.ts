import { createPrivateKey, webcrypto } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiserverChannels } from '../../../../src/client/protocol.ts';
import { type CertificateAuthority, createAuthority } from '../../../../src/cluster/pki.ts';
import { startServer, type TestServer } from '../fixtures.ts';
import { secureRequest } from './local-services.ts';

const yearMs = 365 * 24 * 3600 * 1000;
const now = Date.now();
const REVIEW = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };

let server: TestServer;
let url: string;
let ca: CertificateAuthority;
let frontProxy: CertificateAuthority;

beforeAll(async () => {
  ca = await createAuthority(now);
  frontProxy = await createAuthority(now, 'front-proxy-ca');
  const serving = await ca.issue({ commonName: 'kube-apiserver', usage: 'server', hosts: ['127.0.0.1'] });
  server = await startServer({
    https: {
      host: '127.0.0.1',
      port: 0,
      certPem: serving.certificate,
      keyPem: serving.key,
      clientCaPem: ca.certificate,
    },
    tokens: [{ token: 'joe-token', user: 'joe', uid: 'u-2' }],
    requestHeader: {
      caPem: frontProxy.certificate,
      allowedNames: ['front-proxy-client'],
      usernameHeaders: ['X-Remote-User'],
      uidHeaders: ['X-Remote-Uid'],
      groupHeaders: ['X-Remote-Group'],
      extraHeaderPrefixes: ['X-Remote-Extra-'],
    },
  });
  const info = await server.system.bus.call('apiserver', apiserverChannels.info, {});
  url = `https://127.0.0.1:${info.https}`;
});
afterAll(() => server.stop());

type Client = Awaited<ReturnType<CertificateAuthority['issue']>>;

async function whoAmI(client: Client | undefined, headers: Record<string, string> = {}) {
  const answer = await secureRequest({ url: url + REVIEW, ca: ca.certificate, client, headers, method: 'POST', body });
  return { status: answer.status, user: JSON.parse(answer.text).status?.userInfo };
}

describe('a client certificate', () => {
  it('names its user, groups and itself', async () => {
    const client = await ca.issue({ commonName: 'jane', organizations: ['dev', 'ops'], usage: 'client' });
    expect(await whoAmI(client)).toMatchObject({
      status: 201,
      user: {
        username: 'jane',
        groups: ['dev', 'ops', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^X509SHA256=[0-9a-f]{64}$/)] },
      },
    });
  });

  it.each([
    ['that has expired', async () => ca.issue({ commonName: 'jane', usage: 'client', nowMs: now - 2 * yearMs })],
    ['that does not hold yet', async () => ca.issue({ commonName: 'jane', usage: 'client', nowMs: now + yearMs })],
    ['of another authority', async () => (await createAuthority(now)).issue({ commonName: 'jane', usage: 'client' })],
    ['that is its own authority', async () => createAuthority(now, 'system:admin')],
    ['for servers', async () => ca.issue({ commonName: 'jane', usage: 'server' })],
    ['of the front proxy', async () => frontProxy.issue({ commonName: 'jane', usage: 'client' })],
  ])('%s is refused, not taken for anonymous', async (_what, make) => {
    expect((await whoAmI(await make())).status).toBe(401);
  });

  it('without a common name names nobody, whatever its groups', async () => {
    const nameless = await ca.issue({ commonName: '', organizations: ['system:masters'], usage: 'client' });
    expect((await whoAmI(nameless)).status).toBe(403);
    const secrets = { url: `${url}/api/v1/secrets`, ca: ca.certificate, client: nameless };
    const { status, text } = await secureRequest({ ...secrets, headers: {}, method: 'GET' });
    expect([status, JSON.parse(text).message]).toEqual([
      403,
      'secrets is forbidden: User "system:anonymous" cannot list resource "secrets" in API group "" at the cluster scope',
    ]);
  });

  it('counts with the intermediate authority that the client sends, and not without', async () => {
    const { leaf, chain } = await intermediate(ca);
    expect(await whoAmI({ ...leaf, certificate: leaf.certificate + chain })).toMatchObject({
      status: 201,
      user: { username: 'deep' },
    });
    expect((await whoAmI(leaf)).status).toBe(401);
    // A certificate for clients is no authority.
    const client = await ca.issue({ commonName: 'jane', usage: 'client' });
    const forged = await signedBy(client, 'CN=jane', { commonName: 'admin', organizations: ['system:masters'] });
    expect((await whoAmI({ ...forged, certificate: forged.certificate + client.certificate })).status).toBe(401);
  });

  it('gives way to an Authorization header, also to a wrong one', async () => {
    const jane = await ca.issue({ commonName: 'jane', usage: 'client' });
    const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
    expect((await whoAmI(jane, bearer('joe-token'))).user.username).toBe('joe');
    expect((await whoAmI(jane, bearer('wrong'))).status).toBe(401);
  });

  it('is not asked for', async () => {
    expect((await whoAmI(undefined)).status).toBe(403);
  });
});

describe("the front proxy's headers", () => {
  const headers = {
    'X-Remote-User': 'amy',
    'X-Remote-Uid': 'u-1',
    'X-Remote-Group': 'team',
    'X-Remote-Extra-Acme.com%2Fproject': 'blue',
  };

  it('name the user when the proxy shows its certificate', async () => {
    const client = await frontProxy.issue({ commonName: 'front-proxy-client', usage: 'client' });
    expect(await whoAmI(client, headers)).toEqual({
      status: 201,
      user: {
        username: 'amy',
        uid: 'u-1',
        groups: ['team', 'system:authenticated'],
        extra: { 'acme.com/project': ['blue'] },
      },
    });
  });

  it('mean nothing from anybody else', async () => {
    const forged = { ...headers, 'X-Remote-User': 'root', 'X-Remote-Group': 'system:masters' };
    expect((await whoAmI(undefined, forged)).status).toBe(403);
    const jane = await ca.issue({ commonName: 'jane', usage: 'client' });
    expect((await whoAmI(jane, forged)).user.username).toBe('jane');
    const other = await frontProxy.issue({ commonName: 'another-client', usage: 'client' });
    expect((await whoAmI(other, forged)).status).toBe(401);
    const pretender = await ca.issue({ commonName: 'front-proxy-client', usage: 'client' });
    expect((await whoAmI(pretender, forged)).user.username).toBe('front-proxy-client');
  });
});

it('serves with another certificate once it is given one', async () => {
  const { connect } = await import('node:tls');
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), ca: ca.certificate }, () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      }).on('error', reject);
    });
  const before = await shown();
  const next = await ca.issue({ commonName: 'kube-apiserver', usage: 'server', hosts: ['127.0.0.1'] });
  await server.system.bus.call('apiserver', apiserverChannels.renew, { certPem: next.certificate, keyPem: next.key });
  expect(await shown()).not.toBe(before);
  const jane = await ca.issue({ commonName: 'jane', usage: 'client' });
  expect((await whoAmI(jane)).user.username).toBe('jane');
});

it('speaks no TLS older than 1.2', async () => {
  const { connect } = await import('node:tls');
  const refused = await new Promise<boolean>((resolve) => {
    const socket = connect(
      {
        host: '127.0.0.1',
        port: Number(new URL(url).port),
        ca: ca.certificate,
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
      },
      () => {
        resolve(false);
        socket.destroy();
      },
    ).on('error', () => resolve(true));
  });
  expect(refused).toBe(true);
});

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A certificate that `issuer` signs with its key, as anybody could who has one. */
async function signedBy(
  issuer: { readonly key: string },
  issuerName: string,
  {
    commonName,
    organizations = [],
    isAuthority = false,
  }: { commonName: string; organizations?: string[]; isAuthority?: boolean },
): Promise<Client> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const der = createPrivateKey(issuer.key).export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: '0102',
    subject: [...organizations.map((name) => ({ O: [name] })), { CN: [commonName] }],
    issuer: issuerName,
    notBefore: new Date(now - 60_000),
    notAfter: new Date(now + yearMs),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(isAuthority, undefined, true),
      ...(isAuthority
        ? [new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)]
        : [new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.2'])]),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    certificate: `${made.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  };
}

async function intermediate(root: CertificateAuthority): Promise<{ leaf: Client; chain: string }> {
  const middle = await signedBy(root, 'CN=kubernetes', { commonName: 'middle', isAuthority: true });
  const leaf = await signedBy(middle, 'CN=middle', { commonName: 'deep' });
  return { leaf, chain: middle.certificate };
}
