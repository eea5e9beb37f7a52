/**
 * Writes what every cluster starts with, through the pipeline as any client would. Runs at each start, before the server is
 * ready; what is there already stays as it is, but for where the server listens. What no cluster can be without is kept from then on.
 * @see pkg/controlplane/controller (kubernetesservice, systemnamespaces, defaultservicecidr, clusterauthenticationtrust)
 */
import { type ApiObject, enabledRows, isAlreadyExists, isStatusError } from '../../../src/api/index.ts';
import { pack, type Timer } from '../../../src/runtime/index.ts';
import { firstAddress } from '../allocation/addresses.ts';
import { runPipeline } from '../pipeline.ts';
import type { Server } from '../server.ts';
import { sameValue } from '../stages/defaulting.ts';
import { callOf } from '../system-call.ts';
import { apiServices } from './api-services.ts';
import { flowControlObjects } from './flow-control.ts';
import { type SystemObject, systemObjects } from './objects.ts';
import { policyObjects } from './policy/index.ts';
import { isOfAnotherRole, reconciled } from './reconcile.ts';

type Listening = { readonly host: string; readonly port: number } | undefined;

function objectsOf({ options }: Server, listening: Listening): readonly SystemObject[] {
  return systemObjects(options, firstAddress(options.serviceCidr.split(',')[0] as string), listening);
}

export async function bootstrap(server: Server, listening: Listening): Promise<void> {
  for (const item of objectsOf(server, listening)) await ensure(server, item);
  // None of these needs another one to be there: they go to the store together.
  const served = new Set(enabledRows(server.options.runtimeConfig).map(({ group, plural }) => `${group}/${plural}`));
  const independent = [
    ...policyObjects((kind) => served.has(kind)),
    ...flowControlObjects,
    ...(await apiServices(server)),
  ];
  await Promise.all(independent.map((item) => ensure(server, item)));
}

/** How often upstream looks at its Service; at its namespaces it looks every minute. */
const KEEP_MS = 10_000;

/**
 * Puts back what somebody took away of the namespaces, the Service and the addresses of the server, its range, and whom it trusts.
 * Priority classes and roles come back at the next start only.
 */
export function keepSystemObjects(server: Server, listening: Listening): Timer {
  const { clock, log } = server.context;
  const items = objectsOf(server, listening).filter(({ plural }) => plural !== 'priorityclasses');
  const look = async () => {
    for (const item of items) {
      if (!server.ready) return;
      try {
        await write(server, item);
      } catch (error) {
        // A server that is on its way out has nothing to say; any other looks again soon.
        if (!server.ready) return;
        const { name, namespace } = item.object.metadata;
        log.warn('an object of the system could not be put back', { name, namespace, error: String(error) });
      }
    }
  };
  return clock.every(KEEP_MS, () => void look(), { background: true });
}

const RETRY_MS = 5000;

/** What admission refuses, such as a webhook that is away, must not keep the server from starting: it is tried again later. */
async function ensure(server: Server, item: SystemObject): Promise<void> {
  try {
    await write(server, item);
  } catch (error) {
    const { clock, log, signal } = server.context;
    if (!isStatusError(error) || signal.aborted) throw error;
    const { name, namespace } = item.object.metadata;
    log.warn('An object of the system could not be written; it is tried again', {
      name,
      namespace,
      error: error.message,
    });
    clock.after(RETRY_MS, () => void ensure(server, item).catch((bug) => server.context.fail(bug)), {
      background: true,
    });
  }
}

async function write(server: Server, item: SystemObject): Promise<void> {
  const kind = server.registry.byResource(item.group, item.version, item.plural);
  // What is switched off has no objects.
  if (kind === undefined) return;
  const { name, namespace } = item.object.metadata;
  const cache = server.cacheOf(kind);
  const current = cache.get(cache.keyOf(namespace, name));
  if (current === undefined) {
    try {
      await runPipeline(callOf(server, kind, 'create', { namespace, body: pack(item.object) }), server);
    } catch (error) {
      // Another server that starts at the same time wrote it first.
      if (!isAlreadyExists(error)) throw error;
    }
    return;
  }
  const changed = changedOf(item, current.object);
  if (changed === undefined) return;
  if (isOfAnotherRole(current.object, changed)) {
    await runPipeline(callOf(server, kind, 'delete', { namespace, name }), server);
    const { apiVersion, kind: kindName, subjects, roleRef } = changed;
    const { labels, annotations } = changed.metadata;
    const again = { apiVersion, kind: kindName, metadata: { name, namespace, labels, annotations }, subjects, roleRef };
    await runPipeline(callOf(server, kind, 'create', { namespace, body: pack(again) }), server);
    return;
  }
  try {
    await runPipeline(callOf(server, kind, 'update', { namespace, name, body: pack(changed) }), server);
  } catch (error) {
    if (!isStatusError(error) || error.code !== 409) throw error;
  }
}

/** What is there already, put right; undefined when it is. */
function changedOf(item: SystemObject, current: ApiObject): ApiObject | undefined {
  if (item.group === 'rbac.authorization.k8s.io') return reconciled(current, item.object);
  // Where the server listens, and whom it trusts, is of this run.
  const ofThisRun = item.plural === 'configmaps' ? ['data'] : ['subsets', 'endpoints', 'ports'];
  const fields = ofThisRun.filter((field) => item.object[field] !== undefined);
  if (!fields.some((field) => ['subsets', 'endpoints', 'data'].includes(field))) return undefined;
  if (fields.every((field) => sameValue(item.object[field], current[field]))) return undefined;
  const changed = { ...current };
  for (const field of fields) changed[field] = item.object[field];
  return changed;
}
