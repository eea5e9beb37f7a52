/**
 * A port that was picked freely stays the same across restarts: kubeconfigs and open clients go on working. The store keeps it,
 * outside of what the API shows.
 */
import type { Server } from '../server.ts';

export interface Ports {
  readonly http?: number | undefined;
  readonly https?: number | undefined;
}

function keyOf(server: Server): string {
  return `/kubehive/ports/${server.context.bus.address}`;
}

/** The ports of the last run, empty when there was none. */
export async function recallPorts(server: Server): Promise<Ports> {
  const { kvs } = await server.store.range({ key: keyOf(server) });
  const [kv] = kvs;
  if (kv === undefined) return {};
  return JSON.parse(Buffer.from(kv.value).toString('utf8')) as Ports;
}

export async function rememberPorts(server: Server, ports: Ports): Promise<void> {
  const { http, https } = await recallPorts(server);
  if (http === ports.http && https === ports.https) return;
  await server.store.txn({
    success: [{ type: 'put', key: keyOf(server), value: Buffer.from(JSON.stringify(ports)) }],
  });
}
