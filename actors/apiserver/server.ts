/** What stages, verbs and doors share of one running API server. Made once at start (index.ts) and passed to all. */
import type { KindDefinition, KindRegistry, StrategyContext } from '../../src/api/index.ts';
import type { ActorContext } from '../../src/runtime/index.ts';
import type { Store } from '../../src/store/index.ts';
import type { AdmissionChain } from './admission/chain.ts';
import type { ApiServices } from './aggregation/index.ts';
import type { EventLeases } from './allocation/event-leases.ts';
import type { ServiceAllocator } from './allocation/services.ts';
import type { Auditor } from './audit/index.ts';
import type { Authenticator } from './authentication/index.ts';
import type { Authorization } from './authorization/index.ts';
import type { Caches } from './cache/caches.ts';
import type { KindCache } from './cache/kind-cache.ts';
import type { Encryption } from './encryption/index.ts';
import type { Fairness } from './fairness/index.ts';
import type { ServerMetrics } from './metrics.ts';
import type { ResolvedOptions } from './options.ts';
import type { NodeSessions } from './streams/node-sessions.ts';
import type { NodeAddresses } from './streams/nodes.ts';
import type { TokenSigner } from './token-signer.ts';
import type { WebhookClient } from './webhooks/https-client.ts';

export interface Server {
  readonly context: ActorContext;
  readonly options: ResolvedOptions;
  readonly registry: KindRegistry;
  readonly store: Store;
  /** Undefined when values are stored as they are. */
  readonly encryption: Encryption | undefined;
  readonly caches: Caches;
  readonly admission: AdmissionChain;
  readonly services: ServiceAllocator;
  readonly eventLeases: EventLeases;
  readonly authenticator: Authenticator;
  readonly authorization: Authorization;
  /** Undefined when nothing is to be recorded. */
  readonly auditor: Auditor | undefined;
  /** Undefined when priority and fairness are off. */
  readonly fairness: Fairness | undefined;
  readonly tokens: TokenSigner;
  /** Calls webhooks of admission and conversion. */
  readonly webhooks: WebhookClient;
  readonly metrics: ServerMetrics;
  /** Connections to kubelets, containers and the ports of pods. */
  readonly sessions: NodeSessions;
  readonly nodes: NodeAddresses;
  /** What other servers serve behind this one. */
  readonly aggregation: ApiServices;
  /** Whether all that a client relies on at start is there. */
  ready: boolean;
  cacheOf(kind: KindDefinition): KindCache;
  /** Time and chance for strategies. */
  strategyContext(dryRun: boolean): StrategyContext;
}
