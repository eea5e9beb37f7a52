/**
 * Client certificates: those that an authority of ours signed for clients and that hold now name a user (CN) and groups (O).
 * What a certificate says is read once a connection; whether it still holds is looked at each time.
 * @see staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go
 */
import { createHash, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../../src/runtime/index.ts';
import type { Identity } from '../call.ts';
import { authenticated } from './types.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';
const UID = '1.3.6.1.4.1.57683.2';
/** Intermediate certificates that a client may send. */
const CHAIN_MAX = 8;

interface Presented {
  readonly certificate: X509Certificate;
  readonly keyUsage: readonly string[] | undefined;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly commonName: string;
  readonly user: Identity;
  /** By authorities: until when the chain to one of them holds; 0 when there is none. */
  readonly heldUntilMs: Map<Authorities, number>;
}

/** The certificates of those that sign for clients. */
export type Authorities = readonly X509Certificate[];

const presented = new WeakMap<object, Presented | null>();

/** Reads a bundle of PEM certificates. @throws Error when it holds something else. */
export function authoritiesOf(pem: string): Authorities {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** What the client of a connection showed; undefined when it showed nothing. */
export function presentedBy(credentials: {
  readonly connection: object;
  readonly socket: TLSSocket;
}): Presented | undefined {
  let known = presented.get(credentials.connection);
  if (known === undefined) {
    known = read(credentials.socket) ?? null;
    presented.set(credentials.connection, known);
  }
  return known ?? undefined;
}

function read(socket: TLSSocket): Presented | undefined {
  const raw = socket.getPeerCertificate(false)?.raw;
  if (raw === undefined) return undefined;
  const certificate = socket.getPeerX509Certificate?.() ?? new X509Certificate(raw);
  const subject = (certificate.toLegacyObject().subject ?? {}) as unknown as Record<string, string | string[]>;
  const all = (name: string) => {
    const value = Object.hasOwn(subject, name) ? subject[name] : undefined;
    return value === undefined ? [] : [value].flat();
  };
  const commonName = all('CN').at(-1) ?? '';
  const uid = all(UID).at(-1);
  const id = `X509SHA256=${createHash('sha256').update(certificate.raw).digest('hex')}`;
  return {
    certificate,
    keyUsage: certificate.keyUsage as readonly string[] | undefined,
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    commonName,
    user: authenticated({
      user: commonName,
      ...(uid === undefined ? {} : { uid }),
      groups: all('O'),
      extra: { 'authentication.kubernetes.io/credential-id': [id] },
    }),
    heldUntilMs: new Map(),
  };
}

/** Undefined when the certificate holds; otherwise what is wrong with it. */
export function objectionTo(shown: Presented, authorities: Authorities, clock: Clock): string | undefined {
  const now = clock.now();
  if (now < shown.notBeforeMs) return 'x509: certificate has expired or is not yet valid: it is not valid yet';
  if (now > shown.notAfterMs) return 'x509: certificate has expired or is not yet valid: it has expired';
  const usages = shown.keyUsage;
  if (usages !== undefined && !usages.includes(CLIENT_AUTH) && !usages.includes(ANY_USAGE)) {
    return 'x509: certificate specifies an incompatible key usage';
  }
  let heldUntilMs = shown.heldUntilMs.get(authorities);
  if (heldUntilMs === undefined) {
    heldUntilMs = chainHoldsUntilMs(shown.certificate, authorities, now);
    shown.heldUntilMs.set(authorities, heldUntilMs);
  }
  return now <= heldUntilMs ? undefined : 'x509: certificate signed by unknown authority';
}

/** When the first link of the chain to an authority ends; 0 without a chain that holds now. */
function chainHoldsUntilMs(certificate: X509Certificate, authorities: Authorities, now: number): number {
  let current: X509Certificate | undefined = certificate;
  let untilMs = Date.parse(certificate.validTo);
  for (let depth = 0; depth < CHAIN_MAX && current !== undefined; depth++) {
    const link: X509Certificate = current;
    const issuer = authorities.find((authority) => holds(authority, now) && issued(authority, link));
    if (issuer !== undefined) return Math.min(untilMs, Date.parse(issuer.validTo));
    const next: X509Certificate | undefined = link.issuerCertificate;
    if (next === undefined || next === link || !next.ca || !holds(next, now) || !issued(next, link)) return 0;
    untilMs = Math.min(untilMs, Date.parse(next.validTo));
    current = next;
  }
  return 0;
}

function holds(certificate: X509Certificate, now: number): boolean {
  return Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo);
}

function issued(authority: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}
