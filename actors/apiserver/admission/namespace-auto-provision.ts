/**
 * NamespaceAutoProvision: makes the namespace that something is created in.
 * @see plugin/pkg/admission/namespace/autoprovision/admission.go
 */
import { isAlreadyExists, type KindDefinition } from '../../../src/api/index.ts';
import { pack } from '../../../src/runtime/index.ts';
import { runPipeline } from '../pipeline.ts';
import type { Server } from '../server.ts';
import { callOf } from '../system-call.ts';
import type { AdmissionPlugin } from './plugin.ts';

export const namespaceAutoProvision: AdmissionPlugin = {
  name: 'NamespaceAutoProvision',
  isOffByDefault: true,
  handles: (kind, operation) => kind.namespaced && operation === 'CREATE',
  mutate({ namespace, call }, server) {
    if (namespace === undefined || namespace === '' || call.dryRun) return;
    const cache = server.caches.cacheOf('/registry/namespaces', false);
    if (cache.get(cache.keyOf(undefined, namespace)) !== undefined) return;
    return provision(server, namespace);
  },
};

async function provision(server: Server, name: string): Promise<void> {
  const kind = server.registry.byResource('', 'v1', 'namespaces') as KindDefinition;
  const body = pack({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  try {
    await runPipeline(callOf(server, kind, 'create', { body }), server);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
