/**
 * The cluster's certificates: one CA, a serving certificate for the API server and client certificates for people. They are
 * made when a cluster starts, in memory, or kept in a data directory where private keys are readable by their owner alone.
 */
import { generateKeyPair, type webcrypto } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const yearMs = 365 * 24 * 3600 * 1000;

/** A certificate with its private key, both PEM. */
export interface Credential {
  readonly certificate: string;
  readonly key: string;
}

/** What makes certificates: the CA's own, and the keys to sign with. */
export interface CertificateAuthority extends Credential {
  /** Issues a certificate; `usage` says for which end of a connection. */
  issue(request: CertificateRequest): Promise<Credential>;
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly usage: 'server' | 'client';
  /** It holds for a year from then on. Default: when the authority was made or opened. */
  readonly nowMs?: number;
  /** DNS names and IP addresses of a server. */
  readonly hosts?: readonly string[];
}

const pem = (kind: string, bytes: ArrayBuffer): string =>
  `-----BEGIN ${kind}-----\n${Buffer.from(bytes)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n')}-----END ${kind}-----\n`;

const generateKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;

const exportKey = async (key: webcrypto.CryptoKey): Promise<string> =>
  pem('PRIVATE KEY', await crypto.subtle.exportKey('pkcs8', key));

const importKey = (text: string): Promise<webcrypto.CryptoKey> =>
  crypto.subtle.importKey('pkcs8', Buffer.from(text.replace(/-----[^-]+-----|\s/g, ''), 'base64'), algorithm, true, [
    'sign',
  ]);

const serialNumber = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return Buffer.from(bytes).toString('hex');
};

const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(':');

/** A name as RFC 4514 wants it: the organizations, then the common name, with separators escaped. */
function subject(commonName: string, organizations: readonly string[] = []): x509.JsonName {
  return [...organizations.map((organization) => ({ O: [organization] })), { CN: [commonName] }];
}

/** Certificates hold from five minutes before `nowMs`, so that clocks that are a little late accept them. */
const validity = (nowMs: number, years: number) => ({
  notBefore: new Date(nowMs - 300_000),
  notAfter: new Date(nowMs + years * yearMs),
});

/** Makes a new CA, valid for ten years from `nowMs`. */
export async function createAuthority(nowMs: number, commonName = 'kubernetes'): Promise<CertificateAuthority> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: subject(commonName),
    ...validity(nowMs, 10),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return authority(certificate, keys.privateKey, await exportKey(keys.privateKey), nowMs);
}

function authority(
  certificate: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
  keyPem: string,
  openedMs: number,
): CertificateAuthority {
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: keyPem,
    async issue({ commonName, organizations, usage, nowMs = openedMs, hosts = [] }) {
      const keys = await generateKeys();
      const usages = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' };
      const extensions: x509.Extension[] = [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usages[usage]]),
        await x509.AuthorityKeyIdentifierExtension.create(await certificate.publicKey.export()),
      ];
      if (hosts.length > 0) {
        extensions.push(
          new x509.SubjectAlternativeNameExtension(
            hosts.map((value) => ({ type: isAddress(value) ? ('ip' as const) : ('dns' as const), value })),
          ),
        );
      }
      const issued = await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject: subject(commonName, organizations),
        issuer: certificate.subjectName.toJSON(),
        ...validity(nowMs, 1),
        signingAlgorithm: algorithm,
        publicKey: keys.publicKey,
        signingKey,
        extensions,
      });
      return { certificate: `${issued.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
    },
  };
}

/** Reads the CA kept in `directory`, or makes it there: `<name>.crt`, and `<name>.key` with mode 0600. */
export async function openAuthority(
  directory: string,
  nowMs: number,
  name = 'ca',
  commonName = 'kubernetes',
): Promise<CertificateAuthority> {
  const certificatePath = join(directory, `${name}.crt`);
  const keyPath = join(directory, `${name}.key`);
  if (existsSync(certificatePath) && existsSync(keyPath)) {
    const certificate = new x509.X509Certificate(readFileSync(certificatePath, 'utf8'));
    // Made anew a month before it ends; clients then need the new kubeconfig.
    if (certificate.notAfter.getTime() - nowMs > yearMs / 12) {
      const keyPem = readFileSync(keyPath, 'utf8');
      return authority(certificate, await importKey(keyPem), keyPem, nowMs);
    }
  }
  const made = await createAuthority(nowMs, commonName);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(certificatePath, made.certificate);
  writeSecret(keyPath, made.key);
  return made;
}

/** Keeps a certificate and its key in `directory`, beside the authority that signed it. */
export function keepCredential(directory: string, name: string, { certificate, key }: Credential): void {
  writeFileSync(join(directory, `${name}.crt`), certificate);
  writeSecret(join(directory, `${name}.key`), key);
}

/** Reads the key that signs service account tokens (RS256), or makes it at `path`: PKCS#8 PEM, mode 0600. */
export async function openSigningKey(path: string): Promise<string> {
  if (existsSync(path)) return readFileSync(path, 'utf8');
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const text = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeSecret(path, text);
  return text;
}

/** Writes a file that its owner alone may read. */
export function writeSecret(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
}
