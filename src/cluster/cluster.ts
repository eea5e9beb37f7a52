/**
 * A whole cluster in one process: plans the actors, starts them in order (store, API server, controllers, scheduler, nodes)
 * and hands out a client, a kubeconfig and the clock. The main thread supervises and is never on the data path.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { apiserverActor } from '../../actors/apiserver/index.ts';
import { controllerActorFor, controllerManagerActor, controllers } from '../../actors/controllers/index.ts';
import { kubeProxyActor } from '../../actors/kube-proxy/index.ts';
import { kubeletActor } from '../../actors/kubelet/index.ts';
import { schedulerActor } from '../../actors/scheduler/index.ts';
import { storeActor } from '../../actors/store/index.ts';
import { enabledRows, loadExpressions, RuntimeConfigError } from '../api/index.ts';
import { apiserverChannels, type Client, createBusClient, deviceTaintRules } from '../client/index.ts';
import { servedVersion } from '../controller/index.ts';
import { type ActorSpec, ActorSystem, type Clock } from '../runtime/index.ts';
import { FeatureGates } from '../scheduling/index.ts';
import { checkAddresses, defaultPodCidr, familiesOf, serviceRanges } from './addresses.ts';
import { reloadConfigurations } from './configuration-reload.ts';
import { grantRoles } from './grants.ts';
import {
  administrator,
  apiserverIdentity,
  controllerIdentity,
  controllerManagerIdentity,
  kubeletIdentity,
  kubeProxyIdentity,
  schedulerIdentity,
} from './identities.ts';
import { kubeconfig } from './kubeconfig.ts';
import { type ClusterOptions, ClusterOptionsError, type NodePlan, planNodes } from './options.ts';
import { type CertificateAuthority, createAuthority, openAuthority, openSigningKey } from './pki.ts';
import { serveQueries } from './queries.ts';
import { furtherClientAuthorities, securityOptions } from './security.ts';
import { type ComponentSelection, selectComponents } from './selection.ts';
import { issueProxyClient, issueServing, noCertificates, openFrontProxy, renewServing } from './serving.ts';
import { checkThreadPlan, type NodeThreadPlan, planNodeThreads, planThreads, type ThreadPlan } from './threads.ts';

/** Nodes are started in slices of this many, so that progress shows and the API server is not flooded. */
const nodesPerSlice = 250;
/** Kubelets and kube-proxies that start at the same time. */
const startsAtOnce = 64;

/** A running cluster. Made by {@link Cluster.start}; `stop()` ends it. */
export class Cluster {
  private constructor(
    /** The actors: inspect, restart, kill, tap. */
    readonly actors: ActorSystem,
    /** An administrator's client over the bus. */
    readonly client: Client,
    /** An administrator's kubeconfig (YAML). Empty when neither HTTP nor HTTPS is on. */
    readonly kubeconfig: string,
    /** Where the API server listens. */
    readonly endpoints: { readonly http?: string; readonly https?: string },
    private readonly options: ClusterOptions,
    private readonly selection: ComponentSelection,
    private readonly authority: CertificateAuthority | undefined,
  ) {}

  private readonly nodeNames: Set<string> = new Set();

  /**
   * Starts a cluster; it is ready when the promise resolves: the API server answers and every node is registered.
   * @throws what {@link check} throws; StoreInUseError when the data directory belongs to another process.
   */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const { nodes, selection, threads } = plan(options);
    const system = new ActorSystem({
      placement: threads.controlPlane,
      clock: options.clock ?? 'real',
      seed: options.seed ?? 1,
      sharedThreads: threads.sharedThreads,
      ...(options.log === undefined ? {} : { log: options.log }),
      ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel }),
    });
    try {
      const virtual = options.clock === 'virtual';
      const secure = options.https ?? (virtual ? false : {});
      const authority = secure === false ? undefined : await authorityOf(options, system.clock);
      const frontProxy = secure === false ? undefined : await openFrontProxy(options, system.clock.now());
      const [store, apiserver, ...clients] = await controlPlane(
        options,
        selection,
        { authority, frontProxy, nowMs: system.clock.now() },
        secure,
      );
      await system.start([store, apiserver]);
      const { bus } = system.connect('client', administrator);
      await grantRoles(createBusClient(bus), selection.controllers);
      await system.start(clients, { concurrency: clients.length });
      const ports = await bus.call('apiserver', apiserverChannels.info, {});
      const plainHost = options.http === undefined || options.http === false ? undefined : options.http.host;
      const endpoints = {
        ...(ports.http === undefined ? {} : { http: `http://${addressIn(plainHost)}:${ports.http}` }),
        ...(ports.https === undefined
          ? {}
          : { https: `https://${addressIn(secure === false ? undefined : secure.host)}:${ports.https}` }),
      };
      const server = endpoints.https ?? endpoints.http;
      const text =
        server === undefined
          ? ''
          : kubeconfig({
              server,
              user: administrator.user,
              certificateAuthority: server === endpoints.https ? authority?.certificate : undefined,
              credential: await authority?.issue({
                commonName: administrator.user,
                organizations: ['system:masters'],
                usage: 'client',
              }),
            });
      const cluster = new Cluster(system, createBusClient(bus), text, endpoints, options, selection, authority);
      serveQueries(
        system,
        () => (selection.kubeProxy ? cluster.nodeNames : []),
        (user, groups) => cluster.kubeconfigFor(user, groups),
      );
      if (secure !== false && authority !== undefined && frontProxy !== undefined) {
        const issue = async () => ({
          serving: await issueServing(authority, options, secure.host ?? '127.0.0.1', system.clock.now()),
          proxyClient: await issueProxyClient(frontProxy, system.clock.now()),
        });
        renewServing(bus, system.clock, issue, (error) => {
          const text = error instanceof Error ? error.message : String(error);
          system.log.warn('The certificates of the API server were not renewed; it is tried again', { error: text });
        });
      }
      reloadConfigurations(system, options.security ?? {});
      if (selection.nodes) await cluster.startNodes(nodes, options.onProgress);
      return cluster;
    } catch (error) {
      await system.stop();
      throw error;
    }
  }

  /**
   * Finds out whether a cluster of these options can be, and starts nothing.
   * @throws ClusterOptionsError for an option that cannot be; UnknownComponentError; ThreadBudgetError when the machine cannot
   *   hold the threads that it would need.
   */
  static check(options: ClusterOptions): void {
    plan(options);
  }

  /** The cluster's clock: the real one, or the virtual one with `advance`. */
  get clock(): Clock {
    return this.actors.clock;
  }

  /**
   * Resolves when nothing is left to do: no message on its way, no reconcile, no timer but those of the background
   * (lease renewals, resyncs, deadlines). Under the virtual clock it moves time as far as that takes.
   */
  settled(): Promise<void> {
    return this.actors.settled();
  }

  /** A kubeconfig for any user. @throws ClusterOptionsError when HTTPS is off, since users are known by certificates. */
  async kubeconfigFor(user: string, groups: readonly string[] = []): Promise<string> {
    const server = this.endpoints.https;
    if (server === undefined || this.authority === undefined) {
      throw noCertificates();
    }
    const nowMs = this.clock.now();
    const credential = await this.authority.issue({ commonName: user, organizations: groups, usage: 'client', nowMs });
    return kubeconfig({ server, user, certificateAuthority: this.authority.certificate, credential });
  }

  /**
   * Adds simulated nodes, each a kubelet and (unless left out) a kube-proxy; resolves when all are registered.
   * @throws ClusterOptionsError for a name that is taken; ThreadBudgetError when they were to have threads of their own and
   *   the machine cannot hold so many.
   */
  addNodes(nodes: NonNullable<ClusterOptions['nodes']>, onProgress?: ClusterOptions['onProgress']): Promise<void> {
    return this.startNodes(planNodes(nodes), onProgress);
  }

  private async startNodes(nodes: readonly NodePlan[], onProgress: ClusterOptions['onProgress']): Promise<void> {
    for (const { name } of nodes) {
      if (this.nodeNames.has(name)) throw new ClusterOptionsError(`nodes: there is a node "${name}" already`);
    }
    const actorsEach = actorsOfNode(this.selection);
    const running = controlPlaneActors(this.selection) + this.nodeNames.size * actorsEach;
    const plan = planNodeThreads(this.options.threads, running, nodes.length * actorsEach);
    for (let start = 0; start < nodes.length; start += nodesPerSlice) {
      const slice = nodes.slice(start, start + nodesPerSlice);
      const first = this.nodeNames.size;
      const specs = slice.flatMap((node, offset) => this.nodeActors(node, first + offset, plan));
      await this.actors.start(specs, { concurrency: startsAtOnce });
      for (const { name } of slice) this.nodeNames.add(name);
      onProgress?.({ done: start + slice.length, total: nodes.length, threads: plan.summary });
    }
  }

  /** A node's kubelet and kube-proxy live side by side in the same shared thread. */
  private nodeActors(node: NodePlan, index: number, plan: NodeThreadPlan): ActorSpec[] {
    const where = {
      placement: plan.placement,
      ...(plan.placement === 'shared' ? { group: `nodes-${index % plan.sharedThreads}` } : {}),
    };
    const { capacity, ...plain } = node;
    const { simulation } = this.options;
    const kubelet = {
      definition: kubeletActor,
      address: `kubelet/${node.name}`,
      identity: kubeletIdentity(node.name),
      ...where,
      options: {
        nodeName: plain.name,
        labels: plain.labels,
        taints: plain.taints,
        ...(plain.zone === undefined ? {} : { zone: plain.zone, region: plain.region }),
        // As upstream's kubelets are told of a cloud: without the controller nobody would take the taint away.
        externalCloud: this.selection.controllers.includes('cloud-node-controller'),
        ...(capacity === undefined ? {} : { capacity }),
        ordinal: index,
        families: familiesOf(this.options),
        ...(this.selection.controllers.includes('node-ipam-controller') ? { podCidr: 'from-node' } : {}),
        ...(simulation === undefined
          ? {}
          : { delays: { imagePullMs: simulation.imagePullMs, startMs: simulation.containerStartMs } }),
      },
    } as ActorSpec;
    if (!this.selection.kubeProxy) return [kubelet];
    const proxy = {
      definition: kubeProxyActor,
      address: `kube-proxy/${node.name}`,
      identity: kubeProxyIdentity,
      ...where,
      options: { nodeName: node.name, ordinal: index, families: familiesOf(this.options) },
    } as ActorSpec;
    return [kubelet, proxy];
  }

  /** Stops nodes, controllers, the API server and the store, in this order. */
  async stop(): Promise<void> {
    await this.actors.stop();
  }
}

const controlPlaneActors = ({ controllers: chosen, scheduler }: ComponentSelection): number =>
  2 + chosen.length + (scheduler ? 1 : 0);

const actorsOfNode = ({ kubeProxy }: ComponentSelection): number => (kubeProxy ? 2 : 1);

interface Plan {
  readonly nodes: readonly NodePlan[];
  readonly selection: ComponentSelection;
  readonly threads: ThreadPlan;
}

/** Options, checked and spelled out. Throws what {@link Cluster.check} throws. */
function plan(options: ClusterOptions): Plan {
  const nodes = planNodes(options.nodes);
  checkRuntimeConfig(options.runtimeConfig);
  const names = controllers.map(({ name }) => name);
  const chosen = servedOnly(selectComponents(options.components ?? ['all'], names), options.runtimeConfig);
  const needed = options.podCidr === undefined ? [] : ['node-ipam-controller'];
  const isRun = (name: string) => chosen.controllers.includes(name) || needed.includes(name);
  const selection = { ...chosen, controllers: names.filter(isRun) };
  const threads = planThreads(options.threads);
  if (options.clock === 'virtual' && threads.controlPlane !== 'inline') {
    throw new ClusterOptionsError("clock: 'virtual' needs threads: 'inline', since time in threads cannot be stopped");
  }
  checkAddresses(options);
  const nodeActors = selection.nodes ? nodes.length * actorsOfNode(selection) : 0;
  checkThreadPlan(options.threads, controlPlaneActors(selection), nodeActors);
  return { nodes, selection, threads };
}

/** Kinds that are switched on bring along what the scheduler does with them. */
function gatesOfServedKinds(config: ClusterOptions['runtimeConfig']): Readonly<Record<string, boolean>> {
  return servedVersion(deviceTaintRules, config) === undefined ? {} : { DRADeviceTaintRules: true };
}

/** Features of the API server and the controllers that are on though they are off by default. */
function featuresOf({ featureGates }: ClusterOptions): readonly string[] {
  const gates = FeatureGates.from(featureGates);
  return ['MaxUnavailableStatefulSet'].filter((name) => gates.enabled(name));
}

/** Without the controllers of kinds that are switched off: as upstream, they are left out even where they are named. */
function servedOnly(selection: ComponentSelection, config: ClusterOptions['runtimeConfig']): ComponentSelection {
  const idle = new Set(
    controllers.flatMap(({ name, needs }) =>
      needs === undefined || servedVersion(needs, config) !== undefined ? [] : [name],
    ),
  );
  return { ...selection, controllers: selection.controllers.filter((name) => !idle.has(name)) };
}

function checkRuntimeConfig(config: ClusterOptions['runtimeConfig']): void {
  try {
    enabledRows(config);
  } catch (error) {
    if (error instanceof RuntimeConfigError) throw new ClusterOptionsError(error.message);
    throw error;
  }
}

function authorityOf(options: ClusterOptions, clock: Clock): Promise<CertificateAuthority> {
  return options.dataDirectory === undefined
    ? createAuthority(clock.now())
    : openAuthority(join(options.dataDirectory, 'pki'), clock.now());
}

interface Authorities {
  readonly authority: CertificateAuthority | undefined;
  readonly frontProxy: CertificateAuthority | undefined;
  readonly nowMs: number;
}

/**
 * The threads that every object passes through: what they make lives for some milliseconds, and with room for that long it is
 * gone before the garbage collector would copy it. Twice as much takes 350 MB more with 50,000 pods, for a few percent at most.
 */
const busyThread = { maxYoungGenerationSizeMb: 96, maxOldGenerationSizeMb: 4096 };

/** The control plane's actors: the store, the API server, and its clients, whose order does not matter. They stop in reverse. */
async function controlPlane(
  options: ClusterOptions,
  selection: ComponentSelection,
  { authority, frontProxy, nowMs }: Authorities,
  secure: NonNullable<ClusterOptions['https']>,
): Promise<[store: ActorSpec, apiserver: ActorSpec, ...clients: ActorSpec[]]> {
  const plain = options.http ?? false;
  // With it the API server names users to the servers behind APIServices.
  const proxyClient = frontProxy === undefined ? undefined : await issueProxyClient(frontProxy, nowMs);
  const host = secure === false ? '127.0.0.1' : (secure.host ?? '127.0.0.1');
  const security = options.security ?? {};
  // These documents hold expressions, which are compiled when the documents are read.
  if (security.authenticationConfig !== undefined || security.authorizationConfig !== undefined)
    await loadExpressions();
  const serving = authority === undefined ? undefined : await issueServing(authority, options, host, nowMs);
  return [
    {
      definition: storeActor,
      threadLimits: busyThread,
      options: {
        ...(options.dataDirectory === undefined ? {} : { directory: join(options.dataDirectory, 'store') }),
        ...(options.durability === undefined ? {} : { durability: options.durability }),
      },
    },
    {
      definition: apiserverActor,
      threadLimits: busyThread,
      identity: apiserverIdentity,
      options: {
        http: plain === false ? null : { host: plain.host ?? '127.0.0.1', port: plain.port ?? 0 },
        https:
          secure === false || serving === undefined || authority === undefined
            ? null
            : {
                host,
                port: secure.port ?? 0,
                certPem: serving.certificate,
                keyPem: serving.key,
                clientCaPem: authority.certificate + furtherClientAuthorities(security),
              },
        // A run under the virtual clock is the same on every machine.
        hostname: options.clock === 'virtual' ? 'kubehive' : hostname(),
        serviceCidr: serviceRanges(options).join(),
        nodePortRange: options.nodePortRange ?? '30000-32767',
        // Without the controller that makes them, no pod could have a service account.
        serviceAccountAdmission: selection.controllers.includes('serviceaccount-controller'),
        ...admissionChoice(options),
        ...(options.runtimeConfig === undefined ? {} : { runtimeConfig: options.runtimeConfig }),
        features: featuresOf(options),
        ...securityOptions(security, frontProxy?.certificate),
        ...(frontProxy === undefined || proxyClient === undefined
          ? {}
          : {
              proxyClient: {
                certPem: proxyClient.certificate,
                keyPem: proxyClient.key,
                caPem: frontProxy.certificate,
              },
            }),
        httpUser: { user: administrator.user, groups: administrator.groups },
        ...(authority === undefined ? {} : { caPem: authority.certificate }),
        ...(options.dataDirectory === undefined || security.serviceAccountSigningKeyFile !== undefined
          ? {}
          : { serviceAccountKeyPem: await openSigningKey(join(options.dataDirectory, 'pki', 'sa.key')) }),
      },
    },
    ...(options.leaderElection === true && selection.controllers.length > 0
      ? [
          {
            definition: controllerManagerActor,
            identity: controllerManagerIdentity,
            options: { identity: `${hostname()}_${process.pid}` },
          },
        ]
      : []),
    ...selection.controllers.map((controller) => ({
      definition: controllerActorFor(controller),
      address: controller,
      identity: controllerIdentity(serviceAccountOf(controller)),
      options: {
        controller,
        ...(options.leaderElection === true ? { leader: controllerManagerActor.name } : {}),
        settings: {
          clusterCidr: options.podCidr ?? defaultPodCidr,
          serviceCidrs: serviceRanges(options),
          ...(options.runtimeConfig === undefined ? {} : { runtimeConfig: options.runtimeConfig }),
          features: featuresOf(options),
          ...(authority === undefined ? {} : { rootCa: authority.certificate }),
          // The CA's key goes to the one controller that signs, and to no other.
          ...(authority === undefined || controller !== 'certificatesigningrequest-signing-controller'
            ? {}
            : { signing: { certificate: authority.certificate, key: authority.key } }),
          // Upstream waits for other API servers that have not heard of the deletion; here the one that was told is the only one.
          namespaceDeletionDelayMs: 0,
        },
      },
    })),
    ...(selection.scheduler
      ? [options.schedulerConfiguration ?? {}].flat().map((configuration, i) => ({
          definition: schedulerActor,
          threadLimits: busyThread,
          ...(i === 0 ? {} : { address: `scheduler-${i + 1}` }),
          identity: schedulerIdentity,
          options: {
            configuration,
            featureGates: { ...gatesOfServedKinds(options.runtimeConfig), ...options.featureGates },
          },
        }))
      : []),
  ] as [ActorSpec, ActorSpec, ...ActorSpec[]];
}

/** The service account in kube-system that upstream runs a controller as. */
function serviceAccountOf(controller: string): string {
  return controllers.find(({ name }) => name === controller)?.serviceAccount ?? controller;
}

/** How clients on this machine reach a listening address: every address means loopback too. */
function addressIn(host = '127.0.0.1'): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

const NODE_RESTRICTION = 'NodeRestriction';

/** Which admission plugins the API server runs. Kubelets are restricted to their own nodes, as in every cluster of kubeadm's. */
function admissionChoice(options: ClusterOptions) {
  const disabled = options.disabledAdmissionPlugins ?? [];
  const enabled = (options.enabledAdmissionPlugins ?? []).filter((name) => name !== NODE_RESTRICTION);
  return {
    enabledAdmissionPlugins: disabled.includes(NODE_RESTRICTION) ? enabled : [...enabled, NODE_RESTRICTION],
    disabledAdmissionPlugins: disabled,
    admissionConfiguration: options.admissionConfiguration ?? {},
    resourceMetrics: options.resourceMetrics ?? false,
  };
}
