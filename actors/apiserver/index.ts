/**
 * The API server: one actor between the store and everybody else. It keeps the watch caches, runs every request through the
 * pipeline, and listens at two doors: the bus for the actors of this process, HTTP(S) for all others. It holds no state that
 * the store does not have.
 */

import {
  createKindRegistry,
  enabledKinds,
  formatTime,
  type KindDefinition,
  type KindRegistry,
  loadExpressions,
  type Schema,
  type StrategyContext,
} from '../../src/api/index.ts';
import { apiserverChannels } from '../../src/client/protocol.ts';
import { type ActorContext, type Clock, defineActor, type Random } from '../../src/runtime/index.ts';
import { remoteStore } from '../../src/store/index.ts';
import { createAdmissionChain } from './admission/chain.ts';
import { admissionPlugins } from './admission/index.ts';
import { ApiServices, startAggregation } from './aggregation/index.ts';
import { createEventLeases } from './allocation/event-leases.ts';
import { createServiceAllocator } from './allocation/services.ts';
import { createAuditor } from './audit/index.ts';
import { holdsExpressions } from './authentication/expressions.ts';
import { createAuthenticator } from './authentication/index.ts';
import { createLegacyTokenUses } from './authentication/legacy-tokens.ts';
import { createAuthorization } from './authorization/index.ts';
import { expectedKindOf } from './bodies.ts';
import { keepIdentityLease } from './bootstrap/identity-lease.ts';
import { bootstrap, keepSystemObjects } from './bootstrap/index.ts';
import { keepLegacyTokenTracking } from './bootstrap/legacy-token-tracking.ts';
import { serveBus } from './bus-door.ts';
import { Caches } from './cache/caches.ts';
import type { KindCache } from './cache/kind-cache.ts';
import { applyConfiguration } from './configuration-reload.ts';
import { CustomResources } from './custom-resources/index.ts';
import { createEncryption } from './encryption/index.ts';
import { createFairness } from './fairness/index.ts';
import { keepFlowControl } from './fairness/keeper.ts';
import { type HttpDoor, serveHttp } from './http/door.ts';
import { INDEXED_FIELDS } from './indexes.ts';
import { storedKindOf } from './kinds.ts';
import { createServerMetrics } from './metrics.ts';
import { type ApiserverOptions, resolveOptions } from './options.ts';
import type { Server } from './server.ts';
import { createNodeSessions } from './streams/node-sessions.ts';
import { createNodeAddresses } from './streams/nodes.ts';
import { createTokenSigner } from './token-signer.ts';
import { resourceMetricsKinds } from './virtual/resource-metrics.ts';
import { createWebhookClient } from './webhooks/index.ts';

export {
  AUDIT_MODES,
  type AuditBatching,
  type AuditMode,
  LEVELS as AUDIT_LEVELS,
  STAGES as AUDIT_STAGES,
} from './audit/index.ts';
export { expressionFault } from './authentication/expressions.ts';
export { AUTHORIZATION_MODES } from './authorization/index.ts';
export type { EncryptionOption } from './encryption/index.ts';
export { type ApiserverOptions, ISSUER as SERVICE_ACCOUNT_ISSUER, type TokenOption } from './options.ts';
export { tokenAlgorithmOf } from './token-signer.ts';

/** Revisions that are replayed at start, so that watches can resume across a restart. */
const REPLAY_REVISIONS_MAX = 5000;
const BOOKMARK_INTERVAL_MS = 60_000;

export const apiserverActor = defineActor<ApiserverOptions | undefined>({
  name: 'apiserver',
  module: import.meta.url,
  async start(context, given) {
    const server = await createServer(context, given);
    const ports: { http?: number; https?: number } = {};
    context.bus.serve(apiserverChannels.info, () => ({ ...ports, version: server.options.serverVersion.gitVersion }));
    new CustomResources(server).start();
    startAggregation(server);
    const door: HttpDoor = await serveHttp(server);
    Object.assign(ports, door.ports);
    context.bus.serve(apiserverChannels.renew, ({ certPem, keyPem, proxyClient }) => {
      door.renew(certPem, keyPem);
      server.aggregation.renewedClient = proxyClient;
      return {};
    });
    context.bus.serve(apiserverChannels.configure, (change) => applyConfiguration(change, server));
    // After a crash nobody calls stop: the ports must be free again for the restart all the same.
    const release = () => {
      server.caches.stop();
      server.webhooks.close();
      server.encryption?.close();
      return door.close();
    };
    context.signal.addEventListener('abort', () => void release(), { once: true });
    const port = door.ports.https ?? door.ports.http;
    const host = server.options.https?.host ?? server.options.http?.host ?? '127.0.0.1';
    const listening = port === undefined ? undefined : { host, port };
    await bootstrap(server, listening);
    await keepLegacyTokenTracking(server);
    serveBus(server);
    const flowControlled =
      server.registry.byResource('flowcontrol.apiserver.k8s.io', 'v1', 'flowschemas') !== undefined;
    if (server.fairness !== undefined && flowControlled) keepFlowControl(server);
    server.ready = true;
    const kept = keepSystemObjects(server, listening);
    const identity = keepIdentityLease(server);
    const bookmarks = context.clock.every(BOOKMARK_INTERVAL_MS, () => server.caches.bookmark(), { background: true });
    return {
      async stop() {
        server.ready = false;
        bookmarks.cancel();
        kept.cancel();
        identity?.cancel();
        await release();
        await server.auditor?.close();
      },
    };
  },
});

async function createServer(context: ActorContext, given: ApiserverOptions | undefined): Promise<Server> {
  const options = resolveOptions(given);
  if (holdsExpressions([options.jwtIssuers, options.authorizationWebhooks])) await loadExpressions();
  const { clock, random } = context;
  const registry = createKindRegistry(enabledKinds(options.runtimeConfig));
  if (options.resourceMetrics) for (const kind of resourceMetricsKinds()) registry.add(kind);
  const plainStore = remoteStore(context.bus, options.storeAddress);
  const readAgain = () => {
    caches.readAgain(store).catch((error: unknown) => context.fail(error));
  };
  const encryption =
    options.encryption.length === 0
      ? undefined
      : await createEncryption(plainStore, options.encryption, { ...context, registry, recovered: readAgain });
  const store = encryption?.store ?? plainStore;
  const caches = new Caches(
    {
      root: '/registry/',
      changesMax: options.watchCacheChangesMax,
      replayRevisionsMax: REPLAY_REVISIONS_MAX,
      fieldSchemaOf: fieldSchemas(registry),
      indexes: Object.fromEntries(Object.entries(INDEXED_FIELDS).map(([prefix, field]) => [prefix, field.read])),
    },
    clock,
  );
  const cacheOf = cachesByKind(registry, caches);
  const tokenKeys = {
    signingKeyPem: options.serviceAccountKeyPem,
    verificationKeysPem: options.serviceAccountVerificationKeysPem,
    issuers: [options.serviceAccountIssuer, ...options.acceptedServiceAccountIssuers],
  };
  const tokens = createTokenSigner(tokenKeys, clock, random);
  const strategyContext = strategyContexts(clock, random, new Set(options.features));
  const services = createServiceAllocator(options, caches, random, {
    now: () => strategyContext(false).now,
    uuid: () => random.uuid(),
  });
  await caches.start(store, (error) => context.fail(error));
  services.start();
  const legacyUses = createLegacyTokenUses(context, () => server);
  const server: Server = {
    context,
    options,
    registry,
    store,
    encryption,
    caches,
    cacheOf,
    services,
    tokens,
    webhooks: createWebhookClient(clock),
    strategyContext,
    admission: createAdmissionChain(admissionPlugins, {
      enabled: options.enabledAdmissionPlugins,
      disabled: options.disabledAdmissionPlugins,
      configuration: options.admissionConfiguration,
    }),
    eventLeases: createEventLeases(store, clock, options.eventTtlSeconds),
    authenticator: createAuthenticator(options, tokens, caches, clock, legacyUses),
    authorization: createAuthorization(
      {
        modes: options.authorizationModes,
        abacPolicies: options.abacPolicies,
        webhooks: options.authorizationWebhooks,
      },
      caches,
      clock,
      context.metrics,
    ),
    auditor: options.audit === null ? undefined : createAuditor(options.audit, context),
    fairness:
      options.maxRequestsInflight > 0
        ? createFairness(options.maxRequestsInflight, caches, clock, context.metrics)
        : undefined,
    metrics: createServerMetrics(context.metrics, clock),
    sessions: createNodeSessions(context.bus, random),
    nodes: createNodeAddresses(registry, cacheOf),
    aggregation: new ApiServices(),
    ready: false,
  };
  return server;
}

/** The cache of a kind by one lookup. Every stored kind gets its cache before the load, so that nothing is placed twice. */
function cachesByKind(registry: KindRegistry, caches: Caches): (kind: KindDefinition) => KindCache {
  const known = new WeakMap<KindDefinition, KindCache>();
  const cacheOf = (kind: KindDefinition) => {
    let cache = known.get(kind);
    if (cache === undefined) {
      cache = caches.cacheOf(kind.storagePrefix, kind.namespaced);
      known.set(kind, cache);
    }
    return cache;
  };
  for (const kind of registry.all()) cacheOf(kind);
  return cacheOf;
}

/** The schemas of the stored built-in kinds, by which their field owners are stored. */
function fieldSchemas(registry: KindRegistry): (storagePrefix: string) => Schema | undefined {
  return (storagePrefix) => {
    for (const kind of registry.all())
      if (kind.storagePrefix === storagePrefix && kind.custom === undefined)
        return expectedKindOf(storedKindOf(kind, registry)).schema;
    return undefined;
  };
}

/** The text of the time is made once a second, not once an object. */
function strategyContexts(
  clock: Clock,
  random: Random,
  features: ReadonlySet<string>,
): (dryRun: boolean) => StrategyContext {
  let second = -1;
  let now = '';
  const uuid = () => random.uuid();
  const suffix = (length: number) => random.suffix(length);
  return (dryRun) => {
    const nowMs = clock.now();
    const current = Math.floor(nowMs / 1000);
    if (current !== second) {
      second = current;
      now = formatTime(current * 1000);
    }
    return { now, nowMs, uuid, suffix, dryRun, features };
  };
}
