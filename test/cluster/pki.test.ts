import { mkdtempSync, statSync } from 'node:fs';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { createAuthority, openAuthority } from '../../src/cluster/pki.ts';

const now = Date.now();

/** What a server that trusts `ca` learns of a client. */
async function handshake(
  ca: string,
  server: { certificate: string; key: string },
  client: { certificate: string; key: string },
) {
  const listening = createServer(
    { key: server.key, cert: server.certificate, ca, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const socket = request.socket as TLSSocket;
      response.end(JSON.stringify({ authorized: socket.authorized, subject: socket.getPeerCertificate().subject }));
    },
  );
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  try {
    return await new Promise<{ authorized: boolean; subject: { CN: string; O: string | string[] } }>(
      (resolve, reject) => {
        get({ host: '127.0.0.1', port, ca, key: client.key, cert: client.certificate, agent: false }, (response) => {
          response.on('data', (data: Buffer) => resolve(JSON.parse(data.toString())));
        }).on('error', reject);
      },
    );
  } finally {
    listening.close();
  }
}

describe('the certificate authority', () => {
  it('issues certificates that both ends of a TLS connection accept, with user and groups in the subject', async () => {
    const ca = await createAuthority(now);
    const server = await ca.issue({ commonName: 'kube-apiserver', usage: 'server', hosts: ['127.0.0.1', 'localhost'] });
    const client = await ca.issue({
      commonName: 'jane, the admin',
      organizations: ['system:masters', 'dev'],
      usage: 'client',
    });
    expect(await handshake(ca.certificate, server, client)).toEqual({
      authorized: true,
      subject: { CN: 'jane, the admin', O: ['system:masters', 'dev'] },
    });
  });

  it('is not trusted for what another authority signed', async () => {
    const [ca, other] = await Promise.all([createAuthority(now), createAuthority(now)]);
    const server = await ca.issue({ commonName: 'kube-apiserver', usage: 'server', hosts: ['127.0.0.1'] });
    const stranger = await other.issue({ commonName: 'jane', usage: 'client' });
    expect((await handshake(ca.certificate, server, stranger)).authorized).toBe(false);
    const impostor = await other.issue({ commonName: 'kube-apiserver', usage: 'server', hosts: ['127.0.0.1'] });
    await expect(handshake(ca.certificate, impostor, stranger)).rejects.toThrow();
  });

  it('comes back from its directory, with its key readable by the owner alone', async () => {
    const directory = join(mkdtempSync(join(tmpdir(), 'kubehive-pki-')), 'pki');
    const made = await openAuthority(directory, now);
    const again = await openAuthority(directory, now);
    expect(again.certificate).toBe(made.certificate);
    expect(statSync(join(directory, 'ca.key')).mode & 0o777).toBe(0o600);
    const server = await again.issue({ commonName: 'kube-apiserver', usage: 'server', hosts: ['127.0.0.1'] });
    const client = await made.issue({ commonName: 'jane', usage: 'client' });
    expect((await handshake(made.certificate, server, client)).authorized).toBe(true);
  });

  it('is made anew a month before it ends', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kubehive-pki-'));
    const made = await openAuthority(directory, now);
    const nearTheEnd = now + 10 * 365 * 24 * 3600 * 1000 - 7 * 24 * 3600 * 1000;
    expect((await openAuthority(directory, nearTheEnd)).certificate).not.toBe(made.certificate);
  });
});
