/** What an API server is started with: plain data, since it crosses threads. Composition fills it in. */
import type { AuthorizationMode } from './authorization/index.ts';

export interface TokenOption {
  readonly token: string;
  readonly user: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
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
  /** Requests without credentials: `system:anonymous` (default), or refused with 401. */
  readonly anonymous?: boolean;
  /**
   * Who comes through the plain HTTP door without credentials. Default: anonymous. A cluster on loopback makes them admins, so that
   * `kubectl --server http://…` works.
   */
  readonly httpUser?: { readonly user: string; readonly groups: readonly string[] };
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
  /** Certificate of the cluster's CA, published to pods and used in kubeconfigs. */
  readonly caPem?: string;
  /** PKCS#8 PEM of the key that signs service account tokens; made at start when absent. */
  readonly serviceAccountKeyPem?: string;
  /** Refuse pods whose service account is missing, as upstream does. Default true. */
  readonly serviceAccountAdmission?: boolean;
  /** Who decides what users may do, in this order. Default Node, RBAC. `AlwaysAllow` lets everybody do everything. */
  readonly authorizationModes?: readonly AuthorizationMode[];
  /** Admission plugins to run although they are off by default, by upstream's names. */
  readonly enabledAdmissionPlugins?: readonly string[];
  /** Admission plugins to leave out, by upstream's names. */
  readonly disabledAdmissionPlugins?: readonly string[];
  /** Configurations of admission plugins, by upstream's names: what an AdmissionConfiguration holds under each. */
  readonly admissionConfiguration?: Readonly<Record<string, unknown>>;
  /** Changes of a kind that a watch can start before. Default 8192. */
  readonly watchCacheChangesMax?: number;
  /** Bytes that may wait for a slow watcher's socket before it is closed with 410. Default 16 MiB. */
  readonly watchBufferBytesMax?: number;
  /** Seconds that Events are kept. Default 3600. */
  readonly eventTtlSeconds?: number;
}

/** All options with their defaults. */
export type ResolvedOptions = Required<ApiserverOptions>;

export function resolveOptions(options: ApiserverOptions | undefined): ResolvedOptions {
  return {
    http: options?.http ?? null,
    https: options?.https ?? null,
    tokens: options?.tokens ?? [],
    anonymous: options?.anonymous ?? true,
    httpUser: options?.httpUser ?? { user: 'system:anonymous', groups: ['system:unauthenticated'] },
    serviceCidr: options?.serviceCidr ?? '10.96.0.0/16',
    nodePortRange: options?.nodePortRange ?? '30000-32767',
    storeAddress: options?.storeAddress ?? 'store',
    sharedStore: options?.sharedStore ?? false,
    serverVersion: options?.serverVersion ?? { gitVersion: 'v1.36.2', major: '1', minor: '36' },
    clusterName: options?.clusterName ?? 'kubehive',
    caPem: options?.caPem ?? '',
    serviceAccountKeyPem: options?.serviceAccountKeyPem ?? '',
    serviceAccountAdmission: options?.serviceAccountAdmission ?? true,
    authorizationModes: options?.authorizationModes ?? ['Node', 'RBAC'],
    enabledAdmissionPlugins: options?.enabledAdmissionPlugins ?? [],
    disabledAdmissionPlugins: options?.disabledAdmissionPlugins ?? [],
    admissionConfiguration: options?.admissionConfiguration ?? {},
    watchCacheChangesMax: options?.watchCacheChangesMax ?? 8192,
    watchBufferBytesMax: options?.watchBufferBytesMax ?? 16 * 1024 * 1024,
    eventTtlSeconds: options?.eventTtlSeconds ?? 3600,
  };
}
