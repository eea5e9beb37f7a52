/** Configuration files of authentication, authorization, audit and encryption: what is wrong in them is told in one line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadExpressions } from '../../src/api/index.ts';
import { ClusterOptionsError } from '../../src/cluster/options-error.ts';
import { type SecurityOptions, securityOptions } from '../../src/cluster/security.ts';

const directory = mkdtempSync(join(tmpdir(), 'configuration-'));
beforeAll(() => loadExpressions());
afterAll(() => rmSync(directory, { recursive: true }));

function fileOf(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

function refusalOf(options: SecurityOptions): string {
  try {
    securityOptions(options, undefined);
  } catch (error) {
    if (error instanceof ClusterOptionsError) return error.message;
    throw error;
  }
  return 'taken';
}

const authentication = (text: string) => {
  const path = fileOf(
    'authn.yaml',
    `apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n${text}`,
  );
  const refusal = refusalOf({ authenticationConfig: path });
  expect(refusal).not.toContain('\n');
  return refusal.replace(`authentication-config: ${path}`, 'FILE');
};

const issuer = 'issuer: {url: "https://i.example.com", audiences: [a]}';
const username = 'username: {claim: sub, prefix: ""}';
const jwt = (...parts: string[]) => `jwt:\n- ${parts.join('\n  ')}\n`;

describe('an AuthenticationConfiguration', () => {
  it('is taken when nothing is wrong', () => {
    const rule = 'claimValidationRules: [{expression: "claims.hd == \'example.com\'", message: not-here}]';
    expect(authentication(jwt(issuer, `claimMappings: {${username}}`, rule))).toBe('taken');
    expect(authentication('anonymous: {enabled: true, conditions: [{path: /livez}]}')).toBe('taken');
    expect(authentication('')).toBe('taken');
  });

  it.each([
    ['jwt: [{issuers: {}}]', 'FILE: strict decoding error: unknown field "jwt[0].issuers"'],
    ['jwt: []\njwt: []', 'FILE is no YAML: Map keys must be unique at line 4, column 1'],
    [
      'anonymous: {enabled: "yes"}',
      'FILE: strict decoding error: anonymous.enabled: must be true or false, not a string',
    ],
    ['jwt: {}', 'FILE: strict decoding error: jwt: must be a list, not a object'],
    [
      jwt('issuer: {url: "https://i", audiences: [yes, 5]}', `claimMappings: {${username}}`),
      'FILE: strict decoding error: jwt[0].issuer.audiences[0]: must be a string (put it in quotes), not the boolean true, ' +
        'jwt[0].issuer.audiences[1]: must be a string (put it in quotes), not the number 5',
    ],
    [
      jwt('issuer: {url: "http://u:p@i/?q#f"}', `claimMappings: {${username}}`),
      'FILE: [jwt[0].issuer.url: Invalid value: "http://u:p@i/?q#f": URL scheme must be https, ' +
        'jwt[0].issuer.url: Invalid value: "http://u:p@i/?q#f": URL must not contain a username or password, ' +
        'jwt[0].issuer.url: Invalid value: "http://u:p@i/?q#f": URL must not contain a query, ' +
        'jwt[0].issuer.url: Invalid value: "http://u:p@i/?q#f": URL must not contain a fragment, ' +
        'jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required]',
    ],
    [
      jwt('issuer: {url: "https://kubernetes.default.svc.cluster.local", audiences: [a, b, a]}', 'claimMappings: {}'),
      'FILE: [jwt[0].issuer.url: Invalid value: "https://kubernetes.default.svc.cluster.local": ' +
        'URL must not overlap with disallowed issuers: [https://kubernetes.default.svc.cluster.local], ' +
        'jwt[0].issuer.audiences[2]: Duplicate value: "a", ' +
        'jwt[0].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences, ' +
        'jwt[0].claimMappings.username: Required value: claim or expression is required]',
    ],
    [
      jwt(issuer, 'claimMappings: {username: {claim: sub}, groups: {expression: "claims.", prefix: x}}'),
      /^FILE: \[jwt\[0\]\.claimMappings\.username\.prefix: Required value: prefix is required when claim is set\. .*groups\.prefix: Invalid value: "x": may not be specified when expression is set, jwt\[0\]\.claimMappings\.groups\.expression: Invalid value: "claims\.": compilation failed: ERROR: .*\]$/,
    ],
    [
      jwt(issuer, 'claimMappings: {username: {expression: "claims.email"}}'),
      /^FILE: jwt\[0\]\.claimMappings\.username\.expression: Invalid value: "claims\.email": claims\.email_verified must be used in /,
    ],
    [
      jwt(issuer, `claimMappings: {${username}, extra: [{key: k8s.io/a, valueExpression: "1"}, {key: a}]}`),
      'FILE: [jwt[0].claimMappings.extra[0].key: Invalid value: "k8s.io/a": k8s.io, kubernetes.io and their subdomains are ' +
        'reserved for Kubernetes use, ' +
        'jwt[0].claimMappings.extra[0].valueExpression: Invalid value: "1": must evaluate to one of [string list], ' +
        'jwt[0].claimMappings.extra[1].key: Invalid value: "a": must be a domain-prefixed path (such as "acme.io/foo"), ' +
        'jwt[0].claimMappings.extra[1].valueExpression: Required value]',
    ],
    [
      jwt(issuer, `claimMappings: {${username}}`, 'userValidationRules: [{message: x}, {expression: claims.a}]'),
      /^FILE: \[jwt\[0\]\.userValidationRules\[0\]\.expression: Required value, jwt\[0\]\.userValidationRules\[1\]\.expression: Invalid value: "claims\.a": compilation failed: ERROR: .*undeclared reference/,
    ],
    [
      'anonymous: {conditions: [{path: /livez}]}',
      /^FILE: anonymous\.conditions: Invalid value: .*enabled should be set to true when conditions are defined$/,
    ],
  ])('%s is refused', (text, message) => {
    const refusal = authentication(text);
    if (typeof message === 'string') expect(refusal).toBe(message);
    else expect(refusal).toMatch(message);
  });

  it('does not go with flags that say the same', () => {
    const kind = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration' };
    expect(refusalOf({ authenticationConfig: kind, oidcIssuerUrl: 'https://i', oidcClientId: 'c' })).toContain(
      'exclude',
    );
    const anonymous = { ...kind, anonymous: { enabled: true } };
    expect(refusalOf({ authenticationConfig: anonymous, anonymousAuth: false })).toContain(
      'anonymous-auth cannot be set',
    );
  });
});

describe('an AuthorizationConfiguration', () => {
  const kubeconfig = () => fileOf('kubeconfig', '{"clusters": [{"name": "w", "cluster": {"server": "https://w"}}]}');
  const webhook = () => ({
    timeout: '3s',
    subjectAccessReviewVersion: 'v1',
    failurePolicy: 'Deny',
    connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: kubeconfig() },
  });
  const config = (...authorizers: object[]) => ({
    authorizationConfig: { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers },
  });

  it('is taken with its webhooks in their order', () => {
    const made = securityOptions(
      config(
        { type: 'Node', name: 'node' },
        { type: 'Webhook', name: 'w', webhook: { ...webhook(), cacheAuthorizedRequests: false } },
      ),
      undefined,
    );
    expect(made.authorizationModes).toEqual(['Node', 'Webhook']);
    expect(made.authorizationWebhooks).toEqual([
      expect.objectContaining({
        endpoint: { url: 'https://w', timeoutMs: 3000 },
        failurePolicy: 'Deny',
        authorizedTtlMs: 0,
        unauthorizedTtlMs: 30_000,
      }),
    ]);
  });

  it.each<[object[], string | RegExp]>([
    [[], 'authorizers: Required value: at least one authorization mode must be defined'],
    [
      [{ type: 'Rbac', name: 'a' }],
      /authorizers\[0\]\.type: Unsupported value: "Rbac": supported values: "ABAC", "AlwaysAllow"/,
    ],
    [
      [
        { type: 'RBAC', name: 'a' },
        { type: 'RBAC', name: 'b' },
      ],
      'authorizers[1].type: Duplicate value: "RBAC"',
    ],
    [[{ type: 'RBAC' }], 'authorizers[0].name: Required value'],
    [[{ type: 'RBAC', name: 'a', order: 1 }], 'strict decoding error: unknown field "authorizers[0].order"'],
    [[{ type: 'Webhook', name: 'a' }], 'authorizers[0].webhook: Required value: required when type=Webhook'],
    [
      [{ type: 'RBAC', name: 'a', webhook: {} }],
      'authorizers[0].webhook: Invalid value: "non-null": may only be specified when type=Webhook',
    ],
    [
      [{ type: 'Webhook', name: 'a', webhook: { timeout: '31s', matchConditions: [{ expression: 'request.' }] } }],
      /timeout: Invalid value: "31s": must be > 0s and <= 30s, .*subjectAccessReviewVersion: Required value, .*matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified, .*failurePolicy: Required value, .*connectionInfo\.type: Required value, authorizers\[0\]\.matchConditions\[0\]\.expression: Invalid value: "request\.": compilation failed: ERROR/,
    ],
  ])('%j is refused', (authorizers, message) => {
    const refusal = refusalOf(config(...authorizers));
    expect(refusal).not.toContain('\n');
    if (typeof message === 'string') expect(refusal).toBe(`authorization-config: ${message}`);
    else expect(refusal).toMatch(message);
  });

  it('is refused where the kubeconfig of a webhook is not to be read', () => {
    const connections: [object, string][] = [
      [{ type: 'KubeConfigFile', kubeConfigFile: 'relative' }, 'must be an absolute path'],
      [{ type: 'KubeConfigFile', kubeConfigFile: join(directory, 'none') }, 'error loading file: ENOENT'],
      [{ type: 'KubeConfigFile', kubeConfigFile: directory }, 'must be a regular file'],
    ];
    for (const [connectionInfo, text] of connections) {
      const refusal = refusalOf(config({ type: 'Webhook', name: 'a', webhook: { ...webhook(), connectionInfo } }));
      expect(refusal).toContain('authorizers[0].connectionInfo.kubeConfigFile: Invalid value');
      expect(refusal).toContain(text);
    }
  });
});

describe('the policy of audit', () => {
  const policy = (more: object) => ({
    auditLogPath: '-',
    auditPolicyFile: { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', ...more },
  });

  it.each([
    [{ rules: [] }, 'loaded illegal policy with 0 rules'],
    [{ rules: [{ level: 'Metadata', user: 'a' }] }, 'unknown field "rules[0].user"'],
    [{ rules: [{ level: 'Meta' }] }, 'rules[0].level: "Meta" is none of None'],
    [{ rules: [{ level: 'Metadata', users: [1] }] }, 'rules[0].users[0]: must be a string'],
  ])('%j is refused', (more, message) => {
    expect(refusalOf(policy(more))).toContain(message);
  });
});

it.each([
  [{ auditLogMode: 'later' }, 'invalid audit log mode later, allowed modes are "batch,blocking,blocking-strict"'],
  [{ auditLogBatchBufferSize: 0 }, 'invalid audit batch log buffer size 0, must be a positive number'],
  [
    { auditLogBatchThrottleEnable: true, auditLogBatchThrottleQps: 0 },
    'invalid audit batch log throttle QPS 0, must be a positive number',
  ],
])('refuses %j', (options, message) => {
  const policy = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] };
  expect(refusalOf({ auditPolicyFile: policy, auditLogPath: '-', ...options })).toBe(message);
});

it('names what is wrong with the configuration of encryption, and never a key', () => {
  const config = (providers: unknown) => ({
    encryptionProviderConfig: {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'EncryptionConfiguration',
      resources: [{ resources: ['secrets'], providers }],
    },
  });
  const secret = Buffer.from('planted secret').toString('base64');
  const short = refusalOf(config([{ aesgcm: { keys: [{ name: 'k', secret }] } }]));
  expect(short).toMatch(/^encryption-provider-config: /);
  expect(short).not.toContain(secret);
  expect(short).toContain(
    'resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 14, expected one of [16 24 32]',
  );
  const kms = { apiVersion: 'v2', name: 'a:b', endpoint: 'tcp://localhost', timeout: '0s', cachesize: 1 };
  const odd = refusalOf(config([{ kms }, { kms: { ...kms, apiVersion: 'v3' } }]));
  for (const text of [
    'kms.name: Invalid value: "a:b": invalid KMS provider name a:b, must not contain \':\'',
    'kms.name: Invalid value: "a:b": duplicate KMS provider name a:b, names must be unique',
    'kms.timeout: Invalid value: "0s": timeout should be a positive value',
    'kms.endpoint: Invalid value: "tcp://localhost": unsupported scheme "tcp" for KMS provider, only unix is supported',
    'kms.cachesize: Invalid value: 1: cachesize is not supported in v2',
    'kms.apiVersion: Invalid value: "v3": unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported',
  ])
    expect(odd).toContain(text);
  expect(refusalOf(config([{ kms: { name: 'old', endpoint: 'unix:///a' } }]))).toContain('KMSv1 is not there');
  expect(refusalOf(config([{ aesgcm: { keys: [] } }]))).toContain('at least one keys is required');
  const two = { identity: {}, aescbc: { keys: [{ name: 'k', secret: '?' }] } };
  expect(refusalOf(config([two]))).toContain('more than one provider specified in a single element');
  expect(refusalOf(config([{ aescbc: two.aescbc }]))).toContain('"REDACTED": secrets must be base64 encoded');
  expect(refusalOf(config([{ rot13: {} }]))).toContain('unknown field "resources[0].providers[0].rot13"');
  expect(refusalOf(config({ secret }))).toBe(
    'encryption-provider-config: strict decoding error: resources[0].providers: must be a list, not a object',
  );
});

it.each([
  [['secrets', '*.'], /using overlapping resources such as 'secrets' and '\*\.'/],
  [['secrets', 'secrets'], /the same resource cannot be specified multiple times/],
  [['*'], /resources\[0\]: Invalid value: "\*": use '\*\.' to encrypt all the resources from core API group/],
  [['Secrets'], /resource name should not contain capital letters/],
  [['events.events.k8s.io'], /Use 'events' instead in the config file/],
  [['deployments.*'], /encrypting the same resource across groups is not supported/],
  [['serviceipallocations'], /resources which do not have REST API\/s cannot be encrypted/],
])('refuses to encrypt %j', (resources, message) => {
  const entry = { resources, providers: [{ identity: {} }] };
  const document = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources: [entry] };
  expect(refusalOf({ encryptionProviderConfig: document })).toMatch(message);
});

it('refuses a resource behind a wildcard that means it too', () => {
  const entry = (...resources: string[]) => ({ resources, providers: [{ identity: {} }] });
  const resources = [entry('*.apps'), entry('deployments.apps')];
  const document = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources };
  expect(refusalOf({ encryptionProviderConfig: document })).toContain(
    'resource "deployments.apps" is masked by earlier rule "*.apps"',
  );
});

it('takes authorities only where there are certificates', () => {
  const none = fileOf('none.pem', 'nothing');
  const broken = fileOf('broken.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  const text = 'data does not contain any valid RSA or ECDSA certificates';
  expect(refusalOf({ requestheaderClientCaFile: none })).toBe(`requestheader-client-ca-file: ${none}: ${text}`);
  expect(refusalOf({ requestheaderClientCaFile: broken })).toContain('holds a certificate that cannot be read');
  const oidc = { oidcIssuerUrl: 'https://i', oidcClientId: 'c', oidcCaFile: none };
  expect(refusalOf(oidc)).toBe(`oidc-ca-file: ${none}: ${text}`);
});
