import { describe, expect, it } from 'vitest';
import { parseResourcePath } from '../../../../actors/apiserver/http/paths.ts';

describe('parseResourcePath', () => {
  it.each([
    ['/api/v1/pods', { group: '', version: 'v1', resource: 'pods' }],
    ['/api/v1/namespaces', { resource: 'namespaces' }],
    ['/api/v1/namespaces/a', { resource: 'namespaces', name: 'a' }],
    ['/api/v1/namespaces/a/status', { resource: 'namespaces', name: 'a', subresource: 'status' }],
    ['/api/v1/namespaces/a/finalize', { resource: 'namespaces', name: 'a', subresource: 'finalize' }],
    ['/api/v1/namespaces/a/pods', { resource: 'pods', namespace: 'a' }],
    ['/api/v1/namespaces/a/pods/b/log', { resource: 'pods', namespace: 'a', name: 'b', subresource: 'log' }],
    ['/api/v1/nodes/n/proxy/metrics/x', { resource: 'nodes', name: 'n', subresource: 'proxy', rest: '/metrics/x' }],
    [
      '/apis/apps/v1/namespaces/a/deployments/d/scale',
      { group: 'apps', resource: 'deployments', subresource: 'scale' },
    ],
    ['/api/v1/watch/namespaces/a/pods', { resource: 'pods', namespace: 'a', watch: true }],
    ['/api/v1/namespaces/a/pods/system%3Ax', { name: 'system:x' }],
  ])('reads %s', (path, parts) => {
    expect(parseResourcePath(path)).toMatchObject(parts);
  });

  it.each(['/', '/api', '/api/v1', '/api/v1/', '/apis', '/apis/apps', '/apis/apps/v1', '/version', '/healthz/etcd'])(
    'leaves %s to others',
    (path) => {
      expect(parseResourcePath(path)).toBeUndefined();
    },
  );
});
