/** What Kubernetes' own signers take and refuse, with their words. */
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
});
