/** Which waiting pods name a claim. */
import { expect, test } from 'vitest';
import type { Pod } from '../../src/api/index.ts';
import { ClaimWaiters } from '../../src/scheduling/claim-waiters.ts';

const waiter = (uid: string, pod: Pod) => ({ info: { uid, namespace: 'ns', pod } });
const names = (...claims: string[]): Pod => ({
  spec: { containers: [], resourceClaims: claims.map((name) => ({ name, resourceClaimName: name })) },
});
const found = (waiters: ClaimWaiters<ReturnType<typeof waiter>>, key: string) =>
  [...waiters.of(key)].map(({ info }) => info.uid);

test('pods are found by each claim that they name, in their namespace', () => {
  const waiters = new ClaimWaiters<ReturnType<typeof waiter>>();
  waiters.set(waiter('a', names('x', 'y')));
  waiters.set(waiter('b', names('y')));
  waiters.set(waiter('c', { spec: { containers: [] } }));
  expect(found(waiters, 'ns/x')).toEqual(['a']);
  expect(found(waiters, 'ns/y')).toEqual(['a', 'b']);
  expect(found(waiters, 'other/y')).toEqual([]);
});

test('a pod whose claim is made from a template is found once its status names it, and not after it left', () => {
  const waiters = new ClaimWaiters<ReturnType<typeof waiter>>();
  const spec = { containers: [], resourceClaims: [{ name: 'd', resourceClaimTemplateName: 't' }] };
  const item = waiter('a', { spec });
  waiters.set(item);
  expect(found(waiters, 'ns/a-d')).toEqual([]);
  item.info.pod = { spec, status: { resourceClaimStatuses: [{ name: 'd', resourceClaimName: 'a-d' }] } };
  waiters.set(item);
  expect(found(waiters, 'ns/a-d')).toEqual(['a']);
  item.info.pod = { spec };
  waiters.delete(item);
  expect(found(waiters, 'ns/a-d')).toEqual([]);
});
