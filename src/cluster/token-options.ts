/**
 * What an operator says of service account tokens: who issues them, with which key, and which keys they are verified with. Files
 * of keys are read when the cluster starts. @see pkg/kubeapiserver/options/authentication.go
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type ApiserverOptions, tokenAlgorithmOf } from '../../actors/apiserver/index.ts';
import { durationMs, readText } from './config-files.ts';
import { ClusterOptionsError } from './options-error.ts';

export interface TokenOptions {
  /** Issuers of service account tokens: the first is named in new ones, all count. */
  readonly serviceAccountIssuer?: string | readonly string[];
  /** PEM of the private key that signs tokens (RSA or ECDSA). Default: one of the cluster's own. */
  readonly serviceAccountSigningKeyFile?: string;
  /** PEM of keys that tokens are verified with, public or private, beside the one that signs. A file may hold several. */
  readonly serviceAccountKeyFile?: readonly string[];
  /** Where the public keys are told to be. Default: `/openid/v1/jwks` of this server. */
  readonly serviceAccountJwksUri?: string;
  /** A duration such as `24h`: tokens last no longer. */
  readonly serviceAccountMaxTokenExpiration?: string;
  /** Whether pods' tokens last a year while their clients do not read them anew. Default true. */
  readonly serviceAccountExtendTokenExpiration?: boolean;
  readonly apiAudiences?: readonly string[];
}

/** The issuers, the one of new tokens first; empty: the server's own choice. */
export function issuersOf({ serviceAccountIssuer }: TokenOptions): readonly string[] {
  return serviceAccountIssuer === undefined ? [] : [serviceAccountIssuer].flat();
}

/** What the API server is told of tokens. @throws ClusterOptionsError */
export function tokenOptions(options: TokenOptions): Partial<ApiserverOptions> {
  const [issuer, ...accepted] = issuersOf(options);
  const { apiAudiences, serviceAccountJwksUri, serviceAccountExtendTokenExpiration: extend } = options;
  for (const text of issuersOf(options)) checkIssuer(text);
  if (serviceAccountJwksUri !== undefined && !/^https:\/\//.test(serviceAccountJwksUri))
    throw new ClusterOptionsError(
      `service-account-jwks-uri requires https scheme, parsed as: ${serviceAccountJwksUri}`,
    );
  return {
    ...(issuer === undefined ? {} : { serviceAccountIssuer: issuer }),
    ...(accepted.length === 0 ? {} : { acceptedServiceAccountIssuers: accepted }),
    ...(apiAudiences === undefined ? {} : { apiAudiences }),
    ...(serviceAccountJwksUri === undefined ? {} : { jwksUri: serviceAccountJwksUri }),
    ...(extend === undefined ? {} : { extendTokens: extend }),
    ...secondsMax(options.serviceAccountMaxTokenExpiration),
    ...(options.serviceAccountSigningKeyFile === undefined
      ? {}
      : { serviceAccountKeyPem: signingKey(options.serviceAccountSigningKeyFile) }),
    ...(options.serviceAccountKeyFile === undefined
      ? {}
      : { serviceAccountVerificationKeysPem: options.serviceAccountKeyFile.flatMap(verificationKeys) }),
  };
}

/** An issuer with a colon has to be a URL, as the specification of tokens wants it. */
function checkIssuer(issuer: string): void {
  if (issuer === '') throw new ClusterOptionsError('service-account-issuer should not be an empty string');
  if (!issuer.includes(':') || URL.canParse(issuer)) return;
  throw new ClusterOptionsError(
    `service-account-issuer "${issuer}" contained a ':' but was not a valid URL: it takes one such as https://example.com`,
  );
}

const HOUR_SECONDS = 3600;
const SECONDS_MAX = 2 ** 32;

function secondsMax(text: string | undefined): Pick<ApiserverOptions, 'tokenSecondsMax'> {
  const tokenSecondsMax = durationMs('service-account-max-token-expiration', text, 0) / 1000;
  if (tokenSecondsMax === 0) return {};
  if (tokenSecondsMax >= HOUR_SECONDS && tokenSecondsMax <= SECONDS_MAX) return { tokenSecondsMax };
  throw new ClusterOptionsError('the service-account-max-token-expiration must be between 1 hour and 2^32 seconds');
}

const PEM = /-----BEGIN ([A-Z ]+)-----[^-]*-----END \1-----/g;

/** What a block of PEM holds; undefined for what is no key of tokens. A parser's error could show parts of the key. */
function keyOf(pem: string, read: (pem: string) => KeyObject): string | undefined {
  try {
    return tokenAlgorithmOf(read(pem)) === undefined ? undefined : pem;
  } catch {
    return undefined;
  }
}

function signingKey(path: string): string {
  const blocks = readText('service-account-signing-key-file', path).match(PEM) ?? [];
  const key = blocks.map((pem) => keyOf(pem, createPrivateKey)).find((pem) => pem !== undefined);
  if (key !== undefined) return key;
  const text = 'data does not contain a valid RSA or ECDSA private key';
  throw new ClusterOptionsError(`failed to parse service-account-issuer-key-file: error reading ${path}: ${text}`);
}

function verificationKeys(path: string): string[] {
  const blocks = readText('service-account-key-file', path).match(PEM) ?? [];
  const keys = blocks.map((pem) => keyOf(pem, createPublicKey)).filter((pem) => pem !== undefined);
  if (keys.length > 0) return keys;
  const text = 'data does not contain any valid RSA or ECDSA public keys';
  throw new ClusterOptionsError(`service-account-key-file: error reading public key file ${path}: ${text}`);
}
