/**
 * Who sends a request. The front proxy's headers count first, then the Authorization header, then the client certificate; who
 * shows nothing is anonymous where that is allowed. What cannot be told for sure is refused with 401.
 * @see pkg/kubeapiserver/authenticator/config.go
 */
import { StatusError } from '../../../src/api/index.ts';
import type { Clock } from '../../../src/runtime/index.ts';
import type { Caches } from '../cache/caches.ts';
import type { Credentials, Identity } from '../call.ts';
import type { ResolvedOptions } from '../options.ts';
import type { TokenSigner } from '../token-signer.ts';
import { BearerToken, bearerTokenOf } from './bearer-token.ts';
import { createBootstrapTokens } from './bootstrap-tokens.ts';
import { authoritiesOf, objectionTo, presentedBy } from './certificates.ts';
import { frontProxyUser } from './front-proxy.ts';
import { createJwtIssuer } from './jwt-issuers.ts';
import type { LegacyTokenUses } from './legacy-tokens.ts';
import { createPasswords } from './passwords.ts';
import { createServiceAccountAuthenticator } from './service-accounts.ts';
import { createStaticTokens } from './static-tokens.ts';
import { ANONYMOUS, type Attempt, authenticated, type Notes, shared, type TokenAuthenticator } from './types.ts';
import { createTokenWebhook } from './webhook.ts';

type HttpCredentials = Extract<Credentials, { type: 'http' }>;

export interface Authenticator {
  /** Undefined for who shows nothing where nobody may be anonymous. @throws StatusError 401 for what does not do */
  identify(credentials: HttpCredentials, notes?: Notes): Identity | undefined | Promise<Identity>;
  /** What a TokenReview says of a token. */
  review(token: string, audiences: readonly string[], notes?: Notes): Attempt | Promise<Attempt>;
  /** What counts from now on; requests that are on their way go by what was. */
  configure(settings: AuthenticationSettings): void;
}

/** The part of the options that may change while the server runs. */
export type AuthenticationSettings = Pick<ResolvedOptions, 'jwtIssuers' | 'anonymous' | 'anonymousPaths'>;

export function createAuthenticator(
  options: ResolvedOptions,
  signer: TokenSigner,
  caches: Caches,
  clock: Clock,
  legacyUses: LegacyTokenUses,
): Authenticator {
  const { apiAudiences } = options;
  /** Those that know nothing of audiences answer for the server's own. */
  const forServer = (inner: TokenAuthenticator): TokenAuthenticator => ({
    authenticate(token, wanted) {
      const audiences = wanted === undefined ? apiAudiences : shared(apiAudiences, wanted);
      if (audiences.length === 0) return undefined;
      const completed = (attempt: Attempt): Attempt =>
        attempt === undefined || 'error' in attempt || attempt.audiences !== undefined
          ? attempt
          : { user: attempt.user, audiences };
      const attempt = inner.authenticate(token, wanted);
      return attempt instanceof Promise ? attempt.then(completed) : completed(attempt);
    },
  });
  const beforeIssuers = [
    ...(options.tokens.length === 0 ? [] : [forServer(createStaticTokens(options.tokens))]),
    createServiceAccountAuthenticator(signer, caches, clock, apiAudiences, legacyUses),
    ...(options.bootstrapTokens ? [forServer(createBootstrapTokens(caches, clock))] : []),
  ];
  const afterIssuers =
    options.tokenWebhook === null ? [] : [createTokenWebhook(options.tokenWebhook, clock, apiAudiences)];
  /** In upstream's order. */
  const inOrder = ({ jwtIssuers }: AuthenticationSettings): readonly TokenAuthenticator[] => [
    ...beforeIssuers,
    ...jwtIssuers.map((issuer) => forServer(createJwtIssuer(issuer, clock, apiAudiences))),
    ...afterIssuers,
  ];
  let settings: AuthenticationSettings = options;
  let tokens = inOrder(settings);
  const passwords = options.passwords.length === 0 ? undefined : createPasswords(options.passwords);
  const clientAuthorities = authoritiesOf(options.https?.clientCaPem ?? '');
  const { requestHeader } = options;
  const proxyAuthorities = requestHeader === null ? undefined : authoritiesOf(requestHeader.caPem);

  /** Asks one after the other from `index` on; what does not wait is answered without waiting. */
  function byToken(
    token: BearerToken,
    wanted: readonly string[] | undefined,
    notes: Notes | undefined,
    index = 0,
    errors: readonly string[] = [],
    all = tokens,
  ): Attempt | Promise<Attempt> {
    let complaints = errors;
    for (let at = index; at < all.length; at++) {
      const attempt = (all[at] as TokenAuthenticator).authenticate(token, wanted, notes);
      if (attempt instanceof Promise) {
        return attempt.then((answer) => {
          if (answer !== undefined && 'user' in answer) return withGroup(answer);
          const known = answer === undefined ? complaints : [...complaints, answer.error];
          return byToken(token, wanted, notes, at + 1, known, all);
        });
      }
      if (attempt === undefined) continue;
      if ('user' in attempt) return withGroup(attempt);
      complaints = [...complaints, attempt.error];
    }
    const texts = ['invalid bearer token', ...complaints];
    return { error: texts.length === 1 ? (texts[0] as string) : `[${texts.join(', ')}]` };
  }

  function identify(credentials: HttpCredentials, notes?: Notes): Identity | undefined | Promise<Identity> {
    const { authorization, secure } = credentials;
    if (secure && requestHeader !== null && proxyAuthorities !== undefined) {
      const user = frontProxyUser(requestHeader, proxyAuthorities, credentials, clock);
      if (user !== undefined) return authenticated(user);
    }
    const token = bearerOf(credentials);
    if (token !== undefined) {
      const attempt = byToken(token, undefined, notes);
      return attempt instanceof Promise ? attempt.then(required) : required(attempt);
    }
    const basic = authorization === undefined ? undefined : /^basic +(\S+) *$/i.exec(authorization)?.[1];
    if (basic !== undefined && passwords !== undefined) return authenticated(required(passwords(basic)));
    const shown = secure ? presentedBy(credentials) : undefined;
    if (shown !== undefined) {
      if (objectionTo(shown, clientAuthorities, clock) !== undefined) throw StatusError.unauthorized();
      // Whoever has no name is nobody, whatever groups the certificate gives.
      if (shown.commonName !== '') return shown.user;
    }
    if (!secure && options.httpUser !== null) return options.httpUser;
    return anonymousMay(credentials.uri) ? ANONYMOUS : undefined;
  }

  function anonymousMay(uri: string): boolean {
    if (!settings.anonymous) return false;
    if (settings.anonymousPaths.length === 0) return true;
    const mark = uri.indexOf('?');
    return settings.anonymousPaths.includes(mark < 0 ? uri : uri.slice(0, mark));
  }

  return {
    identify,
    review: (token, audiences, notes) => byToken(new BearerToken(token), audiences, notes),
    configure(wanted) {
      tokens = inOrder(wanted);
      settings = wanted;
    },
  };
}

function withGroup(attempt: Extract<Attempt, { user: Identity }>): Attempt {
  const user = authenticated(attempt.user);
  return user === attempt.user ? attempt : { ...attempt, user };
}

/** @throws StatusError 401 */
function required(attempt: Attempt): Identity {
  if (attempt === undefined || 'error' in attempt) throw StatusError.unauthorized();
  return attempt.user;
}

const PROTOCOL = 'base64url.bearer.authorization.k8s.io.';

/** The token of the Authorization header or, for browsers' WebSockets, of the protocol that they ask for. */
function bearerOf({ authorization, connection, headers }: HttpCredentials): BearerToken | undefined {
  if (authorization !== undefined) {
    const token = bearerTokenOf(connection, authorization);
    if (token !== undefined) return token;
  }
  const protocols = headers['sec-websocket-protocol'];
  if (typeof protocols !== 'string' || !protocols.includes(PROTOCOL)) return undefined;
  const found = protocols
    .split(',')
    .map((text) => text.trim())
    .find((text) => text.startsWith(PROTOCOL));
  if (found === undefined) return undefined;
  return new BearerToken(Buffer.from(found.slice(PROTOCOL.length), 'base64url').toString());
}
