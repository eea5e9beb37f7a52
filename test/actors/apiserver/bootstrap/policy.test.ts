import { describe, expect, it } from 'vitest';
import { policyObjects } from '../../../../actors/apiserver/bootstrap/policy/index.ts';

interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

const objects = policyObjects();
const rulesOf = (plural: string, name: string): readonly Rule[] => {
  const found = objects.find((item) => item.plural === plural && item.object.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${plural} ${name}`);
  return found.object['rules'] as readonly Rule[];
};
const about = (rules: readonly Rule[], group: string, resource: string) =>
  rules.filter(({ apiGroups, resources }) => apiGroups?.includes(group) && resources?.includes(resource));

describe('the policy from the start', () => {
  it('lets who views, edits and runs nodes reach events in either group', () => {
    for (const role of ['system:aggregate-to-view', 'system:aggregate-to-edit', 'system:node']) {
      const [own, ...more] = about(rulesOf('clusterroles', role), 'events.k8s.io', 'events');
      expect(own?.apiGroups).toEqual(['', 'events.k8s.io']);
      expect(own?.resources).toEqual(['events']);
      expect(more).toEqual([]);
    }
    expect(about(rulesOf('clusterroles', 'view'), '', 'events')).toEqual([
      { verbs: ['get', 'list', 'watch'], apiGroups: ['', 'events.k8s.io'], resources: ['events'] },
    ]);
  });

  it('lets the scheduler take part in elections, and the two leaders lock by leases alone', () => {
    const scheduler = rulesOf('clusterroles', 'system:kube-scheduler');
    expect(about(scheduler, 'coordination.k8s.io', 'leases')[1]).toMatchObject({
      verbs: ['get', 'list', 'update', 'watch'],
      resourceNames: ['kube-scheduler'],
    });
    expect(about(scheduler, 'coordination.k8s.io', 'leasecandidates')[0]?.verbs).toHaveLength(8);
    for (const leader of ['kube-controller-manager', 'kube-scheduler']) {
      const verbs = ['create', 'get', 'list', 'update', 'watch'];
      expect(rulesOf('roles', `system::leader-locking-${leader}`)).toEqual([
        { verbs, apiGroups: ['coordination.k8s.io'], resources: ['leases'] },
        { verbs, apiGroups: ['coordination.k8s.io'], resources: ['leasecandidates'] },
      ]);
    }
  });

  it('lets service accounts find their issuer with and without a slash at the end', () => {
    expect(rulesOf('clusterroles', 'system:service-account-issuer-discovery')).toEqual([
      {
        verbs: ['get'],
        nonResourceURLs: [
          '/.well-known/openid-configuration',
          '/.well-known/openid-configuration/',
          '/openid/v1/jwks',
          '/openid/v1/jwks/',
        ],
      },
    ]);
  });

  it('gives no role to a name that there is no role for', () => {
    const bindings = objects.filter(({ plural }) => plural.endsWith('rolebindings'));
    expect(bindings.length).toBeGreaterThan(20);
    for (const { object } of bindings) {
      const roleRef = object['roleRef'] as { kind: string; name: string };
      expect(rulesOf(`${roleRef.kind.toLowerCase()}s`, roleRef.name)).toBeDefined();
    }
  });
});
