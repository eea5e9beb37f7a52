import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiserverActor } from '../../actors/apiserver/index.ts';
import { storeActor } from '../../actors/store/index.ts';
import { createBusClient, nodes, pods, secrets } from '../../src/client/index.ts';
import {
  administrator,
  controllerIdentity,
  kubeletIdentity,
  kubeProxyIdentity,
  schedulerIdentity,
} from '../../src/cluster/identities.ts';
import { ActorSystem } from '../../src/runtime/index.ts';

let system: ActorSystem;
const as = (address: string, identity: object) => createBusClient(system.connect(address, identity).bus);
let admin: ReturnType<typeof createBusClient>;

beforeAll(async () => {
  system = new ActorSystem({ placement: 'inline', seed: 1, logLevel: 'error', log: () => undefined });
  await system.start({ definition: storeActor });
  await system.start({ definition: apiserverActor, options: { serviceAccountAdmission: false } });
  admin = as('admin', administrator);
  for (const node of ['n1', 'n2']) {
    await admin.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: node } });
    await admin.create(secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `of-${node}`, namespace: 'default' },
    });
    await admin.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `on-${node}`, namespace: 'default' },
      spec: {
        nodeName: node,
        containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: `of-${node}` } }] }],
      },
    });
  }
});
afterAll(() => system.stop());

const secret = (name: string) => ({ namespace: 'default', name });
const refused = expect.objectContaining({ code: 403 });

describe('over the bus', () => {
  it("a kubelet reads its own pods' secrets, and no other", async () => {
    const kubelet = as('kubelet/n1', kubeletIdentity('n1'));
    expect((await kubelet.get(secrets, secret('of-n1'))).metadata?.name).toBe('of-n1');
    await expect(kubelet.get(secrets, secret('of-n2'))).rejects.toEqual(refused);
    await expect(kubelet.list(secrets, { namespace: 'default' })).rejects.toEqual(refused);
    await expect(kubelet.get(nodes, { name: 'n2' })).rejects.toEqual(refused);
    // With the pod goes the right to read what it named.
    await admin.delete(pods, { namespace: 'default', name: 'on-n1' }, { gracePeriodSeconds: 0 });
    await expect(kubelet.get(secrets, secret('of-n1'))).rejects.toEqual(refused);
  });

  it.each([
    ['the scheduler', schedulerIdentity],
    ['kube-proxy', kubeProxyIdentity],
    ['the deployment controller', controllerIdentity('deployment-controller')],
  ])('%s reads no secrets', async (_name, identity) => {
    const client = as(`client-${identity.user}`, identity);
    await expect(client.get(secrets, secret('of-n1'))).rejects.toEqual(refused);
    await expect(client.delete(nodes, { name: 'n1' })).rejects.toEqual(refused);
  });
});
