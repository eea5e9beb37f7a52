/**
 * Keeps the Lease by which an API server says that it is there, and takes away those of servers that have not been heard of for
 * as long as their Lease said. Whoever collects what servers reported, such as StorageVersions, goes by these Leases.
 * @see pkg/controlplane/apiserver/server.go, pkg/controlplane/controller/apiserverleasegc, KEP-1965
 */
import { createHash } from 'node:crypto';
import {
  type ApiObject,
  formatMicroTime,
  isAlreadyExists,
  isConflict,
  isNotFound,
  type KindDefinition,
  type Lease,
} from '../../../src/api/index.ts';
import { pack, type Timer } from '../../../src/runtime/index.ts';
import { runPipeline } from '../pipeline.ts';
import type { Server } from '../server.ts';
import { callOf } from '../system-call.ts';

const namespace = 'kube-system';
const identityLabel = 'apiserver.kubernetes.io/identity';
const component = 'kube-apiserver';
const leaseDurationSeconds = 3600;
const RENEW_MS = 10_000;
const COLLECT_MS = 3_600_000;

/** `apiserver-` and what stands for the host's name: the same server has the same Lease after a restart. */
export function identityOf(hostname: string): string {
  const bytes = createHash('sha256').update(hostname).digest().subarray(0, 16);
  return `apiserver-${base32(bytes)}`;
}

/** RFC 4648 without padding, in small letters. */
function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += 'abcdefghijklmnopqrstuvwxyz234567'[(value >> (bits - 5)) & 31];
  }
  return bits === 0 ? text : text + 'abcdefghijklmnopqrstuvwxyz234567'[(value << (5 - bits)) & 31];
}

/** Writes the Lease at once, then renews it every ten seconds. Without a host's name in the options there is none. */
export function keepIdentityLease(server: Server): Timer | undefined {
  const { hostname } = server.options;
  const kind = server.registry.byResource('coordination.k8s.io', 'v1', 'leases');
  if (hostname === null || kind === undefined) return undefined;
  const name = identityOf(hostname);
  const identity: Identity = { name, holderIdentity: `${name}_${server.context.random.uuid()}`, hostname };
  const renewal = repeat(server, RENEW_MS, 'renewed', () => renew(server, kind, identity));
  const collection = repeat(server, COLLECT_MS, 'collected', () => collect(server, kind));
  return {
    cancel() {
      renewal.cancel();
      collection.cancel();
    },
  };
}

interface Identity {
  readonly name: string;
  readonly holderIdentity: string;
  readonly hostname: string;
}

/** At once and then at intervals, one at a time; what fails is tried again at the next. */
function repeat(server: Server, intervalMs: number, done: string, act: () => Promise<void>): Timer {
  const { clock, log } = server.context;
  let isBusy = false;
  const turn = async () => {
    if (isBusy || !server.ready) return;
    isBusy = true;
    try {
      await act();
    } catch (error) {
      // Another server with the same name or the same task was first.
      const isDone = isAlreadyExists(error) || isConflict(error) || isNotFound(error);
      if (server.ready && !isDone)
        log.warn(`Leases of API servers could not be ${done}; it is tried again`, { error: String(error) });
    } finally {
      isBusy = false;
    }
  };
  void turn();
  return clock.every(intervalMs, () => void turn(), { background: true });
}

async function renew(server: Server, kind: KindDefinition, identity: Identity): Promise<void> {
  const { name, holderIdentity, hostname } = identity;
  const cache = server.cacheOf(kind);
  const renewTime = formatMicroTime(server.context.clock.now());
  const marked = { [identityLabel]: component, 'kubernetes.io/hostname': hostname };
  const current: (ApiObject & Lease) | undefined = cache.get(cache.keyOf(namespace, name))?.object;
  if (current === undefined) {
    const spec = { holderIdentity, leaseDurationSeconds, renewTime };
    const metadata = { name, namespace, labels: marked };
    const body = pack({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec });
    await runPipeline(callOf(server, kind, 'create', { namespace, body }), server);
    return;
  }
  const labels = { ...current.metadata.labels, ...marked };
  const lease = { ...current, metadata: { ...current.metadata, labels }, spec: { ...current.spec, renewTime } };
  await runPipeline(callOf(server, kind, 'update', { namespace, name, body: pack(lease) }), server);
}

async function collect(server: Server, kind: KindDefinition): Promise<void> {
  const nowMs = server.context.clock.now();
  for (const { object } of server.cacheOf(kind).list(namespace)) {
    const lease: Lease = object;
    if (lease.metadata?.labels?.[identityLabel] !== component || !isExpired(lease, nowMs)) continue;
    const { name = '', uid } = lease.metadata;
    const body = pack({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } });
    await runPipeline(callOf(server, kind, 'delete', { namespace, name, body }), server);
  }
}

/** One that does not say for how long it is good is not good. */
function isExpired({ spec }: Lease, nowMs: number): boolean {
  if (spec?.renewTime === undefined || spec.leaseDurationSeconds === undefined) return true;
  return nowMs > Date.parse(spec.renewTime) + spec.leaseDurationSeconds * 1000;
}
