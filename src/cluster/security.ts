/**
 * What an operator configures of authentication, authorization, audit, fairness and encryption, by upstream's names, and what
 * the API server is told of it. Files are read when the cluster starts; configuration-reload.ts reads some of them again.
 * @see https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
 */
import { type ApiserverOptions, AUTHORIZATION_MODES, SERVICE_ACCOUNT_ISSUER } from '../../actors/apiserver/index.ts';
import { type AuditOptions, auditOptions } from './audit-options.ts';
import { readAuthenticationConfiguration } from './authentication-configuration.ts';
import { readAuthorizationConfiguration } from './authorization-configuration.ts';
import { durationMs, groupsOf, readAuthorities, readEndpoint, readRows, readText } from './config-files.ts';
import { type EncryptionOptions, readEncryptionConfiguration } from './encryption-configuration.ts';
import { ClusterOptionsError } from './options-error.ts';
import { issuersOf, type TokenOptions, tokenOptions } from './token-options.ts';

/** Documents may be given as objects or as paths of YAML files; everything else that ends in `File` is a path. */
export interface SecurityOptions extends TokenOptions, EncryptionOptions, AuditOptions {
  /** CSV: token, user, uid, "group1,group2". */
  readonly tokenAuthFile?: string;
  /** CSV: password, user, uid, "group1,group2". Passwords in plain text: for tests. */
  readonly basicAuthFile?: string;
  readonly enableBootstrapTokenAuth?: boolean;
  /** Default true. */
  readonly anonymousAuth?: boolean;
  /** PEM bundle of further authorities of client certificates. */
  readonly clientCaFile?: string;
  /** AuthenticationConfiguration. */
  readonly authenticationConfig?: string | object;
  readonly oidcIssuerUrl?: string;
  readonly oidcClientId?: string;
  readonly oidcCaFile?: string;
  /** Default `sub`. */
  readonly oidcUsernameClaim?: string;
  /** Default: the issuer and `#`, none for `email`; `-`: none. */
  readonly oidcUsernamePrefix?: string;
  readonly oidcGroupsClaim?: string;
  readonly oidcGroupsPrefix?: string;
  /** `claim=value`, each of which a token must have. */
  readonly oidcRequiredClaim?: readonly string[];
  /** Default RS256. */
  readonly oidcSigningAlgs?: readonly string[];
  /** Kubeconfig of a service that reviews tokens. */
  readonly authenticationTokenWebhookConfigFile?: string;
  /** Default 2m. */
  readonly authenticationTokenWebhookCacheTtl?: string;
  /** Default v1. */
  readonly authenticationTokenWebhookVersion?: 'v1' | 'v1beta1';
  /** PEM bundle of the authorities of proxies in front; default: the cluster's own front-proxy CA. */
  readonly requestheaderClientCaFile?: string;
  readonly requestheaderAllowedNames?: readonly string[];
  readonly requestheaderUsernameHeaders?: readonly string[];
  readonly requestheaderUidHeaders?: readonly string[];
  readonly requestheaderGroupHeaders?: readonly string[];
  readonly requestheaderExtraHeadersPrefix?: readonly string[];
  /** Default Node, RBAC. */
  readonly authorizationMode?: readonly string[];
  /** ABAC policies, a JSON object a line. */
  readonly authorizationPolicyFile?: string;
  /** Kubeconfig of a service that decides. */
  readonly authorizationWebhookConfigFile?: string;
  /** AuthorizationConfiguration, instead of the modes. */
  readonly authorizationConfig?: string | object;
  /** Default true. */
  readonly enablePriorityAndFairness?: boolean;
  /** Default 400 and 200; fairness shares their sum. */
  readonly maxRequestsInflight?: number;
  readonly maxMutatingRequestsInflight?: number;
}

type Writable<Type> = { -readonly [Member in keyof Type]: Type[Member] };
type Told = Writable<ApiserverOptions>;

/** What the API server is told. `frontProxyCaPem` is the cluster's own. @throws ClusterOptionsError */
export function securityOptions(
  options: SecurityOptions,
  frontProxyCaPem: string | undefined,
): Partial<ApiserverOptions> {
  const told: Told = { ...tokenOptions(options) };
  authentication(options, told);
  frontProxy(options, told, frontProxyCaPem);
  authorization(options, told);
  const audit = auditOptions(options);
  if (audit !== undefined) told.audit = audit;
  if (options.encryptionProviderConfig !== undefined) {
    told.encryption = readEncryptionConfiguration(options.encryptionProviderConfig);
    told.encryptionReloads = options.encryptionProviderConfigAutomaticReload ?? false;
  }
  const { maxRequestsInflight = 400, maxMutatingRequestsInflight = 200 } = options;
  told.maxRequestsInflight =
    options.enablePriorityAndFairness === false ? 0 : maxRequestsInflight + maxMutatingRequestsInflight;
  return told;
}

/** PEM of the authorities of client certificates beside the cluster's own; empty without any. */
export function furtherClientAuthorities({ clientCaFile }: SecurityOptions): string {
  return clientCaFile === undefined ? '' : readAuthorities('client-ca-file', clientCaFile);
}

function authentication(options: SecurityOptions, told: Told): void {
  if (options.tokenAuthFile !== undefined) {
    told.tokens = readRows('token-auth-file', options.tokenAuthFile, 3).map(
      ([token = '', user = '', uid = '', groups]) => ({
        token,
        user,
        uid,
        groups: groupsOf(groups),
      }),
    );
  }
  if (options.basicAuthFile !== undefined) {
    const rows = readRows('basic-auth-file', options.basicAuthFile, 3);
    told.passwords = rows.map(([password = '', user = '', uid = '', groups]) => ({
      password,
      user,
      uid,
      groups: groupsOf(groups),
    }));
  }
  if (options.enableBootstrapTokenAuth === true) told.bootstrapTokens = true;
  if (options.anonymousAuth !== undefined) told.anonymous = options.anonymousAuth;
  if (options.authenticationTokenWebhookConfigFile !== undefined) {
    told.tokenWebhook = {
      endpoint: readEndpoint('authentication-token-webhook-config-file', options.authenticationTokenWebhookConfigFile),
      version: options.authenticationTokenWebhookVersion ?? 'v1',
      cacheTtlMs: durationMs(
        'authentication-token-webhook-cache-ttl',
        options.authenticationTokenWebhookCacheTtl,
        120_000,
      ),
    };
  }
  const issuers = [...oidcIssuers(options), ...structuredIssuers(options, told)];
  if (issuers.length > 0) told.jwtIssuers = issuers;
}

type JwtIssuer = NonNullable<ApiserverOptions['jwtIssuers']>[number];

function oidcIssuers(options: SecurityOptions): JwtIssuer[] {
  const { oidcIssuerUrl: url, oidcClientId: clientId } = options;
  if (url === undefined && clientId === undefined) return [];
  if (url === undefined || clientId === undefined) {
    throw new ClusterOptionsError('oidc-issuer-url and oidc-client-id go together');
  }
  checkIssuerUrl('oidc-issuer-url', url);
  const claim = options.oidcUsernameClaim ?? 'sub';
  const given = options.oidcUsernamePrefix;
  const prefix = given === '-' ? '' : (given ?? (claim === 'email' ? '' : `${url}#`));
  return [
    {
      issuer: {
        url,
        audiences: [clientId],
        ...(options.oidcCaFile === undefined
          ? {}
          : { certificateAuthority: readAuthorities('oidc-ca-file', options.oidcCaFile) }),
      },
      claimMappings: {
        username: { claim, prefix },
        ...(options.oidcGroupsClaim === undefined
          ? {}
          : { groups: { claim: options.oidcGroupsClaim, prefix: options.oidcGroupsPrefix ?? '' } }),
      },
      claimValidationRules: (options.oidcRequiredClaim ?? []).map((text) => {
        const at = text.indexOf('=');
        if (at < 1) throw new ClusterOptionsError(`oidc-required-claim: ${JSON.stringify(text)} is not claim=value`);
        return { claim: text.slice(0, at), requiredValue: text.slice(at + 1) };
      }),
      signingAlgorithms: options.oidcSigningAlgs ?? ['RS256'],
    },
  ];
}

function checkIssuerUrl(option: string, url: string): void {
  if (!/^https:\/\//.test(url))
    throw new ClusterOptionsError(`${option}: ${JSON.stringify(url)} must begin with https://`);
}

function structuredIssuers(options: SecurityOptions, told: Told): readonly JwtIssuer[] {
  if (options.authenticationConfig === undefined) return [];
  if (options.oidcIssuerUrl !== undefined || options.oidcClientId !== undefined) {
    throw new ClusterOptionsError('authentication-config and oidc-issuer-url exclude each other');
  }
  const given = issuersOf(options);
  const own = given.length > 0 ? given : [SERVICE_ACCOUNT_ISSUER];
  const { jwt, anonymous } = readAuthenticationConfiguration(options.authenticationConfig, own);
  if (anonymous !== undefined && anonymous !== null) {
    if (options.anonymousAuth !== undefined) {
      throw new ClusterOptionsError(
        'anonymous-auth cannot be set when the file of authentication-config has the field anonymous',
      );
    }
    told.anonymous = anonymous.enabled ?? false;
    told.anonymousPaths = (anonymous.conditions ?? []).map(({ path }) => path);
  }
  return jwt ?? [];
}

function frontProxy(options: SecurityOptions, told: Told, ownCaPem: string | undefined): void {
  const file = options.requestheaderClientCaFile;
  const caPem = file === undefined ? ownCaPem : readAuthorities('requestheader-client-ca-file', file);
  if (caPem === undefined) return;
  told.requestHeader = {
    caPem,
    allowedNames: options.requestheaderAllowedNames ?? (file === undefined ? ['front-proxy-client'] : []),
    usernameHeaders: options.requestheaderUsernameHeaders ?? ['X-Remote-User'],
    uidHeaders: options.requestheaderUidHeaders ?? ['X-Remote-Uid'],
    groupHeaders: options.requestheaderGroupHeaders ?? ['X-Remote-Group'],
    extraHeaderPrefixes: options.requestheaderExtraHeadersPrefix ?? ['X-Remote-Extra-'],
  };
}

type Webhook = NonNullable<ApiserverOptions['authorizationWebhooks']>[number];
type Mode = (typeof AUTHORIZATION_MODES)[number];

function modeOf(option: string, text: string): Mode {
  const mode = AUTHORIZATION_MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw new ClusterOptionsError(`${option}: ${JSON.stringify(text)} is none of ${AUTHORIZATION_MODES.join(', ')}`);
}

function authorization(options: SecurityOptions, told: Told): void {
  const webhooks: Webhook[] = [];
  if (options.authorizationConfig !== undefined) {
    if (options.authorizationMode !== undefined) {
      throw new ClusterOptionsError('authorization-config and authorization-mode exclude each other');
    }
    const { modes, webhooks: configured } = readAuthorizationConfiguration(options.authorizationConfig);
    told.authorizationModes = modes;
    webhooks.push(...configured);
  } else if (options.authorizationMode !== undefined) {
    const modes = options.authorizationMode.map((text) => modeOf('authorization-mode', text));
    if (new Set(modes).size < modes.length) {
      throw new ClusterOptionsError('authorization-mode: a mode is named twice');
    }
    told.authorizationModes = modes;
    if (modes.includes('Webhook')) {
      const file = options.authorizationWebhookConfigFile;
      if (file === undefined) {
        throw new ClusterOptionsError('authorization-mode: Webhook needs authorization-webhook-config-file');
      }
      const endpoint = readEndpoint('authorization-webhook-config-file', file);
      webhooks.push({
        endpoint,
        authorizedTtlMs: 300_000,
        unauthorizedTtlMs: 30_000,
        failurePolicy: 'NoOpinion',
        matchConditions: [],
      });
    }
  }
  if (webhooks.length > 0) told.authorizationWebhooks = webhooks;
  const file = options.authorizationPolicyFile;
  if (told.authorizationModes?.includes('ABAC') === true && file === undefined) {
    throw new ClusterOptionsError('authorization-mode: ABAC needs authorization-policy-file');
  }
  if (file !== undefined) told.abacPolicies = abacPolicies(file);
}

type AbacPolicy = NonNullable<ApiserverOptions['abacPolicies']>[number];

function abacPolicies(path: string): AbacPolicy[] {
  const option = 'authorization-policy-file';
  return readText(option, path)
    .split('\n')
    .flatMap((text, index) => {
      const line = text.trim();
      if (line === '' || line.startsWith('#')) return [];
      let policy: { kind?: string; spec?: AbacPolicy } & AbacPolicy;
      try {
        policy = JSON.parse(line);
      } catch (error) {
        throw new ClusterOptionsError(
          `${option}: line ${index + 1} of ${path} is no JSON: ${(error as Error).message}`,
        );
      }
      return [policy.kind === undefined ? fromFirstVersion(policy) : (policy.spec ?? {})];
    });
}

/** Lines without a kind are of the first version, where what is left out means all. */
function fromFirstVersion(policy: AbacPolicy): AbacPolicy {
  const { user = '', group = '', namespace = '', resource = '', readonly = false } = policy;
  return {
    user,
    group: user === '' && group === '' ? 'system:authenticated' : group,
    namespace: namespace === '' ? '*' : namespace,
    resource: resource === '' ? '*' : resource,
    apiGroup: '*',
    readonly,
    ...(namespace === '' && resource === '' ? { nonResourcePath: '*' } : {}),
  };
}
