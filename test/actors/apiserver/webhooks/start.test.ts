import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Cluster } from '../../../../src/cluster/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'kubehive-webhooks-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('a webhook that is away', () => {
  it('refuses everything, and does not keep the server from starting again', async () => {
    const options = { nodes: 0, components: ['apiserver'], dataDirectory: directory, http: {}, https: false } as const;
    const call = async (cluster: Cluster, method: string, path: string, body?: object) => {
      const response = await fetch(`${cluster.endpoints.http}${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as { message?: string } };
    };
    const configurations = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } };
    let cluster = await Cluster.start(options);
    const { status } = await call(cluster, 'POST', configurations, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'away' },
      webhooks: [
        {
          name: 'away.example.com',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          clientConfig: { url: 'https://127.0.0.1:1/' },
          rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }],
        },
      ],
    });
    expect(status).toBe(201);
    await cluster.stop();
    cluster = await Cluster.start(options);
    expect((await call(cluster, 'POST', '/api/v1/namespaces/default/configmaps', map)).body.message).toContain(
      'failed calling webhook "away.example.com"',
    );
    expect((await call(cluster, 'DELETE', `${configurations}/away`)).status).toBe(200);
    expect((await call(cluster, 'POST', '/api/v1/namespaces/default/configmaps', map)).status).toBe(201);
    await cluster.stop();
  });
});
