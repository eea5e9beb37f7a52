/**
 * The AuthenticationConfiguration: issuers of tokens and who may come without any. Every rule of upstream's, with its path and
 * words. @see staging/src/k8s.io/apiserver/pkg/apis/apiserver/validation/validation.go
 */
import { type ApiserverOptions, expressionFault } from '../../actors/apiserver/index.ts';
import { aggregateText, domainPathErrors, type FieldError, fieldErrors, fieldErrorText } from '../api/index.ts';
import { readDocument } from './config-files.ts';
import { ClusterOptionsError } from './options-error.ts';
import { refuseOddMembers, type Shape } from './strict-document.ts';

type JwtIssuer = NonNullable<ApiserverOptions['jwtIssuers']>[number];

export interface AuthenticationConfiguration {
  readonly jwt?: readonly JwtIssuer[] | null;
  readonly anonymous?: {
    readonly enabled?: boolean;
    readonly conditions?: readonly { readonly path: string }[] | null;
  } | null;
}

const mapping: Shape = { claim: 'string', prefix: 'string', expression: 'string' };
const shape: Shape = {
  apiVersion: 'string',
  kind: 'string',
  jwt: [
    {
      issuer: {
        url: 'string',
        discoveryURL: 'string',
        certificateAuthority: 'string',
        audiences: ['string'],
        audienceMatchPolicy: 'string',
        egressSelectorType: 'string',
      },
      claimValidationRules: [{ claim: 'string', requiredValue: 'string', expression: 'string', message: 'string' }],
      claimMappings: {
        username: mapping,
        groups: mapping,
        uid: { claim: 'string', expression: 'string' },
        extra: [{ key: 'string', valueExpression: 'string' }],
      },
      userValidationRules: [{ expression: 'string', message: 'string' }],
    },
  ],
  anonymous: { enabled: 'boolean', conditions: [{ path: 'string' }] },
};

const JWTS_MAX = 64;

/**
 * `ownIssuers`: of service account tokens, which nobody else may issue. Expressions are compiled: the language must be loaded.
 * @throws ClusterOptionsError
 */
export function readAuthenticationConfiguration(
  source: string | object,
  ownIssuers: readonly string[],
): AuthenticationConfiguration {
  const option = 'authentication-config';
  const document = readDocument<AuthenticationConfiguration>(option, source, 'AuthenticationConfiguration', [
    'apiserver.config.k8s.io/v1',
    'apiserver.config.k8s.io/v1beta1',
    'apiserver.config.k8s.io/v1alpha1',
  ]);
  const where = typeof source === 'string' ? `${option}: ${source}` : option;
  refuseOddMembers(where, document, shape);
  const errors = [...issuerErrors(document.jwt ?? [], ownIssuers), ...anonymousErrors(document)];
  if (errors.length > 0) throw new ClusterOptionsError(`${where}: ${aggregateText(errors.map(fieldErrorText))}`);
  return document;
}

function anonymousErrors({ anonymous }: AuthenticationConfiguration): FieldError[] {
  const conditions = anonymous?.conditions ?? [];
  if (anonymous?.enabled === true || conditions.length === 0) return [];
  const text = 'enabled should be set to true when conditions are defined';
  return [fieldErrors.invalid('anonymous.conditions', conditions, text)];
}

function issuerErrors(issuers: readonly JwtIssuer[], ownIssuers: readonly string[]): FieldError[] {
  if (issuers.length > JWTS_MAX) return [fieldErrors.tooMany('jwt', issuers.length, JWTS_MAX)];
  const urls = new Set<string>();
  const discoveries = new Set<string>();
  return issuers.flatMap((entry, index) => {
    const at = `jwt[${index}]`;
    const { url = '', discoveryURL = '' } = entry.issuer ?? {};
    const errors = [
      ...errorsOfIssuer(entry.issuer ?? { url: '', audiences: [] }, ownIssuers, `${at}.issuer`),
      ...errorsOfRules(entry, at),
      ...errorsOfMappings(entry, `${at}.claimMappings`),
      ...errorsOfUserRules(entry, `${at}.userValidationRules`),
    ];
    if (urls.has(url)) errors.push(fieldErrors.duplicate(`${at}.issuer.url`, url));
    if (discoveryURL !== '' && discoveries.has(discoveryURL)) {
      errors.push(fieldErrors.duplicate(`${at}.issuer.discoveryURL`, discoveryURL));
    }
    urls.add(url);
    discoveries.add(discoveryURL);
    return errors;
  });
}

function errorsOfIssuer(issuer: JwtIssuer['issuer'], ownIssuers: readonly string[], at: string): FieldError[] {
  const { url = '', discoveryURL = '', certificateAuthority = '', egressSelectorType = '' } = issuer;
  const errors = url === '' ? [fieldErrors.required(`${at}.url`)] : urlErrors(url, ownIssuers, `${at}.url`);
  if (discoveryURL !== '') {
    if (url !== '' && url.replace(/\/+$/, '') === discoveryURL.replace(/\/+$/, '')) {
      const text = 'discoveryURL must be different from URL';
      errors.push(fieldErrors.invalid(`${at}.discoveryURL`, discoveryURL, text));
    }
    errors.push(...urlErrors(discoveryURL, [], `${at}.discoveryURL`));
  }
  errors.push(...audienceErrors(issuer, at));
  if (certificateAuthority !== '' && !certificateAuthority.includes('-----BEGIN CERTIFICATE-----')) {
    const text = 'data does not contain any valid RSA or ECDSA certificates';
    errors.push(fieldErrors.invalid(`${at}.certificateAuthority`, '<omitted>', text));
  }
  if (egressSelectorType !== '' && !['controlplane', 'cluster'].includes(egressSelectorType)) {
    const text = 'egress selector must be either controlplane or cluster';
    errors.push(fieldErrors.invalid(`${at}.egressSelectorType`, egressSelectorType, text));
  }
  return errors;
}

function urlErrors(text: string, disallowed: readonly string[], at: string): FieldError[] {
  const errors: FieldError[] = [];
  const wrong = (detail: string) => errors.push(fieldErrors.invalid(at, text, detail));
  if (disallowed.includes(text)) {
    wrong(`URL must not overlap with disallowed issuers: [${[...disallowed].sort().join(' ')}]`);
  }
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed?.protocol !== 'https:') wrong('URL scheme must be https');
  if (parsed !== undefined && (parsed.username !== '' || parsed.password !== '')) {
    wrong('URL must not contain a username or password');
  }
  if (parsed !== undefined && parsed.search !== '') wrong('URL must not contain a query');
  if (parsed !== undefined && parsed.hash !== '') wrong('URL must not contain a fragment');
  return errors;
}

function audienceErrors({ audiences, audienceMatchPolicy: policy = '' }: JwtIssuer['issuer'], issuer: string) {
  const at = `${issuer}.audiences`;
  if ((audiences ?? []).length === 0) return [fieldErrors.required(at, `at least one ${at} is required`)];
  const errors: FieldError[] = [];
  audiences.forEach((audience, index) => {
    if ((audience ?? '') === '') errors.push(fieldErrors.required(`${at}[${index}]`));
    if (audiences.indexOf(audience) < index) errors.push(fieldErrors.duplicate(`${at}[${index}]`, audience));
  });
  if (policy === 'MatchAny') return errors;
  const place = `${issuer}.audienceMatchPolicy`;
  if (audiences.length > 1) {
    errors.push(fieldErrors.invalid(place, policy, 'audienceMatchPolicy must be MatchAny for multiple audiences'));
  } else if (policy !== '') {
    const text = 'audienceMatchPolicy must be empty or MatchAny for single audience';
    errors.push(fieldErrors.invalid(place, policy, text));
  }
  return errors;
}

const BOTH = "claim and expression can't both be set";

function compiled(text: string, variable: 'claims' | 'user', types: readonly string[], at: string): FieldError[] {
  const fault = expressionFault(text, variable, types);
  return fault === undefined ? [] : [fieldErrors.invalid(at, text, fault)];
}

function errorsOfRules({ claimValidationRules }: JwtIssuer, issuer: string): FieldError[] {
  const seen = new Set<string>();
  return (claimValidationRules ?? []).flatMap((rule, index) => {
    const at = `${issuer}.claimValidationRules[${index}]`;
    const { claim = '', expression = '', message = '', requiredValue = '' } = rule ?? {};
    if (claim !== '' && expression !== '') return [fieldErrors.invalid(at, claim, BOTH)];
    if (claim === '' && expression === '') return [fieldErrors.required(at, 'claim or expression is required')];
    const [name, value] = claim === '' ? ['expression', expression] : ['claim', claim];
    const errors: FieldError[] = [];
    if (claim !== '' && message !== '') {
      errors.push(fieldErrors.invalid(`${at}.message`, message, 'may not be specified when claim is set'));
    }
    if (expression !== '' && requiredValue !== '') {
      errors.push(
        fieldErrors.invalid(`${at}.requiredValue`, requiredValue, 'may not be specified when expression is set'),
      );
    }
    if (seen.has(`${name} ${value}`)) return [...errors, fieldErrors.duplicate(`${at}.${name}`, value)];
    seen.add(`${name} ${value}`);
    return claim === '' ? [...errors, ...compiled(expression, 'claims', ['bool'], `${at}.expression`)] : errors;
  });
}

function errorsOfMappings({ claimMappings, claimValidationRules }: JwtIssuer, at: string): FieldError[] {
  const { username, groups, uid, extra } = claimMappings ?? {};
  const errors = [
    ...mappingErrors(username ?? {}, `${at}.username`, true, ['string']),
    ...mappingErrors(groups ?? {}, `${at}.groups`, false, ['string', 'list']),
  ];
  if ((uid?.claim ?? '') !== '' && (uid?.expression ?? '') !== '') {
    errors.push(fieldErrors.invalid(`${at}.uid`, '', BOTH));
  } else if ((uid?.expression ?? '') !== '') {
    errors.push(...compiled(uid?.expression as string, 'claims', ['string'], `${at}.uid.expression`));
  }
  errors.push(...extraErrors(extra ?? [], at));
  const proofs = [
    ...(extra ?? []).map((one) => one?.valueExpression),
    ...(claimValidationRules ?? []).map((one) => one?.expression),
  ];
  const uses = (text: string | undefined, claim: string) =>
    new RegExp(`\\bclaims\\s*\\.\\s*\\??${claim}\\b`).test(text ?? '');
  const name = username?.expression;
  if (uses(name, 'email') && ![name, ...proofs].some((text) => uses(text, 'email_verified'))) {
    const text =
      'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression ' +
      'or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression';
    errors.push(fieldErrors.invalid(`${at}.username.expression`, name, text));
  }
  return errors;
}

function mappingErrors(
  { claim = '', prefix, expression = '' }: { claim?: string; prefix?: string | null; expression?: string },
  at: string,
  isRequired: boolean,
  types: readonly string[],
): FieldError[] {
  if (claim !== '' && expression !== '') return [fieldErrors.invalid(at, '', BOTH)];
  if (claim !== '') {
    if (prefix !== undefined && prefix !== null) return [];
    const text = 'prefix is required when claim is set. It can be set to an empty string to disable prefixing';
    return [fieldErrors.required(`${at}.prefix`, text)];
  }
  if (expression === '') return isRequired ? [fieldErrors.required(at, 'claim or expression is required')] : [];
  return [
    ...(prefix === undefined || prefix === null
      ? []
      : [fieldErrors.invalid(`${at}.prefix`, prefix, 'may not be specified when expression is set')]),
    ...compiled(expression, 'claims', types, `${at}.expression`),
  ];
}

function extraErrors(extra: NonNullable<JwtIssuer['claimMappings']['extra']>, mappings: string): FieldError[] {
  return extra.flatMap((entry, index) => {
    const { key = '', valueExpression = '' } = entry ?? {};
    const at = `${mappings}.extra[${index}]`;
    const errors = domainPathErrors(`${at}.key`, key);
    if (key !== key.toLowerCase()) errors.push(fieldErrors.invalid(`${at}.key`, key, 'must be lowercase'));
    if (/^([^/]*\.)?(kubernetes|k8s)\.io\//.test(key)) {
      const text = 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use';
      errors.push(fieldErrors.invalid(`${at}.key`, key, text));
    }
    if (extra.findIndex((other) => other?.key === key) < index) {
      return [...errors, fieldErrors.duplicate(`${at}.key`, key)];
    }
    if (valueExpression === '') return [...errors, fieldErrors.required(`${at}.valueExpression`)];
    return [...errors, ...compiled(valueExpression, 'claims', ['string', 'list'], `${at}.valueExpression`)];
  });
}

function errorsOfUserRules({ userValidationRules }: JwtIssuer, rules: string): FieldError[] {
  const seen = new Set<string>();
  return (userValidationRules ?? []).flatMap((rule, index) => {
    const { expression = '' } = rule ?? {};
    const at = `${rules}[${index}].expression`;
    if (expression === '') return [fieldErrors.required(at)];
    if (seen.has(expression)) return [fieldErrors.duplicate(at, expression)];
    seen.add(expression);
    return compiled(expression, 'user', ['bool'], at);
  });
}
