/**
 * Keeps the ConfigMap that says since when uses of legacy tokens are recorded: without it nobody may conclude that a token is not
 * used. Made at the first start, put right when it holds no date, made again when it is taken away, but not over and over.
 * @see pkg/controlplane/controller/legacytokentracking/controller.go
 */
import type { KindDefinition } from '../../../src/api/index.ts';
import { pack } from '../../../src/runtime/index.ts';
import { dayOf } from '../authentication/legacy-tokens.ts';
import { runPipeline } from '../pipeline.ts';
import type { Server } from '../server.ts';
import { callOf } from '../system-call.ts';

const namespace = 'kube-system';
const name = 'kube-apiserver-legacy-service-account-token-tracking';
/** Servers of which only some keep it must not fight over it. */
const CREATION_INTERVAL_MS = 30 * 60_000;
const RETRY_MS = 5000;

export async function keepLegacyTokenTracking(server: Server): Promise<void> {
  const { caches, context, registry } = server;
  const { clock, log, signal } = context;
  const kind = registry.byResource('', 'v1', 'configmaps') as KindDefinition;
  const cache = server.cacheOf(kind);
  const key = cache.keyOf(namespace, name);
  let createdMs = Number.NEGATIVE_INFINITY;
  let dueMs = Number.POSITIVE_INFINITY;

  const lookIn = (delayMs: number) => {
    const atMs = clock.now() + delayMs;
    if (atMs >= dueMs) return;
    dueMs = atMs;
    clock.after(delayMs, () => void look(), { background: true });
  };

  async function look(): Promise<void> {
    dueMs = Number.POSITIVE_INFINITY;
    if (signal.aborted) return;
    try {
      await putRight();
    } catch (error) {
      if (signal.aborted) return;
      log.warn('The tracking of legacy tokens could not be written; it is tried again', { error: String(error) });
      lookIn(RETRY_MS);
    }
  }

  async function putRight(): Promise<void> {
    const current = cache.get(key)?.object;
    const nowMs = clock.now();
    const since = dayOf(nowMs);
    if (current === undefined) {
      const waitMs = createdMs + CREATION_INTERVAL_MS - nowMs;
      if (waitMs > 0) return lookIn(waitMs);
      const body = pack({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { since } });
      await runPipeline(callOf(server, kind, 'create', { namespace, body }), server);
      createdMs = nowMs;
      return;
    }
    const data = current['data'] as Readonly<Record<string, string>> | undefined;
    if (isDay(data?.['since'])) return;
    const body = pack({ ...current, data: { ...data, since } });
    await runPipeline(callOf(server, kind, 'update', { namespace, name, body }), server);
  }

  caches.onChange('/registry/configmaps', ({ entry, previous }) => {
    if ((entry ?? previous)?.key === key) lookIn(0);
  });
  await look();
}

function isDay(text: string | undefined): boolean {
  return text !== undefined && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
}
