/** What Kubernetes' own signers take and refuse, with their words. */
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import {
  clientSigner,
  kubeletClientSigner,
  kubeletServingSigner,
  legacySigner,
  parseCertificateRequest,
  type RequestedCertificate,
  signCertificate,
  signerRefusal,
} from '../../src/controller/index.ts';
import { nodeRequest, testAuthority } from '../actors/controllers/certificates.ts';

const asked = await parseCertificateRequest(nodeRequest);
const but = (other: Partial<RequestedCertificate>): RequestedCertificate => ({ ...asked, ...other });
const client = ['digital signature', 'key encipherment', 'client auth'];
const server = ['digital signature', 'key encipherment', 'server auth'];

describe('signers', () => {
  it.each<[string, string, RequestedCertificate, string[], string | undefined]>([
    ['a kubelet as a client', kubeletClientSigner, asked, client, undefined],
    ['one without RSA', kubeletClientSigner, asked, ['client auth', 'digital signature'], undefined],
    [
      'other usages',
      kubeletClientSigner,
      asked,
      server,
      'usages did not match [client auth digital signature key encipherment]',
    ],
    [
      'another name, before usages',
      kubeletClientSigner,
      but({ commonName: 'n1' }),
      server,
      'subject common name does not begin with system:node:',
    ],
    [
      'two organizations',
      kubeletClientSigner,
      but({ organizations: ['system:nodes', 'x'] }),
      client,
      'subject organization is not system:nodes',
    ],
    ['names of hosts', kubeletClientSigner, but({ dnsNames: ['x'] }), client, 'DNS subjectAltNames are not allowed'],
    ['a server without a name', kubeletServingSigner, asked, server, 'DNS or IP subjectAltName is required'],
    [
      'usages, before another name',
      kubeletServingSigner,
      but({ commonName: 'n1', dnsNames: ['n1'] }),
      client,
      'usages did not match [digital signature key encipherment server auth]',
    ],
    ['a server', kubeletServingSigner, but({ ipAddresses: ['10.0.0.1'] }), server, undefined],
    ['a client', clientSigner, asked, ['client auth'], undefined],
    ['a client that serves', clientSigner, asked, server, 'invalid usage for client certificate: server auth'],
    [
      'a client that is none',
      clientSigner,
      asked,
      ['digital signature'],
      'missing required usage for client certificate: client auth',
    ],
    ['anything', legacySigner, asked, server, undefined],
  ])('judge %s', (_what, signer, request, usages, refusal) => {
    expect(signerRefusal(signer, request, usages)).toBe(refusal);
  });

  it.each([
    [3_600, 3_600],
    [24 * 3_600, 24 * 3_600 - 300],
  ])('sign for %d s until %d s from now, and for five minutes before', async (seconds, lastsSeconds) => {
    const nowMs = Date.parse('2026-01-01T00:00:00Z');
    const validity = { nowMs, lifetimeMs: seconds * 1000, serial: '01' };
    const text = Buffer.from(await signCertificate(asked, client, testAuthority, validity), 'base64').toString();
    const { X509Certificate } = await import('node:crypto');
    const certificate = new X509Certificate(text);
    expect([Date.parse(certificate.validFrom) - nowMs, Date.parse(certificate.validTo) - nowMs]).toEqual([
      -300_000,
      lastsSeconds * 1000,
    ]);
  });

  it('write usages once and names by their kinds, and name the key that signs as its certificate does', async () => {
    const validity = { nowMs: Date.parse('2026-01-01T00:00:00Z'), lifetimeMs: 3_600_000, serial: '01' };
    const usages = ['email protection', 's/mime', 'client auth', 'server auth', 'digital signature'];
    const names = { ipAddresses: ['10.0.0.1'], emailAddresses: ['a@example.com'], dnsNames: ['n1'] };
    const sign = async (request: RequestedCertificate) =>
      new x509.X509Certificate(
        Buffer.from(await signCertificate(request, usages, testAuthority, validity), 'base64').toString(),
      );
    const certificate = await sign(but(names));
    expect(certificate.getExtension<x509.ExtendedKeyUsageExtension>('2.5.29.37')?.usages).toEqual([
      '1.3.6.1.5.5.7.3.1',
      '1.3.6.1.5.5.7.3.2',
      '1.3.6.1.5.5.7.3.4',
    ]);
    const named = certificate.getExtension<x509.SubjectAlternativeNameExtension>('2.5.29.17');
    expect([named?.critical, named?.names.items.map(({ type }) => type)]).toEqual([false, ['dns', 'email', 'ip']]);
    const authority = new x509.X509Certificate(testAuthority.certificate);
    expect(certificate.getExtension<x509.AuthorityKeyIdentifierExtension>('2.5.29.35')?.keyId).toBe(
      authority.getExtension<x509.SubjectKeyIdentifierExtension>('2.5.29.14')?.keyId,
    );
  });
});
