/** The flags of authentication, authorization, audit, fairness and encryption, with the names that kube-apiserver gives them. */
import type { Command } from 'commander';
import type { SecurityOptions } from '../cluster/index.ts';
import { wholeNumber } from './values.ts';

const list = (text: string): string[] => text.split(',').map((item) => item.trim());
const repeated = (text: string, known: readonly string[] = []): string[] => [...known, text];

const BYTES_MAX = 2 ** 31;

/** Flags whose value is a boolean may come bare, or as `--flag=false`. */
const truth = (text: string): boolean => !/^(false|0|f|no)$/i.test(text);

/** Adds the flags to a command; what they become is read by {@link securityOf}. */
export function addSecurityFlags(command: Command): Command {
  return command
    .option('--anonymous-auth [bool]', 'let requests without credentials in as system:anonymous (default: true)', truth)
    .option('--client-ca-file <file>', 'further authorities of client certificates (PEM)')
    .option('--token-auth-file <file>', 'static tokens, CSV: token,user,uid,"group1,group2"')
    .option('--basic-auth-file <file>', 'passwords, CSV: password,user,uid,"group1,group2"; for tests only')
    .option('--enable-bootstrap-token-auth [bool]', 'accept bootstrap tokens of Secrets in kube-system', truth)
    .option('--authentication-config <file>', 'AuthenticationConfiguration')
    .option('--oidc-issuer-url <url>', 'OpenID issuer, https only')
    .option('--oidc-client-id <id>', 'audience that its tokens must be for')
    .option('--oidc-ca-file <file>', 'authority of the issuer (PEM)')
    .option('--oidc-username-claim <claim>', 'claim of the user name (default: sub)')
    .option('--oidc-username-prefix <prefix>', 'put before user names; - for none')
    .option('--oidc-groups-claim <claim>', 'claim of the groups')
    .option('--oidc-groups-prefix <prefix>', 'put before groups')
    .option('--oidc-required-claim <claim=value>', 'claim that tokens must have; may be repeated', repeated)
    .option('--oidc-signing-algs <list>', 'JOSE algorithms (default: RS256)', list)
    .option('--authentication-token-webhook-config-file <file>', 'kubeconfig of a service that reviews tokens')
    .option('--authentication-token-webhook-cache-ttl <time>', 'how long its answers are kept (default: 2m)')
    .option('--authentication-token-webhook-version <version>', 'v1 or v1beta1 (default: v1)')
    .option('--requestheader-client-ca-file <file>', 'authorities of proxies in front (PEM)')
    .option('--requestheader-allowed-names <list>', 'common names that they may have', list)
    .option('--requestheader-username-headers <list>', 'default: X-Remote-User', list)
    .option('--requestheader-uid-headers <list>', 'default: X-Remote-Uid', list)
    .option('--requestheader-group-headers <list>', 'default: X-Remote-Group', list)
    .option('--requestheader-extra-headers-prefix <list>', 'default: X-Remote-Extra-', list)
    .option(
      '--service-account-issuer <url>',
      'issuer of service account tokens; given again, one more that counts',
      repeated,
    )
    .option('--service-account-signing-key-file <file>', 'private key that signs service account tokens (PEM)')
    .option('--service-account-key-file <file>', 'keys that they are verified with (PEM); may be repeated', repeated)
    .option('--service-account-jwks-uri <url>', 'where their public keys are told to be')
    .option('--service-account-max-token-expiration <time>', 'how long they last at most, as in 24h')
    .option(
      '--service-account-extend-token-expiration [bool]',
      "let pods' tokens last a year while they are not read anew (default: true)",
      truth,
    )
    .option('--api-audiences <list>', 'audiences of this server (default: the issuer)', list)
    .option(
      '--authorization-mode <list>',
      'Node, RBAC, ABAC, Webhook, AlwaysAllow, AlwaysDeny (default: Node,RBAC)',
      list,
    )
    .option('--authorization-config <file>', 'AuthorizationConfiguration, instead of the modes')
    .option('--authorization-policy-file <file>', 'policies of ABAC, a JSON object a line')
    .option('--authorization-webhook-config-file <file>', 'kubeconfig of a service that decides')
    .option('--audit-policy-file <file>', 'what is recorded')
    .option('--audit-log-path <file>', 'record as JSON lines here; - for standard output')
    .option(
      '--audit-log-maxsize <megabytes>',
      'put the log aside at this size (default: 100)',
      wholeNumber(0, 1_000_000),
    )
    .option('--audit-log-maxbackup <n>', 'keep so many of them (default: all)', wholeNumber(0, 100_000))
    .option('--audit-log-maxage <days>', 'keep them for so long (default: for ever)', wholeNumber(0, 100_000))
    .option('--audit-log-compress [bool]', 'compress them (default: false)', truth)
    .option('--audit-log-format <format>', 'json or legacy (default: json)')
    .option('--audit-log-mode <mode>', 'batch, or requests wait: blocking, blocking-strict (default: batch)')
    .option('--audit-log-batch-buffer-size <n>', 'events that wait (default: 10000)', wholeNumber(0, BYTES_MAX))
    .option('--audit-log-batch-max-size <n>', 'events written at once (default: 400)', wholeNumber(0, BYTES_MAX))
    .option('--audit-log-batch-max-wait <time>', 'how long an event waits for others (default: 100ms)')
    .option('--audit-log-batch-throttle-enable [bool]', 'bound the batches of a second (default: false)', truth)
    .option('--audit-log-batch-throttle-qps <n>', 'batches a second (default: 10)', Number)
    .option('--audit-log-batch-throttle-burst <n>', 'batches at once after a pause (default: 15)', Number)
    .option('--audit-log-truncate-enabled [bool]', 'keep large events out of the log (default: false)', truth)
    .option('--audit-log-truncate-max-event-size <bytes>', 'default: 102400', wholeNumber(0, BYTES_MAX))
    .option('--audit-log-truncate-max-batch-size <bytes>', 'default: 10485760', wholeNumber(0, BYTES_MAX))
    .option('--audit-webhook-config-file <file>', 'kubeconfig of a service that takes audit events')
    .option('--audit-webhook-initial-backoff <time>', 'wait before a batch is sent again (default: 250ms)')
    .option('--audit-webhook-mode <mode>', 'batch, or requests wait: blocking, blocking-strict (default: batch)')
    .option('--audit-webhook-batch-buffer-size <n>', 'events that wait (default: 10000)', wholeNumber(0, BYTES_MAX))
    .option('--audit-webhook-batch-max-size <n>', 'events written at once (default: 400)', wholeNumber(0, BYTES_MAX))
    .option('--audit-webhook-batch-max-wait <time>', 'how long an event waits for others (default: 500ms)')
    .option('--audit-webhook-batch-throttle-enable [bool]', 'bound the batches of a second (default: true)', truth)
    .option('--audit-webhook-batch-throttle-qps <n>', 'batches a second (default: 10)', Number)
    .option('--audit-webhook-batch-throttle-burst <n>', 'batches at once after a pause (default: 15)', Number)
    .option('--audit-webhook-truncate-enabled [bool]', 'send large events without their bodies (default: false)', truth)
    .option('--audit-webhook-truncate-max-event-size <bytes>', 'default: 102400', wholeNumber(0, BYTES_MAX))
    .option('--audit-webhook-truncate-max-batch-size <bytes>', 'default: 10485760', wholeNumber(0, BYTES_MAX))
    .option('--encryption-provider-config <file>', 'EncryptionConfiguration')
    .option('--encryption-provider-config-automatic-reload [bool]', 'look at it every minute (default: false)', truth)
    .option('--enable-priority-and-fairness [bool]', 'share the seats fairly (default: true)', truth)
    .option(
      '--max-requests-inflight <n>',
      'seats, together with the next flag (default: 400)',
      wholeNumber(0, 1_000_000),
    )
    .option('--max-mutating-requests-inflight <n>', 'default: 200', wholeNumber(0, 1_000_000));
}

/** The options of SecurityOptions have the flags' names, as commander writes them. */
const NAMES: readonly (keyof SecurityOptions)[] = [
  'anonymousAuth',
  'clientCaFile',
  'tokenAuthFile',
  'basicAuthFile',
  'enableBootstrapTokenAuth',
  'authenticationConfig',
  'oidcIssuerUrl',
  'oidcClientId',
  'oidcCaFile',
  'oidcUsernameClaim',
  'oidcUsernamePrefix',
  'oidcGroupsClaim',
  'oidcGroupsPrefix',
  'oidcRequiredClaim',
  'oidcSigningAlgs',
  'authenticationTokenWebhookConfigFile',
  'authenticationTokenWebhookCacheTtl',
  'authenticationTokenWebhookVersion',
  'requestheaderClientCaFile',
  'requestheaderAllowedNames',
  'requestheaderUsernameHeaders',
  'requestheaderUidHeaders',
  'requestheaderGroupHeaders',
  'requestheaderExtraHeadersPrefix',
  'serviceAccountIssuer',
  'serviceAccountSigningKeyFile',
  'serviceAccountKeyFile',
  'serviceAccountJwksUri',
  'serviceAccountMaxTokenExpiration',
  'serviceAccountExtendTokenExpiration',
  'apiAudiences',
  'authorizationMode',
  'authorizationConfig',
  'authorizationPolicyFile',
  'authorizationWebhookConfigFile',
  'auditPolicyFile',
  'auditLogPath',
  'auditLogMaxsize',
  'auditLogMaxbackup',
  'auditLogMaxage',
  'auditLogCompress',
  'auditLogFormat',
  'auditLogMode',
  'auditLogBatchBufferSize',
  'auditLogBatchMaxSize',
  'auditLogBatchMaxWait',
  'auditLogBatchThrottleEnable',
  'auditLogBatchThrottleQps',
  'auditLogBatchThrottleBurst',
  'auditLogTruncateEnabled',
  'auditLogTruncateMaxEventSize',
  'auditLogTruncateMaxBatchSize',
  'auditWebhookConfigFile',
  'auditWebhookInitialBackoff',
  'auditWebhookMode',
  'auditWebhookBatchBufferSize',
  'auditWebhookBatchMaxSize',
  'auditWebhookBatchMaxWait',
  'auditWebhookBatchThrottleEnable',
  'auditWebhookBatchThrottleQps',
  'auditWebhookBatchThrottleBurst',
  'auditWebhookTruncateEnabled',
  'auditWebhookTruncateMaxEventSize',
  'auditWebhookTruncateMaxBatchSize',
  'encryptionProviderConfig',
  'encryptionProviderConfigAutomaticReload',
  'enablePriorityAndFairness',
  'maxRequestsInflight',
  'maxMutatingRequestsInflight',
];

/** What the flags say of security, and what people should be warned of. */
export function securityOf(flags: object): {
  readonly security: SecurityOptions;
  readonly warnings: readonly string[];
} {
  const given = flags as SecurityOptions;
  const security = Object.fromEntries(
    NAMES.filter((name) => given[name] !== undefined).map((name) => [name, given[name]]),
  );
  const warnings = [
    ...(given.basicAuthFile === undefined
      ? []
      : ['--basic-auth-file: passwords are kept in plain text and sent with every request; use it for tests only']),
    ...(given.authorizationMode?.includes('AlwaysAllow') === true
      ? ['--authorization-mode AlwaysAllow: everybody may do everything']
      : []),
  ];
  return { security, warnings };
}
