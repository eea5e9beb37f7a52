/** What the controllers of alpha and beta kinds do in detail; their contract is that of all controllers. */
import { afterEach, describe, expect, it } from 'vitest';
import type { StorageVersionMigration } from '../../../src/api/index.ts';
import type { Resource } from '../../../src/client/index.ts';
import * as kinds from '../../../src/client/resources.ts';
import { testAuthority } from './certificates.ts';
import { startCluster, type TestCluster } from './cluster.ts';

let cluster: TestCluster;
afterEach(() => cluster.stop());

const settled = () => cluster.system.settled();
const all = { runtimeConfig: { 'api/all': 'true' } };

describe('storage-version-migrator-controller', () => {
  const widgets: Resource = {
    group: 'example.com',
    version: 'v2',
    resource: 'widgets',
    kind: 'Widget',
    namespaced: false,
  };
  const schema = { openAPIV3Schema: { type: 'object' } };
  const definition = (storage: 'v1' | 'v2') => ({
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Cluster',
      names: { plural: 'widgets', kind: 'Widget' },
      versions: ['v1', 'v2'].map((name) => ({ name, served: true, storage: name === storage, schema })),
    },
  });
  const start = async () => {
    cluster = await startCluster(['storage-version-migrator-controller'], all);
  };
  const migrate = (name: string, resource: { group?: string; resource: string }) =>
    cluster.client.create(kinds.storageVersionMigrations, {
      metadata: { name },
      spec: { resource: { group: '', ...resource } },
    });
  const conditionsOf = ({ status }: StorageVersionMigration) =>
    (status?.conditions ?? []).map(({ type, status: is, reason, message }) => `${type} ${is} ${reason}: ${message}`);
  const read = (name: string) => cluster.client.get(kinds.storageVersionMigrations, { name });
  const restore = async (storage: 'v1' | 'v2') => {
    const { spec } = definition(storage);
    await cluster.client.patch(kinds.customResourceDefinitions, { name: 'widgets.example.com' }, 'merge', { spec });
    await settled();
  };
  const definitionNow = () => cluster.client.get(kinds.customResourceDefinitions, { name: 'widgets.example.com' });

  it('writes custom objects in the version of today, and strikes the old one off their definition', async () => {
    await start();
    await cluster.client.create(kinds.customResourceDefinitions, definition('v1'));
    await settled();
    const made = await cluster.client.create(widgets, { metadata: { name: 'old' } });
    await restore('v2');
    const newer = await cluster.client.create(widgets, { metadata: { name: 'new' } });
    expect((await definitionNow()).status?.storedVersions).toEqual(['v1', 'v2']);
    await migrate('m', { group: 'example.com', resource: 'widgets' });
    await settled();
    const migration = await read('m');
    expect(conditionsOf(migration)).toEqual([
      'Running False MigrationCompleted: Migration completed',
      'Succeeded True StorageVersionMigrationSucceeded: ',
    ]);
    expect(Number(migration.status?.resourceVersion)).toBeGreaterThan(0);
    const { status, metadata } = await definitionNow();
    expect(status?.storedVersions).toEqual(['v2']);
    expect(status?.conditions?.find(({ type }) => type === 'StorageMigrating')).toMatchObject({
      status: 'False',
      reason: 'MigrationSucceeded',
      message: 'The migration has succeeded and the stored versions have been updated',
      observedGeneration: metadata?.generation,
    });
    const versionOf = async (name: string) => (await cluster.client.get(widgets, { name })).metadata?.resourceVersion;
    expect(await versionOf('old')).not.toBe(made.metadata?.resourceVersion);
    expect(await versionOf('new')).toBe(newer.metadata?.resourceVersion);
  });

  it('leaves objects alone that are stored as they would be today', async () => {
    await start();
    const made = await cluster.client.create(kinds.configMaps, { metadata: { name: 'c', namespace: 'default' } });
    await migrate('m', { resource: 'configmaps' });
    await settled();
    expect(conditionsOf(await read('m'))).toContain('Succeeded True StorageVersionMigrationSucceeded: ');
    const now = await cluster.client.get(kinds.configMaps, { namespace: 'default', name: 'c' });
    expect(now.metadata?.resourceVersion).toBe(made.metadata?.resourceVersion);
  });

  it('waits a minute for a resource that nobody serves, and lets the next one of its name run then', async () => {
    await start();
    await migrate('a', { group: 'example.com', resource: 'widgets' });
    await settled();
    await migrate('b', { group: 'example.com', resource: 'widgets' });
    await cluster.system.advance(30_000);
    expect(conditionsOf(await read('a'))).toEqual(['Running True MigrationRunning: The migration is running']);
    expect(conditionsOf(await read('b'))).toEqual([]);
    await cluster.system.advance(32_000);
    await settled();
    const failed = 'Failed True StorageVersionMigrationFailed: resource does not exist in discovery';
    expect(conditionsOf(await read('a'))).toContain(failed);
    expect(conditionsOf(await read('b'))).toContain(failed);
  });

  it('refuses what cannot be written', async () => {
    await start();
    await migrate('m', { resource: 'componentstatuses' });
    await cluster.system.advance(62_000);
    await settled();
    expect(conditionsOf(await read('m')).at(-1)).toMatch(/^Failed True StorageVersionMigrationFailed: /);
  });
});

describe('resourcepoolstatusrequest-controller', () => {
  const slice = (name: string, generation: number, resourceSliceCount: number, devices: number, nodeName = 'n1') => ({
    metadata: { name },
    spec: {
      driver: 'gpu.example.com',
      nodeName,
      pool: { name: 'p', generation, resourceSliceCount },
      devices: Array.from({ length: devices }, (_, at) => ({ name: `gpu-${at}` })),
    },
  });
  const ask = (name: string) =>
    cluster.client.create(kinds.resourcePoolStatusRequests, {
      metadata: { name },
      spec: { driver: 'gpu.example.com' },
    });
  const answer = async (name: string) => (await cluster.client.get(kinds.resourcePoolStatusRequests, { name })).status;
  const start = async () => {
    cluster = await startCluster(['resourcepoolstatusrequest-controller'], all);
  };

  it('counts the devices of the newest generation, and those that claims have', async () => {
    await start();
    for (const one of [slice('a', 2, 2, 2), slice('b', 2, 2, 1), slice('c', 1, 1, 7)]) {
      await cluster.client.create(kinds.resourceSlices, one);
    }
    const devices = { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] };
    await cluster.client.create(kinds.resourceClaims, {
      metadata: { name: 'c', namespace: 'default' },
      spec: { devices },
    });
    const results = [{ request: 'r', driver: 'gpu.example.com', pool: 'p', device: 'gpu-0' }];
    const allocation = { status: { allocation: { devices: { results } } } };
    await cluster.client.patch(kinds.resourceClaims, { namespace: 'default', name: 'c' }, 'merge', allocation, {
      subresource: 'status',
    });
    await settled();
    await ask('r');
    await settled();
    expect(await answer('r')).toMatchObject({
      poolCount: 1,
      pools: [
        {
          driver: 'gpu.example.com',
          poolName: 'p',
          nodeName: 'n1',
          generation: 2,
          resourceSliceCount: 2,
          totalDevices: 3,
          allocatedDevices: 1,
          availableDevices: 2,
          unavailableDevices: 0,
        },
      ],
      conditions: [{ type: 'Complete', reason: 'CalculationComplete', message: 'Calculated status for 1 pools' }],
    });
    await cluster.system.advance(3_601_000);
    await settled();
    expect((await cluster.client.list(kinds.resourcePoolStatusRequests)).items).toEqual([]);
  });

  it('does not answer while a pool is incomplete', async () => {
    await start();
    await cluster.client.create(kinds.resourceSlices, slice('a', 1, 2, 1));
    await ask('r');
    await cluster.system.advance(5_000);
    expect(await answer('r')).toBeUndefined();
    await cluster.system.advance(24 * 3_600_000);
    await settled();
    expect((await cluster.client.list(kinds.resourcePoolStatusRequests)).items).toEqual([]);
  });
});

describe('kube-apiserver-serving-clustertrustbundle-publisher-controller', () => {
  it.each(['v1beta1', 'v1alpha1'])('publishes where only %s is served', async (version) => {
    const name = 'kube-apiserver-serving-clustertrustbundle-publisher-controller';
    const runtimeConfig = { [`certificates.k8s.io/${version}`]: 'true' };
    cluster = await startCluster([name], { rootCa: testAuthority.certificate, runtimeConfig });
    await settled();
    const { items } = await cluster.client.list({ ...kinds.clusterTrustBundles, version });
    expect(items.map(({ spec }) => spec)).toEqual([
      { signerName: 'kubernetes.io/kube-apiserver-serving', trustBundle: testAuthority.certificate },
    ]);
  });
});

describe('storageversion-garbage-collector-controller', () => {
  it('says which version the servers that are left agree on', async () => {
    cluster = await startCluster(['storageversion-garbage-collector-controller'], all);
    const labels = { 'apiserver.kubernetes.io/identity': 'kube-apiserver' };
    for (const name of ['a', 'b']) {
      await cluster.client.create(kinds.leases, { metadata: { name, namespace: 'kube-system', labels }, spec: {} });
    }
    await cluster.client.create(kinds.storageVersions, { metadata: { name: 'apps.deployments' }, spec: {} });
    const server = (apiServerID: string, encodingVersion: string) => ({
      apiServerID,
      encodingVersion,
      decodableVersions: ['v1', 'v2'],
    });
    const status = { storageVersions: [server('a', 'v1'), server('b', 'v2'), server('unknown', 'v2')] };
    const key = { name: 'apps.deployments' };
    await cluster.client.patch(kinds.storageVersions, key, 'merge', { status }, { subresource: 'status' });
    await settled();
    expect((await cluster.client.get(kinds.storageVersions, key)).status).toMatchObject({
      storageVersions: [{ apiServerID: 'a' }, { apiServerID: 'b' }],
      conditions: [{ type: 'AllEncodingVersionsEqual', status: 'False', reason: 'CommonEncodingVersionUnset' }],
    });
    await cluster.client.delete(kinds.leases, { namespace: 'kube-system', name: 'b' });
    await settled();
    expect((await cluster.client.get(kinds.storageVersions, key)).status).toMatchObject({
      storageVersions: [{ apiServerID: 'a' }],
      commonEncodingVersion: 'v1',
      conditions: [
        {
          type: 'AllEncodingVersionsEqual',
          status: 'True',
          reason: 'CommonEncodingVersionSet',
          message: 'Common encoding version set',
        },
      ],
    });
  });
});
