/**
 * Certificate signing requests as their approver and signer see them: what a request asks for, whether one of Kubernetes'
 * own signers may give it, and the certificate itself. The X.509 library is loaded with the first request.
 *
 * @see kubernetes/pkg/apis/certificates/helpers.go and pkg/controller/certificates/signer
 */
import { isIP } from 'node:net';
import type * as x509 from '@peculiar/x509';

export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';
export const kubeletServingSigner = 'kubernetes.io/kubelet-serving';
export const clientSigner = 'kubernetes.io/kube-apiserver-client';
export const legacySigner = 'kubernetes.io/legacy-unknown';

/** What a request asks for. */
export interface RequestedCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
  /** The parsed request, for {@link signCertificate}. */
  readonly parsed: x509.Pkcs10CertificateRequest;
}

const subjectAlternativeName = '2.5.29.17';
const subjectKeyIdentifier = '2.5.29.14';

async function library(): Promise<typeof x509> {
  await import('reflect-metadata');
  return await import('@peculiar/x509');
}

/** Reads `spec.request`: PEM in base64. @throws Error for what is no request */
export async function parseCertificateRequest(request: string): Promise<RequestedCertificate> {
  const { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } = await library();
  const parsed = new Pkcs10CertificateRequest(Buffer.from(request, 'base64').toString('utf8'));
  const alternative = parsed.getExtension(subjectAlternativeName);
  const names = alternative === null ? [] : new SubjectAlternativeNameExtension(alternative.rawData).names.items;
  const of = (type: string) => names.filter((name) => name.type === type).map(({ value }) => value);
  return {
    commonName: parsed.subjectName.getField('CN')[0] ?? '',
    organizations: parsed.subjectName.getField('O'),
    dnsNames: of('dns'),
    ipAddresses: of('ip'),
    emailAddresses: of('email'),
    uris: of('url'),
    parsed,
  };
}

const sameSet = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((item) => right.includes(item));

function usagesRefusal(usages: readonly string[], auth: 'client auth' | 'server auth'): string | undefined {
  const all = [auth, 'digital signature', 'key encipherment'].sort();
  // Only RSA keys encipher others.
  const allowed = [all, all.filter((usage) => usage !== 'key encipherment')];
  return allowed.some((set) => sameSet(set, usages)) ? undefined : `usages did not match [${all.join(' ')}]`;
}

const notSystemNodes = 'subject organization is not system:nodes';
const isOfSystemNodes = ({ organizations }: RequestedCertificate) =>
  organizations.length === 1 && organizations[0] === 'system:nodes';
const nameRefusal = ({ commonName }: RequestedCertificate): string | undefined =>
  commonName.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node:';

/** Why the signer of kubelets' client certificates does not take the request; undefined when it does. */
export function kubeletClientRefusal(asked: RequestedCertificate, usages: readonly string[]): string | undefined {
  if (!isOfSystemNodes(asked)) return notSystemNodes;
  if (asked.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
  if (asked.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (asked.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed';
  if (asked.uris.length > 0) return 'URI subjectAltNames are not allowed';
  return nameRefusal(asked) ?? usagesRefusal(usages, 'client auth');
}

function kubeletServingRefusal(asked: RequestedCertificate, usages: readonly string[]): string | undefined {
  if (!isOfSystemNodes(asked)) return notSystemNodes;
  if (asked.dnsNames.length + asked.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required';
  if (asked.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  if (asked.uris.length > 0) return 'URI subjectAltNames are not allowed';
  return usagesRefusal(usages, 'server auth') ?? nameRefusal(asked);
}

function clientRefusal(usages: readonly string[]): string | undefined {
  const allowed = ['digital signature', 'key encipherment', 'client auth'];
  const other = usages.find((usage) => !allowed.includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}

/** Why the signer of this name does not take the request; undefined when it does, or takes everything. */
export function signerRefusal(
  signerName: string,
  asked: RequestedCertificate,
  usages: readonly string[],
): string | undefined {
  switch (signerName) {
    case kubeletClientSigner:
      return kubeletClientRefusal(asked, usages);
    case kubeletServingSigner:
      return kubeletServingRefusal(asked, usages);
    case clientSigner:
      return clientRefusal(usages);
    default:
      return undefined;
  }
}

/** PEM of what signs. */
export interface SigningCredential {
  readonly certificate: string;
  readonly key: string;
}

const hashAndCurve = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** Clocks that are a little late accept the certificate, too. Long lifetimes pay for it, short ones are given in full. */
const backdateMs = 300_000;
const shortMs = 8 * 3_600_000;

/** Bits of the key usage extension by the usages of the API. */
const keyUsages: Readonly<Record<string, keyof typeof x509.KeyUsageFlags>> = {
  signing: 'digitalSignature',
  'digital signature': 'digitalSignature',
  'content commitment': 'nonRepudiation',
  'key encipherment': 'keyEncipherment',
  'data encipherment': 'dataEncipherment',
  'key agreement': 'keyAgreement',
  'cert sign': 'keyCertSign',
  'crl sign': 'cRLSign',
  'encipher only': 'encipherOnly',
  'decipher only': 'decipherOnly',
};

const extendedKeyUsages: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

/**
 * The certificate for what was asked, as base64 of PEM: `status.certificate`. Valid for `lifetimeMs` from `nowMs`, but never
 * longer than the certificate that signs. `serial` is its serial number in hexadecimal.
 */
export async function signCertificate(
  asked: RequestedCertificate,
  usages: readonly string[],
  authority: SigningCredential,
  validity: { readonly nowMs: number; readonly lifetimeMs: number; readonly serial: string },
): Promise<string> {
  const lib = await library();
  const issuer = new lib.X509Certificate(authority.certificate);
  const keyBytes = Buffer.from(authority.key.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const signingKey = await crypto.subtle.importKey('pkcs8', keyBytes, hashAndCurve, false, ['sign']);
  const flags = usages.reduce((bits, usage) => {
    const flag = keyUsages[usage];
    return flag === undefined ? bits : bits | lib.KeyUsageFlags[flag];
  }, 0);
  // In the order of the table and each once, and names in the order of their kinds, as Go writes them.
  const extended = new Set(
    Object.entries(extendedKeyUsages).flatMap(([usage, identifier]) => (usages.includes(usage) ? [identifier] : [])),
  );
  const names = [
    ...asked.dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...asked.emailAddresses.map((value) => ({ type: 'email' as const, value })),
    ...asked.ipAddresses.filter((value) => isIP(value) !== 0).map((value) => ({ type: 'ip' as const, value })),
    ...asked.uris.map((value) => ({ type: 'url' as const, value })),
  ];
  const { nowMs, lifetimeMs, serial } = validity;
  const subject = asked.parsed.subjectName.toJSON();
  const authorityKey = issuer.getExtension(subjectKeyIdentifier);
  const endMs = nowMs + lifetimeMs - (lifetimeMs < shortMs ? 0 : backdateMs);
  const certificate = await lib.X509CertificateGenerator.create({
    serialNumber: serial,
    subject,
    issuer: issuer.subjectName.toJSON(),
    notBefore: new Date(nowMs - backdateMs),
    notAfter: new Date(Math.min(endMs, issuer.notAfter.getTime())),
    signingAlgorithm: hashAndCurve,
    publicKey: asked.parsed.publicKey,
    signingKey,
    extensions: [
      ...(flags === 0 ? [] : [new lib.KeyUsagesExtension(flags, true)]),
      ...(extended.size === 0 ? [] : [new lib.ExtendedKeyUsageExtension([...extended])]),
      new lib.BasicConstraintsExtension(false, undefined, true),
      ...(authorityKey === null
        ? []
        : [new lib.AuthorityKeyIdentifierExtension(new lib.SubjectKeyIdentifierExtension(authorityKey.rawData).keyId)]),
      // Without a subject the names are all there is to know.
      ...(names.length === 0 ? [] : [new lib.SubjectAlternativeNameExtension(names, subject.length === 0)]),
    ],
  });
  return Buffer.from(`${certificate.toString('pem')}\n`).toString('base64');
}
