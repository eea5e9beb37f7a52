/**
 * ID tokens of an OpenID Connect issuer, as an entry of the AuthenticationConfiguration (or the `--oidc-…` flags) says: keys are
 * fetched from the issuer when they are first needed and again when none of them has signed a token, so that new ones count at once.
 * @see staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/oidc/oidc.go
 */
import type { JSONWebKeySet, JWTPayload } from 'jose';
import type { Clock } from '../../../src/runtime/index.ts';
import { messageOf } from '../failures.ts';
import type { JwtIssuerOption } from '../options.ts';
import { getJson } from '../remote/post.ts';
import { compileExpression, type Expression } from './expressions.ts';
import { type Attempt, shared, type TokenAuthenticator } from './types.ts';

const DISCOVERY = '/.well-known/openid-configuration';
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];

/** A token of this issuer that does not do. */
class Refused extends Error {}

export function createJwtIssuer(
  option: JwtIssuerOption,
  clock: Clock,
  apiAudiences: readonly string[],
): TokenAuthenticator {
  const { issuer } = option;
  const endpoint = (url: string) => ({
    url,
    ...(issuer.certificateAuthority === undefined || issuer.certificateAuthority === ''
      ? {}
      : { caPem: issuer.certificateAuthority }),
  });
  const rules = rulesOf(option);
  let keysUrl: string | undefined;
  let keys: JSONWebKeySet | undefined;
  let fetching: Promise<JSONWebKeySet> | undefined;

  async function discover(): Promise<string> {
    const discoveryUrl = issuer.discoveryURL ?? issuer.url.replace(/\/$/, '') + DISCOVERY;
    const document = (await getJson(endpoint(discoveryUrl), clock)) as { issuer?: string; jwks_uri?: string };
    if (document.issuer !== issuer.url) {
      throw new Refused(
        `oidc: issuer did not match the issuer returned by provider, expected "${issuer.url}" got "${document.issuer}"`,
      );
    }
    return document.jwks_uri ?? '';
  }

  async function fetchKeys(): Promise<JSONWebKeySet> {
    keysUrl ??= await discover();
    keys = (await getJson(endpoint(keysUrl), clock)) as JSONWebKeySet;
    return keys;
  }

  /** However many tokens ask for fresh keys at a time, the issuer is asked once. */
  function keySet(fresh: boolean): JSONWebKeySet | Promise<JSONWebKeySet> {
    if (keys !== undefined && !fresh) return keys;
    fetching ??= fetchKeys().finally(() => {
      fetching = undefined;
    });
    return fetching;
  }

  async function verify(token: string): Promise<JWTPayload> {
    const { createLocalJWKSet, errors, jwtVerify } = await import('jose');
    const attempt = async (set: JSONWebKeySet): Promise<JWTPayload> => {
      const rules = {
        algorithms: [...(option.signingAlgorithms ?? ALGORITHMS)],
        issuer: issuer.url,
        currentDate: new Date(clock.now()),
        requiredClaims: ['exp'],
      };
      let failure: unknown;
      try {
        return (await jwtVerify(token, createLocalJWKSet(set), rules)).payload;
      } catch (error) {
        if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
        failure = new errors.JWSSignatureVerificationFailed();
        // The token does not say which of them it is.
        for await (const key of error) {
          try {
            return (await jwtVerify(token, key, rules)).payload;
          } catch (other) {
            if (!(other instanceof errors.JWSSignatureVerificationFailed)) throw other;
          }
        }
      }
      throw failure;
    };
    const isNew = keys === undefined;
    try {
      return await attempt(await keySet(false));
    } catch (error) {
      const isUnknown =
        error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;
      if (isNew || !isUnknown) throw error;
      return attempt(await keySet(true));
    }
  }

  async function authenticate(token: string): Promise<Attempt> {
    try {
      const claims = await verify(token);
      const stated = [claims.aud ?? []].flat();
      if (shared(stated, issuer.audiences).length === 0) {
        throw new Refused(
          `oidc: expected audience in ${JSON.stringify(issuer.audiences)} got ${JSON.stringify(stated)}`,
        );
      }
      return { user: rules(claims) };
    } catch (error) {
      return { error: error instanceof Refused ? error.message : `oidc: verify token: ${messageOf(error)}` };
    }
  }

  return {
    authenticate(token, wanted) {
      if (claimedIssuer(token.text) !== issuer.url) return undefined;
      const audiences = wanted === undefined ? apiAudiences : shared(apiAudiences, wanted);
      return audiences.length === 0 ? undefined : authenticate(token.text);
    },
  };
}

/** What a token says of its issuer, before anything of it is believed. */
function claimedIssuer(token: string): unknown {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    return (JSON.parse(Buffer.from(parts[1] as string, 'base64url').toString()) as { iss?: unknown } | null)?.iss;
  } catch {
    // Tokens of others may hold anything.
    return undefined;
  }
}

type Claims = Readonly<Record<string, unknown>>;
type Mapped = { user: string; uid?: string; groups: string[]; extra?: Record<string, string[]> };

/** Compiles what the entry says of claims and users. @throws Error for an expression that cannot be parsed */
function rulesOf(option: JwtIssuerOption): (claims: Claims) => Mapped {
  const { claimMappings, claimValidationRules = [], userValidationRules = [] } = option;
  const { username, groups, uid, extra = [] } = claimMappings;
  const compiled = (expression: string | undefined) => (expression ? compileExpression(expression) : undefined);
  const usernameExpression = compiled(username.expression);
  const groupsExpression = compiled(groups?.expression);
  const uidExpression = compiled(uid?.expression);
  const extras = extra.map(({ key, valueExpression }) => ({ key, value: compileExpression(valueExpression) }));
  const claimRules = claimValidationRules.map((rule) => ({ ...rule, compiled: compiled(rule.expression) }));
  const userRules = userValidationRules.map((rule) => ({ ...rule, compiled: compileExpression(rule.expression) }));

  const nameOf = (claims: Claims): string => {
    if (usernameExpression !== undefined) return textOf(usernameExpression({ claims }), 'username');
    const claim = username.claim ?? 'sub';
    const value = claims[claim];
    if (typeof value !== 'string') throw new Refused(`oidc: parse username claims "${claim}": claim not present`);
    if (claim === 'email' && claims['email_verified'] !== undefined && claims['email_verified'] !== true) {
      throw new Refused('oidc: email not verified');
    }
    return (username.prefix ?? '') + value;
  };
  const groupsOf = (claims: Claims): string[] => {
    if (groupsExpression !== undefined) return listOf(groupsExpression({ claims }), 'groups');
    if (groups?.claim === undefined || groups.claim === '') return [];
    return listOf(claims[groups.claim], 'groups').map((group) => (groups.prefix ?? '') + group);
  };
  return (claims) => {
    for (const rule of claimRules) {
      if (rule.compiled !== undefined) {
        if (rule.compiled({ claims }) !== true)
          throw new Refused(`oidc: ${rule.message ?? `validation expression '${rule.expression}' failed`}`);
      } else if (claims[rule.claim ?? ''] === undefined) {
        throw new Refused(`oidc: required claim ${rule.claim} not present in ID token`);
      } else if (claims[rule.claim ?? ''] !== (rule.requiredValue ?? '')) {
        throw new Refused(
          `oidc: required claim ${rule.claim} value does not match. Got = ${String(claims[rule.claim ?? ''])}, want = ${rule.requiredValue ?? ''}`,
        );
      }
    }
    const mapped: Mapped = { user: nameOf(claims), groups: groupsOf(claims) };
    if (mapped.user === '') throw new Refused('oidc: the username is empty');
    if (uidExpression !== undefined) mapped.uid = textOf(uidExpression({ claims }), 'uid');
    else if (uid?.claim !== undefined && uid.claim !== '') mapped.uid = textOf(claims[uid.claim], 'uid');
    const more: Record<string, string[]> = {};
    const { jti } = claims;
    if (typeof jti === 'string') more['authentication.kubernetes.io/credential-id'] = [`JTI=${jti}`];
    for (const { key, value } of extras) {
      const values = listOf(value({ claims }), 'extra');
      if (values.length > 0) more[key] = values;
    }
    if (Object.keys(more).length > 0) mapped.extra = more;
    const user = { username: mapped.user, uid: mapped.uid ?? '', groups: mapped.groups, extra: mapped.extra ?? {} };
    for (const rule of userRules) {
      if (rule.compiled({ user }) !== true)
        throw new Refused(`oidc: ${rule.message ?? `validation expression '${rule.expression}' failed`}`);
    }
    return mapped;
  };
}

function textOf(value: ReturnType<Expression>, what: string): string {
  if (typeof value !== 'string')
    throw new Refused(`oidc: error evaluating ${what} claim expression: expected a string`);
  return value;
}

/** A text or a list of texts; nothing and empty texts are no members. */
function listOf(value: ReturnType<Expression>, what: string): string[] {
  if (value === undefined || value === null || value === '') return [];
  const items: unknown[] = Array.isArray(value) ? value : [value];
  if (!items.every((item) => typeof item === 'string')) {
    throw new Refused(`oidc: error evaluating ${what} claim expression: expected a string or a list of strings`);
  }
  return (items as string[]).filter((item) => item !== '');
}
