import { afterEach, describe, expect, it } from 'vitest';
import { createAdmissionChain } from '../../../../actors/apiserver/admission/chain.ts';
import { admissionPlugins } from '../../../../actors/apiserver/admission/index.ts';
import { configMap, pod, startServer, type TestServer } from '../fixtures.ts';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

const pods = '/api/v1/namespaces/default/pods';

async function withPlugins(enabled: string[], configuration: Record<string, unknown> = {}): Promise<TestServer> {
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    serviceAccountAdmission: false,
    enabledAdmissionPlugins: enabled,
    admissionConfiguration: configuration,
  });
  return server;
}

describe('the chain', () => {
  const chain = (choice: { enabled?: string[]; disabled?: string[]; configuration?: Record<string, unknown> }) => () =>
    createAdmissionChain(admissionPlugins, { enabled: [], disabled: [], configuration: {}, ...choice });

  it('knows upstream’s plugins by name, and no others', () => {
    expect(chain({ enabled: ['AlwaysPullImages'], disabled: ['LimitRanger'] })).not.toThrow();
    expect(chain({ enabled: ['Nothing'] })).toThrow('admission plugin "Nothing" is unknown');
    expect(chain({ enabled: ['LimitRanger'], disabled: ['LimitRanger'] })).toThrow('overlapped');
    expect(chain({ enabled: ['EventRateLimit'] })).toThrow('EventRateLimit: limits: Required value');
    expect(chain({ configuration: { PodSecurity: { defaults: { enforce: 'none' } } } })).toThrow(
      'PodSecurity: defaults.enforce: Invalid value: "none": must be one of privileged, baseline, restricted',
    );
  });
});

describe('NamespaceLifecycle', () => {
  it('refuses objects of a namespace that goes or is gone, also when it has let others in before', async () => {
    const { http } = await withPlugins([]);
    const maps = '/api/v1/namespaces/brief/configmaps';
    const create = (name: string) => http('POST', maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
    expect((await create('early')).status).toBe(404);
    await http('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'brief' } });
    for (const name of ['one', 'two']) expect((await create(name)).status).toBe(201);
    // Nobody finalizes it here: it stays while it goes.
    await http('DELETE', '/api/v1/namespaces/brief');
    const { status, body } = await create('late');
    expect(status).toBe(403);
    expect(body.details.causes[0].reason).toBe('NamespaceTerminating');
  });
});

describe('plugins that need objects of a kind', () => {
  it('are asked from the first such object on, and no more after the last', async () => {
    const { http } = await withPlugins([]);
    const maps = '/api/v1/namespaces/default/configmaps';
    const quotas = '/api/v1/namespaces/default/resourcequotas';
    const create = async (name: string) => (await http('POST', maps, configMap(name))).status;
    expect(await create('before')).toBe(201);
    await http('POST', quotas, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'none' },
      spec: { hard: { 'count/configmaps': '0' } },
    });
    const counted = { status: { hard: { 'count/configmaps': '0' }, used: { 'count/configmaps': '0' } } };
    const merge = { 'content-type': 'application/merge-patch+json' };
    expect((await http('PATCH', `${quotas}/none/status`, counted, merge)).status).toBe(200);
    expect(await create('during')).toBe(403);
    await http('DELETE', `${quotas}/none`);
    expect(await create('after')).toBe(201);
  });
});

describe('plugins that are off by default', () => {
  it('AlwaysPullImages sets the policy of every container', async () => {
    const { http } = await withPlugins(['AlwaysPullImages']);
    const { body } = await http(
      'POST',
      pods,
      pod('p', { spec: { containers: [{ name: 'c', image: 'i:1', imagePullPolicy: 'Never' }] } }),
    );
    expect(body.spec.containers[0].imagePullPolicy).toBe('Always');
  });

  it('AlwaysDeny refuses every write, and does not keep the server from starting', async () => {
    const { http } = await withPlugins(['AlwaysDeny']);
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } };
    const { status, body } = await http('POST', '/api/v1/namespaces', namespace);
    expect(status).toBe(403);
    expect(body.message).toBe('namespaces "n" is forbidden: admission control is denying all modifications');
  });

  it('NamespaceAutoProvision makes the namespace', async () => {
    const { http } = await withPlugins(['NamespaceAutoProvision']);
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } };
    expect((await http('POST', '/api/v1/namespaces/made/configmaps', map)).status).toBe(201);
    expect((await http('GET', '/api/v1/namespaces/made')).status).toBe(200);
  });

  it('PodNodeSelector merges what namespaces and the cluster select, and refuses conflicts', async () => {
    const { http } = await withPlugins(['PodNodeSelector'], {
      PodNodeSelector: {
        podNodeSelectorPluginConfig: { clusterDefaultNodeSelector: 'pool=shared', default: 'pool=shared,disk=ssd' },
      },
    });
    const made = await http('POST', pods, pod('p', { spec: { nodeSelector: { disk: 'ssd' } } }));
    expect(made.body.spec.nodeSelector).toEqual({ pool: 'shared', disk: 'ssd' });
    const conflict = await http('POST', pods, pod('q', { spec: { nodeSelector: { pool: 'own' } } }));
    expect(conflict.body.message).toBe(
      'pods "q" is forbidden: pod node label selector conflicts with its namespace node label selector',
    );
    const beyond = await http('POST', pods, pod('r', { spec: { nodeSelector: { disk: 'hdd' } } }));
    expect(beyond.body.message).toBe(
      'pods "r" is forbidden: pod node label selector labels conflict with its namespace whitelist',
    );
  });

  it('PodTolerationRestriction adds the namespace’s tolerations and holds pods to its list', async () => {
    const { http } = await withPlugins(['PodTolerationRestriction']);
    const gpu = { key: 'gpu', operator: 'Exists', effect: 'NoSchedule' };
    const base = ['not-ready', 'unreachable'].map((name) => ({
      key: `node.kubernetes.io/${name}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 300,
    }));
    await http('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: 'gpus',
        annotations: {
          'scheduler.alpha.kubernetes.io/defaultTolerations': JSON.stringify([gpu]),
          'scheduler.alpha.kubernetes.io/tolerationsWhitelist': JSON.stringify([gpu, ...base]),
        },
      },
    });
    const path = '/api/v1/namespaces/gpus/pods';
    const made = await http('POST', path, pod('p', { metadata: { namespace: 'gpus', name: 'p' } }));
    expect(made.body.spec.tolerations[0]).toEqual(gpu);
    const other = await http(
      'POST',
      path,
      pod('q', {
        metadata: { namespace: 'gpus', name: 'q' },
        spec: { tolerations: [{ key: 'x', operator: 'Exists' }] },
      }),
    );
    expect(other.status).toBe(500);
    expect(other.body.message).toBe(
      'pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist',
    );
    await http(
      'PATCH',
      '/api/v1/namespaces/gpus',
      { metadata: { annotations: { 'scheduler.alpha.kubernetes.io/tolerationsWhitelist': 'garbage' } } },
      { 'content-type': 'application/merge-patch+json' },
    );
    const unread = await http('POST', path, pod('r', { metadata: { namespace: 'gpus', name: 'r' } }));
    expect([unread.status, unread.body.message]).toEqual([500, "invalid character 'g' looking for beginning of value"]);
  });

  it('ExtendedResourceToleration tolerates the taints of the devices that are asked for', async () => {
    const { http } = await withPlugins(['ExtendedResourceToleration']);
    const resources = { limits: { 'example.com/gpu': '1', cpu: '1' } };
    const { body } = await http(
      'POST',
      pods,
      pod('p', { spec: { containers: [{ name: 'c', image: 'i', resources }] } }),
    );
    expect(body.spec.tolerations).toContainEqual({ key: 'example.com/gpu', operator: 'Exists', effect: 'NoSchedule' });
  });

  it('LimitPodHardAntiAffinityTopology lets pods keep others off their node and nothing larger', async () => {
    const { http } = await withPlugins(['LimitPodHardAntiAffinityTopology']);
    const term = { topologyKey: 'topology.kubernetes.io/zone', labelSelector: { matchLabels: { a: 'b' } } };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    expect((await http('POST', pods, pod('p', { spec: { affinity } }))).body.message).toBe(
      'pods "p" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey topology.kubernetes.io/zone but only key kubernetes.io/hostname is allowed',
    );
  });

  it('DenyServiceExternalIPs refuses new external addresses', async () => {
    const { http } = await withPlugins(['DenyServiceExternalIPs']);
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's' },
      spec: { ports: [{ port: 1 }], externalIPs: ['1.2.3.4'] },
    };
    expect((await http('POST', '/api/v1/namespaces/default/services', service)).body.message).toBe(
      'services "s" is forbidden: Use of external IPs is denied by admission control',
    );
  });

  it('EventRateLimit refuses events beyond the rate', async () => {
    const { http } = await withPlugins(['EventRateLimit'], {
      EventRateLimit: { limits: [{ type: 'Namespace', qps: 0.001, burst: 2 }] },
    });
    const event = (name: string) =>
      http('POST', '/api/v1/namespaces/default/events', {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name },
        involvedObject: { namespace: 'default' },
      });
    expect((await event('a')).status).toBe(201);
    expect((await event('b')).status).toBe(201);
    const { status, body } = await event('c');
    expect(status).toBe(429);
    expect(body).toMatchObject({
      reason: 'TooManyRequests',
      message: 'Too many requests: limit reached on type Namespace for key default',
    });
    expect(body.details).toBeUndefined();
    const other = await http('POST', '/apis/events.k8s.io/v1/namespaces/default/events', {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'd' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'example.com/c',
      reportingInstance: 'i',
      action: 'A',
      reason: 'R',
      type: 'Normal',
      regarding: { namespace: 'default' },
    });
    expect(other.status, other.body.message).toBe(201);
  });

  it('OwnerReferencesPermissionEnforcement asks whether owners may be set', async () => {
    server = await startServer({
      http: { host: '127.0.0.1', port: 0 },
      enabledAdmissionPlugins: ['OwnerReferencesPermissionEnforcement'],
      tokens: [{ token: 'jane', user: 'jane' }],
    });
    const { http } = server;
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    const grant = (verbs: string[]) =>
      http('PUT', `${rbac}/clusterroles/maps`, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'maps' },
        rules: [{ apiGroups: [''], resources: ['configmaps'], verbs }],
      });
    await grant(['create']);
    await http('POST', `${rbac}/clusterrolebindings`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'jane' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'maps' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' }],
    });
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd', uid: 'u', blockOwnerDeletion: true };
    const create = (name: string, owners: object[]) =>
      http(
        'POST',
        '/api/v1/namespaces/default/configmaps',
        { ...configMap(name), metadata: { name, ownerReferences: owners } },
        { authorization: 'Bearer jane' },
      );
    expect((await create('free', [])).status).toBe(201);
    expect((await create('owned', [owner])).body.message).toContain(
      "cannot set an ownerRef on a resource you can't delete: ",
    );
    await grant(['create', 'delete']);
    expect((await create('owned', [owner])).body.message).toContain(
      "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ",
    );
    expect((await create('owned', [{ ...owner, blockOwnerDeletion: false }])).status).toBe(201);
    const free = { ...owner, blockOwnerDeletion: false };
    const mine = [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
      { apiGroups: [''], resources: ['configmaps'], verbs: ['delete'], resourceNames: ['mine'] },
    ];
    await http('PUT', `${rbac}/clusterroles/maps`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'maps' },
      rules: mine,
    });
    expect((await create('theirs', [free])).status).toBe(403);
    expect((await create('mine', [free])).status).toBe(201);
  });
});

describe('ResourceQuota as configured', () => {
  it('lets nobody use what is limited without a quota that covers it', async () => {
    const matchScopes = [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }];
    const { http } = await withPlugins([], {
      ResourceQuota: {
        limitedResources: [
          { resource: 'pods', matchScopes },
          { resource: 'services', matchContains: ['services.loadbalancers'] },
        ],
      },
    });
    const critical = await http('POST', pods, pod('p', { spec: { priorityClassName: 'system-node-critical' } }));
    expect(critical.body.message).toBe(
      'insufficient quota to match these scopes: [{PriorityClass In [system-node-critical]}]',
    );
    expect((await http('POST', pods, pod('q'))).status).toBe(201);
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's' },
      spec: { type: 'LoadBalancer', ports: [{ port: 1 }] },
    };
    expect((await http('POST', '/api/v1/namespaces/default/services', service)).body.message).toBe(
      'services "s" is forbidden: insufficient quota to consume: services.loadbalancers',
    );
    const plain = { ...service, spec: { ports: [{ port: 1 }] } };
    expect((await http('POST', '/api/v1/namespaces/default/services', plain)).status).toBe(201);
  });

  it('asks nothing of an update that uses no more, and takes each scope of a quota by itself', async () => {
    const matchScopes = [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }];
    const { http } = await withPlugins([], {
      ResourceQuota: {
        limitedResources: [
          { resource: 'pods', matchScopes },
          { resource: 'services', matchContains: ['services.loadbalancers'] },
        ],
      },
    });
    const merge = { 'content-type': 'application/merge-patch+json' };
    const quotas = '/api/v1/namespaces/default/resourcequotas';
    const hard = { 'services.loadbalancers': '1' };
    const metadata = { name: 'q' };
    await http('POST', quotas, { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard } });
    const used = { 'services.loadbalancers': '0' };
    await http('PATCH', `${quotas}/q/status`, { status: { hard, used } }, merge);
    const services = '/api/v1/namespaces/default/services';
    const spec = { type: 'LoadBalancer', ports: [{ port: 1 }] };
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec };
    expect((await http('POST', services, service)).status).toBe(201);
    await http('DELETE', `${quotas}/q`);
    const labelled = await http('PATCH', `${services}/s`, { metadata: { labels: { a: 'b' } } }, merge);
    expect(labelled.status).toBe(200);
    const scopeSelector = {
      matchExpressions: [...matchScopes, { scopeName: 'NotBestEffort', operator: 'Exists' }],
    };
    const scoped = { hard: { pods: '1' }, scopeSelector };
    await http('POST', quotas, { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: scoped });
    const critical = pod('p', { spec: { priorityClassName: 'system-node-critical' } });
    expect((await http('POST', pods, critical)).status).toBe(201);
  });
});
