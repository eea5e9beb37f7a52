import { expect, it } from 'vitest';
import { BearerToken } from '../../../../actors/apiserver/authentication/bearer-token.ts';
import { createServiceAccountAuthenticator } from '../../../../actors/apiserver/authentication/service-accounts.ts';
import { Caches } from '../../../../actors/apiserver/cache/caches.ts';
import { Entry } from '../../../../actors/apiserver/cache/entry.ts';
import { createTokenSigner } from '../../../../actors/apiserver/token-signer.ts';
import type { ApiObject } from '../../../../src/api/index.ts';
import { VirtualClock } from '../../../../src/runtime/index.ts';

it('lets a token count until it expires, a minute of grace included', async () => {
  const clock = new VirtualClock(1_000_000);
  let ids = 0;
  const random = { uuid: () => `id-${ids++}` } as never;
  const signer = createTokenSigner('', clock, random, 'me');
  const caches = new Caches({ root: '/registry/', changesMax: 4, replayRevisionsMax: 0, indexes: {} }, clock);
  const accounts = caches.cacheOf('/registry/serviceaccounts', true);
  const object = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a', namespace: 'n', uid: 'u' } };
  accounts.load(new Entry(accounts.placeOf(accounts.keyOf('n', 'a')), 1, undefined, object as ApiObject));
  const authenticator = createServiceAccountAuthenticator(signer, caches, clock, ['me']);
  const { token } = signer.sign({
    namespace: 'n',
    serviceAccount: 'a',
    uid: 'u',
    audiences: ['me'],
    expirationSeconds: 600,
  });
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
