/** ComponentStatus, deprecated and still asked for by dashboards: the store is what this server can vouch for. */
import { type ApiObject, StatusError } from '../../../src/api/index.ts';
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';
import type { VirtualKind } from './handler.ts';

const COMPONENTS = ['etcd-0', 'controller-manager', 'scheduler'];

export const componentStatuses: VirtualKind = {
  prefix: '/registry/componentstatuses',
  async get(call, server) {
    const name = call.name ?? '';
    if (!COMPONENTS.includes(name)) throw StatusError.notFound({ group: '', name: 'componentstatus' }, name);
    call.answer = { type: 'object', code: 200, object: await statusOf(name, server) };
  },
  async list(call, server) {
    call.answer = await answerList(call, server);
  },
};

async function answerList(_call: Call, server: Server) {
  const items = await Promise.all(COMPONENTS.map((name) => statusOf(name, server)));
  return {
    type: 'object' as const,
    code: 200,
    object: { kind: 'ComponentStatusList', apiVersion: 'v1', metadata: {}, items } as ApiObject,
  };
}

async function statusOf(name: string, server: Server): Promise<ApiObject> {
  // A failing store fails this request too: whoever gets an answer sees a healthy one.
  await server.store.range({ key: '/registry/health', limit: 1 });
  return {
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name },
    conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }],
  };
}
