import { expect, it } from 'vitest';
import { BearerToken } from '../../../../actors/apiserver/authentication/bearer-token.ts';
import {
  createLegacyTokenUses,
  type LegacyTokenUses,
} from '../../../../actors/apiserver/authentication/legacy-tokens.ts';
import { createServiceAccountAuthenticator } from '../../../../actors/apiserver/authentication/service-accounts.ts';
import type { Notes } from '../../../../actors/apiserver/authentication/types.ts';
import { Caches } from '../../../../actors/apiserver/cache/caches.ts';
import { Entry } from '../../../../actors/apiserver/cache/entry.ts';
import { createTokenSigner } from '../../../../actors/apiserver/token-signer.ts';
import type { ApiObject } from '../../../../src/api/index.ts';
import { ActorMetrics, ActorSystem, VirtualClock } from '../../../../src/runtime/index.ts';

/** An authenticator that knows one account, and its signer. */
function authenticators(uses?: LegacyTokenUses) {
  const clock = new VirtualClock(1_000_000);
  let ids = 0;
  const random = { uuid: () => `id-${ids++}` } as never;
  const signer = createTokenSigner({ signingKeyPem: '', verificationKeysPem: [], issuers: ['me'] }, clock, random);
  const caches = new Caches({ root: '/registry/', changesMax: 4, replayRevisionsMax: 0, indexes: {} }, clock);
  const accounts = caches.cacheOf('/registry/serviceaccounts', true);
  const object = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a', namespace: 'n', uid: 'u' } };
  accounts.load(new Entry(accounts.placeOf(accounts.keyOf('n', 'a')), 1, undefined, object as ApiObject));
  return { clock, signer, authenticator: createServiceAccountAuthenticator(signer, caches, clock, ['me'], uses) };
}

const request = { namespace: 'n', serviceAccount: 'a', uid: 'u', audiences: ['me'] };

it('lets a token count until it expires, a minute of grace included', async () => {
  const { clock, signer, authenticator } = authenticators();
  const { token } = signer.sign({ ...request, expirationSeconds: 600 });
  expect(authenticator.authenticate(new BearerToken(token), undefined)).toMatchObject({
    user: { user: 'system:serviceaccount:n:a' },
  });
  await clock.advance(601_000);
  expect(authenticator.authenticate(new BearerToken(token), undefined)).toMatchObject({ audiences: ['me'] });
  await clock.advance(60_000);
  expect(authenticator.authenticate(new BearerToken(token), undefined)).toEqual({
    error: 'service account token has expired',
  });
});

it('tells the audit log of clients that go on with a token which they should have read anew', async () => {
  const system = new ActorSystem({ placement: 'inline', clock: 'virtual', seed: 1, logLevel: 'error' });
  const metrics = new ActorMetrics();
  const uses = createLegacyTokenUses(
    { clock: system.clock, log: undefined, metrics } as never,
    () => undefined as never,
  );
  const { clock, signer, authenticator } = authenticators(uses);
  const { token } = signer.sign({ ...request, expirationSeconds: 365 * 86_400, warnAfterSeconds: 3607 });
  const use = () => {
    const notes: Notes = { warnings: [], annotations: undefined };
    expect(authenticator.authenticate(new BearerToken(token), undefined, notes)).toHaveProperty('user');
    return notes.annotations;
  };
  expect(use()).toBeUndefined();
  await clock.advance(3_700_000);
  expect(use()).toEqual({
    'authentication.k8s.io/stale-token': 'subject: system:serviceaccount:n:a, seconds after warning threshold: 93',
  });
  expect(metrics.text()).toMatch(/serviceaccount_stale_tokens_total\S* 1\n/);
  expect(metrics.text()).toMatch(/serviceaccount_valid_tokens_total\S* 1\n/);
  await system.stop();
});
