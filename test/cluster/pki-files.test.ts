import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Cluster } from '../../src/cluster/index.ts';

const dataDirectory = mkdtempSync(join(tmpdir(), 'kubehive-pki-files-'));
const pki = join(dataDirectory, 'pki');
let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 0, http: {}, https: {}, dataDirectory });
}, 60_000);
afterAll(async () => {
  await cluster.stop();
  rmSync(dataDirectory, { recursive: true, force: true });
});

const modeOf = (path: string) => statSync(path).mode & 0o777;

it('keeps every private key where its owner alone may read it', () => {
  const keys = readdirSync(pki, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.key'));
  expect(keys).toEqual(expect.arrayContaining(['ca.key', 'front-proxy-ca.key', 'sa.key']));
  expect(keys.map((name) => [name, modeOf(join(pki, name)).toString(8)])).toEqual(keys.map((name) => [name, '600']));
  expect(modeOf(pki).toString(8)).toBe('700');
});

/** Asks as whom a kubeconfig says. */
function get(kubeconfig: string, path: string): Promise<{ status: number; text: string }> {
  const { clusters, users } = parse(kubeconfig);
  const { server, 'certificate-authority-data': ca } = clusters[0].cluster;
  const { 'client-certificate-data': cert, 'client-key-data': key } = users[0].user;
  const pem = (data: string) => Buffer.from(data, 'base64');
  return new Promise((resolve, reject) => {
    const sent = request(server + path, { ca: pem(ca), cert: pem(cert), key: pem(key), agent: false }, (response) => {
      let text = '';
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

it('gives kubeconfigs of others to system:masters alone, whatever else somebody may do', async () => {
  const path = '/kubehive/kubeconfig?user=anybody';
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'almighty' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'almighty' }],
  };
  const created = await fetch(`${cluster.endpoints.http}/apis/rbac.authorization.k8s.io/v1/clusterrolebindings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(binding),
  });
  expect(created.status).toBe(201);
  const almighty = await cluster.kubeconfigFor('almighty');
  expect((await get(almighty, '/kubehive/actors')).status).toBe(200);
  for (const way of [path, path.replace('?', '/?'), path.replace('/kubehive', '/kubehive/.')]) {
    const refused = await get(almighty, way);
    expect([403, 404]).toContain(refused.status);
    expect(refused.text).not.toContain('client-key-data');
  }
  expect((await get(almighty, path)).text).toContain(
    'User \\"almighty\\" cannot get path \\"/kubehive/kubeconfig\\": only system:masters can',
  );
  const stranger = await cluster.kubeconfigFor('stranger', ['dev']);
  expect((await get(stranger, path)).status).toBe(403);
  const given = await get(cluster.kubeconfig, path);
  expect(given.status).toBe(200);
  expect(given.text).toContain('client-key-data');
});
