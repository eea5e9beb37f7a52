import { expect, it } from 'vitest';
import { policyObjects } from '../../../../actors/apiserver/bootstrap/policy/index.ts';
import { isOfAnotherRole, reconciled } from '../../../../actors/apiserver/bootstrap/reconcile.ts';
import type { ApiObject } from '../../../../src/api/index.ts';

const find = (plural: string, name: string) => {
  const item = policyObjects().find((one) => one.plural === plural && one.object.metadata.name === name);
  if (item === undefined) throw new Error(`${plural} ${name} is not in the policy`);
  return item.object;
};
const copy = (object: object) => JSON.parse(JSON.stringify(object)) as ApiObject;

it('leaves what lacks nothing', () => {
  for (const { object } of policyObjects()) expect(reconciled(copy(object), object)).toBeUndefined();
});

it('gives back rules and subjects that were taken, and keeps what was added', () => {
  const role = find('clusterroles', 'system:kube-scheduler');
  const rules = role['rules'] as object[];
  const added = { verbs: ['get'], apiGroups: ['example.com'], resources: ['widgets'] };
  const less = { ...copy(role), rules: [...rules.slice(1), added] };
  const role2 = reconciled(less as unknown as ApiObject, role)?.['rules'] as object[];
  expect(role2).toContainEqual(added);
  expect(role2.length).toBeGreaterThan(rules.length);
  const binding = find('clusterrolebindings', 'system:basic-user');
  const emptied = { ...copy(binding), subjects: [{ kind: 'User', name: 'jane' }] };
  expect(reconciled(emptied as unknown as ApiObject, binding)?.['subjects']).toEqual([
    { kind: 'User', name: 'jane' },
    ...(binding['subjects'] as object[]),
  ]);
});

it('leaves what says that it is not to be updated', () => {
  const role = find('clusterroles', 'system:kube-scheduler');
  const own = copy({ ...role, rules: [] });
  own.metadata['annotations'] = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' };
  expect(reconciled(own, role)).toBeUndefined();
});

it('puts right what has lost its annotations, and gives them back', () => {
  const role = find('clusterroles', 'system:kube-scheduler');
  const bare = { ...copy(role), metadata: { name: 'system:kube-scheduler' }, rules: [] } as unknown as ApiObject;
  const right = reconciled(bare, role);
  expect(right?.['rules']).toContainEqual({ verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['nodes'] });
  expect(right?.metadata['annotations']).toEqual({ 'rbac.authorization.kubernetes.io/autoupdate': 'true' });
  expect(right?.metadata['labels']).toEqual({ 'kubernetes.io/bootstrapping': 'rbac-defaults' });
});

it('gives back selectors of aggregated roles, keeps what was added, and ends aggregations that nobody expects', () => {
  const admin = find('clusterroles', 'admin');
  const own = { matchLabels: { team: 'a' } };
  const changed = { ...copy(admin), aggregationRule: { clusterRoleSelectors: [own] } } as unknown as ApiObject;
  expect(reconciled(changed, admin)?.['aggregationRule']).toEqual({
    clusterRoleSelectors: [own, { matchLabels: { 'rbac.authorization.k8s.io/aggregate-to-admin': 'true' } }],
  });
  const plain = find('clusterroles', 'system:kube-dns');
  const aggregated = { ...copy(plain), aggregationRule: { clusterRoleSelectors: [own] } } as unknown as ApiObject;
  expect(reconciled(aggregated, plain)).toBeDefined();
  expect(reconciled(aggregated, plain)?.['aggregationRule']).toBeUndefined();
});

it('tells of a binding that names another role', () => {
  const binding = find('clusterrolebindings', 'system:basic-user');
  const other = copy(binding);
  (other['roleRef'] as { name: string }).name = 'view';
  const right = reconciled(other, binding) as ApiObject;
  expect(isOfAnotherRole(other, right)).toBe(true);
  expect((right['roleRef'] as { name: string }).name).toBe('system:basic-user');
});
