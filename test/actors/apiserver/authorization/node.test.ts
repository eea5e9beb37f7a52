import { describe, expect, it } from 'vitest';
import { createNodeAuthorizer } from '../../../../actors/apiserver/authorization/node.ts';
import { Caches } from '../../../../actors/apiserver/cache/caches.ts';
import { Entry } from '../../../../actors/apiserver/cache/entry.ts';
import { INDEXED_FIELDS } from '../../../../actors/apiserver/indexes.ts';
import type { ApiObject } from '../../../../src/api/index.ts';
import { VirtualClock } from '../../../../src/runtime/index.ts';

const indexes = Object.fromEntries(Object.entries(INDEXED_FIELDS).map(([prefix, field]) => [prefix, field.read]));
const caches = new Caches({ root: '/registry/', changesMax: 4, replayRevisionsMax: 0, indexes }, new VirtualClock());

function load(prefix: string, namespace: string | undefined, name: string, rest: object): void {
  const cache = caches.cacheOf(prefix, namespace !== undefined);
  const object = { apiVersion: 'v1', kind: 'K', metadata: { name, namespace }, ...rest };
  cache.load(new Entry(cache.placeOf(cache.keyOf(namespace, name)), 1, undefined, object as ApiObject));
}

load('/registry/pods', 'default', 'mine', {
  spec: {
    nodeName: 'n1',
    serviceAccountName: 'robot',
    imagePullSecrets: [{ name: 'pull' }],
    containers: [{ name: 'c', env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'a' } } }] }],
    volumes: [
      { name: 'd', persistentVolumeClaim: { claimName: 'claim' } },
      { name: 'p', projected: { sources: [{ secret: { name: 'projected' } }] } },
    ],
    resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }],
  },
});
load('/registry/pods', 'default', 'theirs', { spec: { nodeName: 'n2', containers: [] } });
load('/registry/persistentvolumeclaims', 'default', 'claim', { spec: { volumeName: 'disk' } });
load('/registry/volumeattachments', undefined, 'attached', { spec: { nodeName: 'n1' } });
load('/registry/resourceslices', undefined, 'slice-1', { spec: { nodeName: 'n1' } });
load('/registry/resourceslices', undefined, 'slice-2', { spec: { nodeName: 'n2' } });

const authorizer = createNodeAuthorizer(caches);
const user = { user: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };

/** Asks `verb [group/]resource[/subresource] [namespace/]name`. */
function ask(verb: string, what: string, which = '', fieldSelector?: string) {
  const [group = '', whole = ''] = what.includes(':') ? what.split(':') : ['', what];
  const [resource = '', subresource = ''] = whole.split('/');
  const [namespace, name] = which.includes('/') ? which.split('/') : ['', which];
  return authorizer.decide({
    user,
    verb,
    group,
    version: 'v1',
    resource,
    subresource,
    namespace: namespace as string,
    name: name as string,
    fieldSelector,
  });
}

describe('a node', () => {
  it.each([
    ['get', 'secrets', 'default/pull'],
    ['watch', 'secrets', 'default/projected'],
    ['get', 'configmaps', 'default/settings'],
    ['get', 'persistentvolumeclaims', 'default/claim'],
    ['patch', 'persistentvolumeclaims/status', 'default/claim'],
    ['get', 'persistentvolumes', 'disk'],
    ['get', 'storage.k8s.io:volumeattachments', 'attached'],
    ['get', 'resource.k8s.io:resourceclaims', 'default/gpu'],
    ['create', 'serviceaccounts/token', 'default/robot'],
    ['get', 'serviceaccounts', 'default/robot'],
    ['get', 'pods', 'default/mine'],
    ['list', 'pods', '', 'spec.nodeName=n1'],
    ['get', 'nodes', 'n1'],
    ['patch', 'nodes/status', 'n1'],
    ['update', 'coordination.k8s.io:leases', 'kube-node-lease/n1'],
    ['update', 'storage.k8s.io:csinodes', 'n1'],
    ['delete', 'resource.k8s.io:resourceslices', 'slice-1'],
    ['list', 'resource.k8s.io:resourceslices', '', 'spec.nodeName=n1'],
    ['create', 'events', 'default/'],
  ])('may %s %s %s', (verb, what, which, selector?: string) => {
    expect(ask(verb, what, which, selector)).toMatchObject({ allowed: true });
  });

  const unrelated = "no relationship found between node 'n1' and this object";
  it.each([
    ['get', 'secrets', 'default/other', undefined, unrelated],
    ['get', 'secrets', 'kube-system/pull', undefined, unrelated],
    ['delete', 'secrets', 'default/pull', undefined, 'can only read resources of this type'],
    ['list', 'secrets', 'default/', undefined, 'No Object name found'],
    ['list', 'secrets', '', undefined, 'can only read namespaced object of this type'],
    ['get', 'persistentvolumes', 'other', undefined, unrelated],
    ['list', 'persistentvolumes', '', undefined, 'can only get individual resources of this type'],
    ['delete', 'persistentvolumeclaims/status', 'default/claim', undefined, 'can only get/update/patch this type'],
    ['get', 'storage.k8s.io:volumeattachments', 'other', undefined, unrelated],
    ['get', 'serviceaccounts', 'default/other', undefined, unrelated],
    ['list', 'serviceaccounts', 'default/', undefined, 'can only create tokens for individual service accounts'],
    ['create', 'serviceaccounts/token', 'default/other', undefined, unrelated],
    ['get', 'pods', 'default/theirs', undefined, unrelated],
    ['list', 'pods', '', undefined, 'can only list/watch pods with spec.nodeName field selector'],
    ['list', 'pods', '', 'spec.nodeName=n2', 'can only list/watch pods with spec.nodeName field selector'],
    ['get', 'nodes', 'n2', undefined, "node 'n1' cannot read 'n2', only its own Node object"],
    ['list', 'nodes', '', undefined, "node 'n1' cannot read all nodes, only its own Node object"],
    ['get', 'coordination.k8s.io:leases', 'kube-system/n1', undefined, /system namespace/],
    ['get', 'coordination.k8s.io:leases', 'kube-node-lease/n2', undefined, /same name as the requesting node/],
    ['get', 'storage.k8s.io:csinodes', 'n2', undefined, /same name as the requesting node/],
    ['get', 'resource.k8s.io:resourceslices', 'slice-2', undefined, unrelated],
    ['list', 'resource.k8s.io:resourceslices', '', undefined, /nodeName field selector/],
    ['create', 'rbac.authorization.k8s.io:roles', 'default/', undefined, ''],
  ])('may not %s %s %s (%s)', (verb, what, which, selector, reason) => {
    const decision = ask(verb, what, which, selector);
    expect(decision.allowed).toBe(false);
    expect(decision.reason).toEqual(typeof reason === 'string' ? reason : expect.stringMatching(reason));
  });

  it('is whoever has the name and the group, and nobody else', () => {
    const request = { verb: 'get', group: '', version: 'v1', resource: 'pods', subresource: '' };
    const about = { ...request, namespace: 'default', name: 'mine' };
    for (const groups of [['system:authenticated'], []]) {
      expect(authorizer.decide({ ...about, user: { user: 'system:node:n1', groups } }).allowed).toBe(false);
    }
    const other = { user: 'node:n1', groups: ['system:nodes'] };
    expect(authorizer.decide({ ...about, user: other }).allowed).toBe(false);
  });
});
