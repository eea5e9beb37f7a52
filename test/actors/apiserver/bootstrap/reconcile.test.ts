import { expect, it } from 'vitest';
import { policyObjects } from '../../../../actors/apiserver/bootstrap/policy/index.ts';
import { reconciled } from '../../../../actors/apiserver/bootstrap/reconcile.ts';
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
