/** What the tests of certificates sign and ask with: a CA of their own, and a kubelet's request. */
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { createAuthority } from '../../../src/cluster/pki.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const authority = await createAuthority(Date.parse('2025-12-31T00:00:00Z'));

/** PEM of certificate and key of a CA. */
export const testAuthority = { certificate: authority.certificate, key: authority.key };

const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
const request = await x509.Pkcs10CertificateRequestGenerator.create({
  name: 'CN=system:node:n1, O=system:nodes',
  keys,
  signingAlgorithm: algorithm,
});

/** The request of node n1 for a client certificate, as the API has it. */
export const nodeRequest = Buffer.from(`${request.toString('pem')}\n`).toString('base64');
