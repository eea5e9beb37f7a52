/** What an API server is started with: plain data, since it crosses threads. Composition fills it in. */
import type { RuntimeConfig } from '../../src/api/index.ts';
import type { AuditOptions } from './audit/index.ts';
import type { AbacPolicy, AuthorizationMode, WebhookAuthorizerOption } from './authorization/index.ts';
import type { EncryptionOption } from './encryption/index.ts';
import type { Endpoint } from './remote/post.ts';

export interface TokenOption {
  readonly token: string;
  readonly user: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
}

/** A line of the basic-credentials file. */
export interface PasswordOption {
  readonly user: string;
  readonly password: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
}

/** A proxy in front of the server: whose certificates it has, and the headers in which it names users. */
export interface RequestHeaderOption {
  readonly caPem: string;
  /** Common names that its certificate may have; none: any. */
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraHeaderPrefixes: readonly string[];
}

export interface TokenWebhookOption {
  readonly endpoint: Endpoint;
  readonly version: 'v1' | 'v1beta1';
  /** How long an answer is kept. */
  readonly cacheTtlMs: number;
}

interface ClaimOption {
  readonly claim?: string;
  readonly prefix?: string;
  readonly expression?: string;
}

/** An entry of `jwt` in upstream's AuthenticationConfiguration. */
export interface JwtIssuerOption {
  readonly issuer: {
    readonly url: string;
    readonly discoveryURL?: string;
    /** PEM. */
    readonly certificateAuthority?: string;
    readonly audiences: readonly string[];
    readonly audienceMatchPolicy?: string;
    /** Taken and not looked at: there is one network. */
    readonly egressSelectorType?: string;
  };
  readonly claimValidationRules?: readonly {
    readonly claim?: string;
    readonly requiredValue?: string;
    readonly expression?: string;
    readonly message?: string;
  }[];
  readonly claimMappings: {
    readonly username: ClaimOption;
    readonly groups?: ClaimOption;
    readonly uid?: { readonly claim?: string; readonly expression?: string };
    readonly extra?: readonly { readonly key: string; readonly valueExpression: string }[];
  };
  readonly userValidationRules?: readonly { readonly expression: string; readonly message?: string }[];
  /** JOSE names; default: all asymmetric ones. */
  readonly signingAlgorithms?: readonly string[];
}

export interface ApiserverOptions {
  /** Plain HTTP; null or absent: no such door. Port 0 picks a free one. */
  readonly http?: { readonly host: string; readonly port: number } | null;
  /** HTTPS with HTTP/2 and HTTP/1.1. Certificates that `clientCaPem` signed authenticate their holder: CN is the user, O the groups. */
  readonly https?: {
    readonly host: string;
    readonly port: number;
    readonly certPem: string;
    readonly keyPem: string;
    readonly clientCaPem?: string;
  } | null;
  /** Static bearer tokens. */
  readonly tokens?: readonly TokenOption[];
  /** Names and passwords for `Authorization: Basic`. */
  readonly passwords?: readonly PasswordOption[];
  /** Tokens of Secrets `bootstrap-token-…` in kube-system. Default false. */
  readonly bootstrapTokens?: boolean;
  readonly jwtIssuers?: readonly JwtIssuerOption[];
  readonly tokenWebhook?: TokenWebhookOption | null;
  readonly requestHeader?: RequestHeaderOption | null;
  /** The client certificate with which this server names users to the servers behind APIServices, and who signed it. */
  readonly proxyClient?: { readonly certPem: string; readonly keyPem: string; readonly caPem: string } | null;
  /** Issuer of service account tokens. Default https://kubernetes.default.svc.cluster.local */
  readonly serviceAccountIssuer?: string;
  /** Further issuers whose service account tokens count. */
  readonly acceptedServiceAccountIssuers?: readonly string[];
  /** What tokens must be for. Default: the issuers. */
  readonly apiAudiences?: readonly string[];
  /** Requests without credentials: `system:anonymous` (default), or refused with 401. */
  readonly anonymous?: boolean;
  /** The only paths for which requests without credentials are anonymous; none: all. */
  readonly anonymousPaths?: readonly string[];
  /**
   * Who comes through the plain HTTP door without credentials. Default: anonymous. A cluster on loopback makes them admins, so that
   * `kubectl --server http://…` works.
   */
  readonly httpUser?: { readonly user: string; readonly groups: readonly string[] } | null;
  /** Addresses of Services. Default 10.96.0.0/16. */
  readonly serviceCidr?: string;
  /** Default 30000-32767. */
  readonly nodePortRange?: string;
  /** Address of the store actor. Default `store`. */
  readonly storeAddress?: string;
  /** Other API servers write to the same store: reads then wait for the store's newest revision. Default false. */
  readonly sharedStore?: boolean;
  readonly serverVersion?: { readonly gitVersion: string; readonly major: string; readonly minor: string };
  readonly clusterName?: string;
  /** Name of the host, by which the server keeps a Lease in kube-system; null (default): it keeps none. */
  readonly hostname?: string | null;
  /** Certificate of the cluster's CA, published to pods and used in kubeconfigs. */
  readonly caPem?: string;
  /** PKCS#8 PEM of the key that signs service account tokens; made at start when absent. */
  readonly serviceAccountKeyPem?: string;
  /** PEM of keys that service account tokens are verified with, beside the one that signs. */
  readonly serviceAccountVerificationKeysPem?: readonly string[];
  /** Where the public keys of service account tokens are told to be. Default: at this server. */
  readonly jwksUri?: string;
  /** Seconds that a token lasts at most, however long it is asked for; 0 (default): as long as it is asked for. */
  readonly tokenSecondsMax?: number;
  /** Whether the tokens that admission gives to pods last a year, with a warning after an hour. Default true. */
  readonly extendTokens?: boolean;
  /** Refuse pods whose service account is missing, as upstream does. Default true. */
  readonly serviceAccountAdmission?: boolean;
  /** Who decides what users may do, in this order. Default Node, RBAC. `AlwaysAllow` lets everybody do everything. */
  readonly authorizationModes?: readonly AuthorizationMode[];
  /** Admission plugins to run although they are off by default, by upstream's names. */
  readonly enabledAdmissionPlugins?: readonly string[];
  /** Serve metrics.k8s.io from what kubelets tell. Default false. */
  readonly resourceMetrics?: boolean;
  /** Versions and kinds to switch on or off, by upstream's names: `{ 'api/beta': 'true' }`. Default: all stable ones, and no others. */
  readonly runtimeConfig?: RuntimeConfig;
  /** Features to turn on though they are off by default, by upstream's names of their gates. */
  readonly features?: readonly string[];
  readonly abacPolicies?: readonly AbacPolicy[];
  /** One for each `Webhook` among the modes, in the same order. */
  readonly authorizationWebhooks?: readonly WebhookAuthorizerOption[];
  /** What is recorded of requests, and where; null: nothing. */
  readonly audit?: AuditOptions | null;
  /** How values are encrypted before they are stored; none: not. */
  readonly encryption?: readonly EncryptionOption[];
  /** Whether that may change while the server runs. */
  readonly encryptionReloads?: boolean;
  /** Seats that requests over HTTP share by priority and fairness; 0: no limit. Default 600, as upstream. */
  readonly maxRequestsInflight?: number;
  /** Admission plugins to leave out, by upstream's names. */
  readonly disabledAdmissionPlugins?: readonly string[];
  /** Configurations of admission plugins, by upstream's names: what an AdmissionConfiguration holds under each. */
  readonly admissionConfiguration?: Readonly<Record<string, unknown>>;
  /** Changes of a kind that a watch can start before. Default 8192. */
  readonly watchCacheChangesMax?: number;
  /** Bytes that may wait for a slow watcher's socket before it is closed with 410. Default 16 MiB. */
  readonly watchBufferBytesMax?: number;
  /** How long a client may take to send its headers, and its whole request. Default 32 s and 60 s. */
  readonly httpTimeouts?: { readonly headersMs: number; readonly requestMs: number };
  /** Seconds that Events are kept. Default 3600. */
  readonly eventTtlSeconds?: number;
}

export const ISSUER = 'https://kubernetes.default.svc.cluster.local';

/** All options with their defaults. */
export type ResolvedOptions = Required<ApiserverOptions>;

export function resolveOptions(options: ApiserverOptions | undefined): ResolvedOptions {
  return {
    http: options?.http ?? null,
    https: options?.https ?? null,
    tokens: options?.tokens ?? [],
    passwords: options?.passwords ?? [],
    bootstrapTokens: options?.bootstrapTokens ?? false,
    jwtIssuers: options?.jwtIssuers ?? [],
    tokenWebhook: options?.tokenWebhook ?? null,
    requestHeader: options?.requestHeader ?? null,
    proxyClient: options?.proxyClient ?? null,
    serviceAccountIssuer: options?.serviceAccountIssuer ?? ISSUER,
    acceptedServiceAccountIssuers: options?.acceptedServiceAccountIssuers ?? [],
    apiAudiences: options?.apiAudiences ?? [
      options?.serviceAccountIssuer ?? ISSUER,
      ...(options?.acceptedServiceAccountIssuers ?? []),
    ],
    anonymousPaths: options?.anonymousPaths ?? [],
    anonymous: options?.anonymous ?? true,
    httpUser: options?.httpUser ?? null,
    serviceCidr: options?.serviceCidr ?? '10.96.0.0/16',
    nodePortRange: options?.nodePortRange ?? '30000-32767',
    storeAddress: options?.storeAddress ?? 'store',
    sharedStore: options?.sharedStore ?? false,
    serverVersion: options?.serverVersion ?? { gitVersion: 'v1.36.2', major: '1', minor: '36' },
    clusterName: options?.clusterName ?? 'kubehive',
    hostname: options?.hostname ?? null,
    caPem: options?.caPem ?? '',
    serviceAccountKeyPem: options?.serviceAccountKeyPem ?? '',
    serviceAccountVerificationKeysPem: options?.serviceAccountVerificationKeysPem ?? [],
    jwksUri: options?.jwksUri ?? '',
    tokenSecondsMax: options?.tokenSecondsMax ?? 0,
    extendTokens: options?.extendTokens ?? true,
    serviceAccountAdmission: options?.serviceAccountAdmission ?? true,
    authorizationModes: options?.authorizationModes ?? ['Node', 'RBAC'],
    enabledAdmissionPlugins: options?.enabledAdmissionPlugins ?? [],
    resourceMetrics: options?.resourceMetrics ?? false,
    runtimeConfig: options?.runtimeConfig ?? {},
    features: options?.features ?? [],
    abacPolicies: options?.abacPolicies ?? [],
    authorizationWebhooks: options?.authorizationWebhooks ?? [],
    audit: options?.audit ?? null,
    encryption: options?.encryption ?? [],
    encryptionReloads: options?.encryptionReloads ?? false,
    maxRequestsInflight: options?.maxRequestsInflight ?? 600,
    disabledAdmissionPlugins: options?.disabledAdmissionPlugins ?? [],
    admissionConfiguration: options?.admissionConfiguration ?? {},
    watchCacheChangesMax: options?.watchCacheChangesMax ?? 8192,
    watchBufferBytesMax: options?.watchBufferBytesMax ?? 16 * 1024 * 1024,
    httpTimeouts: options?.httpTimeouts ?? { headersMs: 32_000, requestMs: 60_000 },
    eventTtlSeconds: options?.eventTtlSeconds ?? 3600,
  };
}
