/**
 * The scheduler: takes pods from the queue one at a time, decides each against the table, counts it there at once and
 * binds it in the background. Deciding is synchronous and never waits for the API; bindings, status and events go out
 * behind it, each with a bound of its own. One object serves all profiles; an actor owns it.
 *
 *     queue.pop ─► findNodes ─► score ─► assume ─► Reserve, Permit ─► (in the background) PreBind, Bind ─► event
 *                     │ none fits                                                 │ failed
 *                     └─► PostFilter ─► condition, event ─► queue ◄───────────────┴── forget
 *
 * @see kubernetes/pkg/scheduler/schedule_one.go
 */
import { bindPod, type PermitWait, runPermit } from './binding-cycle.ts';
import { ClusterCache } from './cluster-cache.ts';
import { type EventRegistration, events } from './cluster-events.ts';
import { enabledPlugins, expandPlugins } from './configuration.ts';
import { ConfigurationError } from './configuration-fields.ts';
import { Cycle, type PluginTimings } from './cycle-state.ts';
import { type Diagnosis, noNodesMessage } from './diagnosis.ts';
import { type AttemptExplanation, type Choice, explainChoice, explainedNodes } from './explanations.ts';
import { askExtenders, diagnoseExtenders, Extender, type ExtenderRound } from './extender.ts';
import { withIgnored } from './extender-configuration.ts';
import { type AttemptResult, SchedulerMetrics, sampleOneIn } from './metrics.ts';
import type { Plugin, PluginDefinition, PluginHandle, PostFilterAnswer } from './plugin.ts';
import { conditionPatch } from './pod-condition.ts';
import { PodGroupCycle } from './pod-group-cycle.ts';
import { groupKeyOf } from './pod-groups.ts';
import type { PodInfo } from './pod-info.ts';
import { type Found, Profile } from './profile.ts';
import { noNodes, type QueuedPod, SchedulingQueue } from './queue.ts';
import type { SchedulerDependencies } from './scheduler-dependencies.ts';
import { selectRow } from './scoring-run.ts';
import { StatusWriter } from './status-writer.ts';
import { Code, errorVerdict, isRejected, type Verdict, verdictMessage } from './verdict.ts';
import { WaitingPods } from './waiting-pods.ts';

/** Attempts and milliseconds after which other messages get their turn. */
const attemptsPerTurn = 64;
const turnMs = 8;
/** Longest event message; the API refuses more. */
const noteMax = 1024;

interface Nomination {
  /** Undefined: leave it; empty: clear it. */
  readonly nodeName: string | undefined;
}

const clearNomination: Nomination = { nodeName: '' };
const noPlugins: ReadonlySet<string> = new Set();
const noNodesPlugins: ReadonlySet<string> = new Set([noNodes]);

export class Scheduler {
  readonly #deps: SchedulerDependencies;
  readonly #profiles = new Map<string, Profile>();
  readonly #registrations = new Map<string, Map<string, readonly EventRegistration[] | undefined>>();
  readonly #metrics: SchedulerMetrics;
  readonly #timings: PluginTimings;
  readonly #status: StatusWriter | undefined;
  readonly #waiting: WaitingPods;
  readonly cache: ClusterCache;
  readonly queue: SchedulingQueue;
  readonly #extenders: readonly Extender[];
  /** Absent while pod groups are not looked at. */
  readonly #groupCycle: PodGroupCycle | undefined;
  /** A pod's attempt waits for an answer from outside: no other is begun meanwhile. */
  #asking = false;
  /** Pods whose status names the node that they are being bound to. */
  readonly #expected = new Set<string>();
  #nextStart = 0;
  #bindings = 0;
  #attempts = 0;
  #running = false;
  #turnAsked = false;

  /** @throws ConfigurationError */
  constructor(dependencies: SchedulerDependencies) {
    this.#deps = dependencies;
    const { context, configuration, client } = dependencies;
    this.#metrics = new SchedulerMetrics(context.metrics);
    this.#timings = this.#metrics.timings(() => context.clock.monotonic());
    this.#extenders = configuration.extenders.map((one) => new Extender(one, context.clock));
    this.#waiting = new WaitingPods(context.clock);
    this.#status = client && new StatusWriter({ client, activity: context.activity, log: context.log });
    this.cache = new ClusterCache({
      queue: () => this.queue,
      responsible: (name) => this.#profiles.has(name),
      onPendingGone: (uid) => {
        this.#status?.drop(uid);
        this.#waiting.reject(uid, '', 'removed');
      },
      monotonic: () => context.clock.monotonic(),
      onHandled: ({ label }, startedMs) => this.#metrics.handled(label, this.#secondsSince(startedMs)),
    });
    this.#buildProfiles(dependencies);
    const first = [...this.#profiles.values()][0]!;
    const sort = first.sets.queueSort[0]!;
    for (const profile of this.#profiles.values()) {
      if (profile.sets.queueSort[0]!.name !== sort.name) {
        throw new ConfigurationError('profiles: all profiles must use the same queue sort plugin');
      }
    }
    this.queue = new SchedulingQueue({
      clock: context.clock,
      less: (a, b) => sort.less!(a, b),
      preEnqueue: (info) => this.#profiles.get(info.schedulerName)?.preEnqueue(info),
      registrations: (info, plugin) => this.#registrations.get(info.schedulerName)?.get(plugin),
      initialBackoffMs: configuration.podInitialBackoffSeconds * 1000,
      maxBackoffMs: configuration.podMaxBackoffSeconds * 1000,
      popFromBackoff: configuration.featureGates.enabled('SchedulerPopFromBackoffQ'),
      onReady: () => this.#askTurn(),
      onIncoming: (queue, event) => this.#metrics.incoming(queue, event),
      onHint: (plugin, event, hint, startedMs) =>
        this.#metrics.hint(plugin, event, hint, this.#secondsSince(startedMs)),
      onSize: (queue, size) => this.#metrics.pending(queue, size),
    });
    this.#metrics.watch({
      cacheSizes: () => this.cache.sizes(),
      bindings: () => this.#bindings,
      pastEvents: () => this.queue.pastEvents(),
      rejectedBy: () => this.queue.rejectedBy(),
    });
    if (configuration.featureGates.enabled('GenericWorkload')) this.#groupCycle = this.#makeGroupCycle();
  }

  #buildProfiles({ configuration, plugins, plain }: SchedulerDependencies): void {
    const definitions = new Map<string, PluginDefinition>();
    for (const definition of plugins) {
      if (definitions.has(definition.name))
        throw new ConfigurationError(`plugin "${definition.name}" is registered twice`);
      definitions.set(definition.name, definition);
    }
    const ignoredResources = configuration.extenders.flatMap(({ managedResources }) =>
      managedResources.filter(({ ignoredByScheduler }) => ignoredByScheduler).map(({ name }) => name),
    );
    for (const profile of configuration.profiles) {
      const instances = new Map<string, Plugin>();
      const registrations = new Map<string, readonly EventRegistration[] | undefined>();
      const handle = this.#handle(profile.schedulerName);
      for (const name of profile.args.keys()) {
        if (!definitions.has(name)) throw new ConfigurationError(`pluginConfig: plugin "${name}" does not exist`);
      }
      for (const name of enabledPlugins(profile)) {
        const definition = definitions.get(name);
        if (!definition) throw new ConfigurationError(`plugins: plugin "${name}" does not exist`);
        const args = profile.args.get(name) ?? {};
        const plugin = definition.create(handle, withIgnored(name, args, ignoredResources));
        instances.set(name, plugin);
        registrations.set(name, plugin.events?.());
      }
      this.#registrations.set(profile.schedulerName, registrations);
      this.#profiles.set(
        profile.schedulerName,
        new Profile({
          name: profile.schedulerName,
          sets: expandPlugins(profile, instances),
          nodes: this.cache.nodes,
          nominator: this.cache.nominator,
          percentageOfNodesToScore: profile.percentageOfNodesToScore,
          plain: plain ?? false,
          extended: configuration.extenders.some(({ filterVerb, prioritizeVerb }) => filterVerb ?? prioritizeVerb),
          points: this.#metrics.points(profile.schedulerName, () => this.#deps.context.clock.monotonic()),
          onProblem: (what, error) => this.#deps.context.log.warn('plugin failed', { what, error: String(error) }),
        }),
      );
    }
  }

  #handle(profile: string): PluginHandle {
    const { context, client, informers, recorderOf } = this.#deps;
    const { cache } = this;
    const profileOf = () => this.#profiles.get(profile)!;
    return {
      nodes: cache.nodes,
      nominator: cache.nominator,
      clock: context.clock,
      random: context.random,
      log: context.log,
      client,
      informers,
      recorder: recorderOf?.(profile),
      extenders: this.#extenders,
      featureGates: this.#deps.configuration.featureGates,
      groupMembers: cache.groups,
      profile,
      podByUid: (uid) => cache.placed(uid) ?? this.queue.get(uid)?.info,
      filterRow: (cycle, pod, row) => profileOf().filterRow(cycle, pod, row),
      tryAddPod: (cycle, pod, other, row) => profileOf().tryAddPod(cycle, pod, other, row),
      tryRemovePod: (cycle, pod, other) => profileOf().tryRemovePod(cycle, pod, other),
      activate: (pod) => this.queue.activate(pod.uid),
      allowWaiting: (uid, plugin) => this.#waiting.allow(uid, plugin),
      rejectWaiting: (uid, plugin, message) => this.#waiting.reject(uid, plugin, message),
      clearNomination: (pod) => this.#nominate(pod, ''),
      preemptionMetrics: {
        victims: (count) => this.#metrics.victims(count),
        attempt: () => this.#metrics.preemption(),
        evicted: (succeeded, startedMs) =>
          this.#metrics.evicted(succeeded ? 'success' : 'error', this.#secondsSince(startedMs)),
      },
    };
  }

  /** Names of the profiles: pods with another `schedulerName` are somebody else's. */
  get schedulerNames(): readonly string[] {
    return [...this.#profiles.keys()];
  }

  /** Begins to attempt pods. What the cache has been told before counts from the first attempt on. */
  start(): void {
    this.#running = true;
    this.#askTurn();
  }

  /** Attempts no more pods; bindings under way end by themselves. */
  stop(): void {
    this.#running = false;
    this.queue.close();
  }

  #askTurn(): void {
    if (this.#turnAsked || this.#asking || !this.#running || !this.queue.ready || this.#full) return;
    this.#turnAsked = true;
    this.#deps.context.clock.turn(() => {
      this.#turnAsked = false;
      this.#turn();
    });
  }

  get #full(): boolean {
    return this.#bindings >= (this.#deps.bindingsMax ?? 1024);
  }

  #turn(): void {
    const { clock } = this.#deps.context;
    const untilMs = clock.monotonic() + turnMs;
    for (let i = 0; i < attemptsPerTurn && this.#running && !this.#full && !this.#asking; i++) {
      const pod = this.queue.pop();
      if (!pod) return;
      this.#attempt(pod);
      if (clock.monotonic() > untilMs) break;
    }
    this.#askTurn();
  }

  /** Attempts the next pod now; false when none is ready. For benchmarks and tests that drive the scheduler by hand. */
  attemptNext(): boolean {
    const pod = this.queue.pop();
    if (pod) this.#attempt(pod);
    return pod !== undefined;
  }

  #attempt(queued: QueuedPod): void {
    const { info } = queued;
    const { clock } = this.#deps.context;
    const profile = this.#profiles.get(info.schedulerName);
    if (this.#groupCycle && profile && groupKeyOf(info.pod) !== undefined) {
      void this.#waitFor(this.#groupCycle.run(queued));
      return;
    }
    if (!profile || this.#isSkipped(queued)) return;
    const startedAt = clock.monotonic();
    const sampled = this.#attempts++ % sampleOneIn === 0;
    const { nodes } = this.cache;
    if (nodes.nodeCount === 0) {
      this.#failed(
        queued,
        profile,
        startedAt,
        'unschedulable',
        noNodesMessage,
        noNodesPlugins,
        noPlugins,
        clearNomination,
      );
      return;
    }
    const cycle = new Cycle();
    if (sampled) cycle.timings = this.#timings;
    void this.#look(queued, profile, cycle, startedAt, false);
  }

  /** Looks for a node and goes on with what is found. A promise when somebody outside has to be asked. */
  #look(
    queued: QueuedPod,
    profile: Profile,
    cycle: Cycle,
    startedAt: number,
    skipNominated: boolean,
  ): Promise<void> | undefined {
    const { info } = queued;
    const found = this.#search(cycle, info, profile, skipNominated);
    if (found.error) {
      this.#errored(queued, profile, startedAt, found.error);
      return undefined;
    }
    if (found.count === 0) {
      return this.#unschedulable(queued, profile, cycle, startedAt, found.diagnosis!, found.processed);
    }
    const asked = this.#extenders.filter((extender) => extender.isInterestedIn(info.pod));
    if (asked.length > 0) return this.#askExtenders(queued, profile, cycle, startedAt, found, asked);
    this.#decide(queued, profile, cycle, startedAt, found.rows, found.count, found.processed);
    return undefined;
  }

  #search(cycle: Cycle, info: PodInfo, profile: Profile, skipNominated = false): Found {
    const { nodeCount } = this.cache.nodes;
    const percentage = profile.percentageOfNodesToScore ?? this.#deps.configuration.percentageOfNodesToScore;
    const found = profile.findNodes(cycle, info, this.#nextStart % nodeCount, percentage, skipNominated);
    this.#nextStart = (this.#nextStart + found.processed) % nodeCount;
    return found;
  }

  #makeGroupCycle(): PodGroupCycle {
    const { clock, random, log } = this.#deps.context;
    return new PodGroupCycle({
      cache: this.cache,
      queue: this.queue,
      extenders: this.#extenders,
      random,
      log,
      now: () => clock.monotonic(),
      profileOf: (name) => this.#profiles.get(name),
      search: (cycle, { info }, profile) => this.#search(cycle, info, profile),
      isSkipped: (queued) => this.#isSkipped(queued),
      bind: (...decided) => this.#permit(...decided),
      refused: (...given) => this.#refused(...given),
      rejected: (queued, profile, startedAt, message, plugin, nodeName) =>
        this.#failed(queued, profile, startedAt, 'unschedulable', message, new Set([plugin]), noPlugins, { nodeName }),
      unfit: (queued, profile, startedAt, diagnosis, nodeName) =>
        this.#rejected(queued, profile, startedAt, diagnosis, this.cache.nodes.nodeCount, { nodeName }),
      errored: (...given) => this.#errored(...given),
      explain: (choice) => this.#explain(choice),
      explained: (info, explanation) => this.#deps.explanations?.add(info.key, explanation),
      attempted: (...told) => this.#metrics.groupAttempt(...told),
    });
  }

  /** No other pod is attempted before `work` is done, which never rejects. */
  #waitFor(work: Promise<void>): Promise<void> {
    this.#asking = true;
    return work.finally(() => {
      this.#asking = false;
      this.#askTurn();
    });
  }

  /** Pods that are decided already or on their way out are not attempted. */
  #isSkipped({ info }: QueuedPod): boolean {
    if (!this.cache.isAssumed(info.uid) && !info.terminating) return false;
    if (info.terminating) {
      this.#event(info, 'Warning', 'FailedScheduling', `skip schedule deleting pod: ${info.key}`, 'Scheduling');
    }
    this.queue.done(info.uid);
    return true;
  }

  /** Picks one of the rows that fit, with what extenders added to their scores, and places the pod there. */
  #decide(
    queued: QueuedPod,
    profile: Profile,
    cycle: Cycle,
    startedAt: number,
    rows: Int32Array,
    count: number,
    evaluated: number,
    added?: ReadonlyMap<string, number>,
    rejected?: ExtenderRound['rejected'],
  ): void {
    const { info } = queued;
    const { nodes } = this.cache;
    let row = rows[0]!;
    if (count > 1) {
      const totals = profile.score(cycle, info, rows, count);
      if (!(totals instanceof Float64Array)) {
        this.#errored(queued, profile, startedAt, totals);
        return;
      }
      if (added?.size) for (let i = 0; i < count; i++) totals[i]! += added.get(nodes.names[rows[i]!]!) ?? 0;
      row = selectRow(rows, count, totals, this.#deps.context.random);
    }
    const nodeName = nodes.names[row]!;
    const explanation = this.#explain({ profile, cycle, info, rows, count, evaluated, nodeName, added, rejected });
    if (explanation) this.#deps.explanations!.add(info.key, explanation);
    this.#deps.onAttempt?.({
      pod: info,
      profile: profile.name,
      nodeName,
      diagnosis: undefined,
      message: undefined,
      feasible: count,
      evaluated,
    });
    this.#place(queued, profile, cycle, nodeName, startedAt);
  }

  /** Why the node was chosen, while that is recorded. */
  #explain(choice: Choice): AttemptExplanation | undefined {
    const { explanations, context } = this.#deps;
    if (!explanations?.recording) return undefined;
    return explainChoice(explanations, this.cache.nodes, context.clock.now(), choice);
  }

  /** Extenders filter and score what plugins left. Never rejects. */
  async #askExtenders(
    queued: QueuedPod,
    profile: Profile,
    cycle: Cycle,
    startedAt: number,
    { rows, count, processed, nominated }: Found,
    asked: readonly Extender[],
  ): Promise<void> {
    this.#asking = true;
    const { nodes } = this.cache;
    const { pod } = queued.info;
    const { log } = this.#deps.context;
    const fit = Array.from(rows.subarray(0, count), (row) => nodes.nodes[row]!);
    try {
      const { left, rejected, added, error } = await askExtenders(asked, pod, fit, log);
      if (error) {
        this.#errored(queued, profile, startedAt, errorVerdict(error));
        return;
      }
      // Nodes may have gone while somebody was thinking.
      const fitting = Int32Array.from(
        left.map(({ metadata }) => nodes.rowOf(metadata?.name ?? '')).filter((row) => row >= 0),
      );
      if (fitting.length > 0) {
        this.#decide(queued, profile, cycle, startedAt, fitting, fitting.length, processed, added, rejected);
        return;
      }
      if (nominated) {
        await this.#look(queued, profile, new Cycle(), startedAt, true);
        return;
      }
      const diagnosis = diagnoseExtenders(profile, cycle, queued.info, processed, nodes, rejected);
      await this.#unschedulable(queued, profile, cycle, startedAt, diagnosis, processed);
    } finally {
      this.#asking = false;
      this.#askTurn();
    }
  }

  #place(queued: QueuedPod, profile: Profile, cycle: Cycle, nodeName: string, startedAt: number): void {
    const { info } = queued;
    this.cache.assume(info, nodeName);
    const reserved = profile.reserve(cycle, info, nodeName);
    if (reserved) {
      this.#retract(queued, profile, cycle, nodeName);
      this.#refused(queued, profile, startedAt, reserved);
    } else this.#permit(queued, profile, cycle, nodeName, startedAt);
  }

  /** Goes on with a pod that is assumed and reserved. */
  #permit(queued: QueuedPod, profile: Profile, cycle: Cycle, nodeName: string, startedAt: number): void {
    const { refused, waits } = runPermit(profile, cycle, queued.info, nodeName);
    if (refused) {
      this.#retract(queued, profile, cycle, nodeName);
      this.#refused(queued, profile, startedAt, refused);
      return;
    }
    this.#metrics.algorithm((this.#deps.context.clock.monotonic() - startedAt) / 1000);
    this.#bindings++;
    void this.#bind(queued, profile, cycle, nodeName, startedAt, waits);
  }

  /** The binding cycle. Never rejects. */
  async #bind(
    queued: QueuedPod,
    profile: Profile,
    cycle: Cycle,
    nodeName: string,
    startedAt: number,
    waits: readonly PermitWait[],
  ): Promise<void> {
    const { info } = queued;
    const permitted = waits.length > 0 ? this.#waiting.wait(info.uid, waits) : undefined;
    if (permitted || profile.preBindNeeded(cycle, info, nodeName)) await this.#expect(info, nodeName);
    const waitingFrom = permitted ? this.#deps.context.clock.monotonic() : 0;
    const given = permitted ? await permitted : undefined;
    if (permitted) {
      const waited = (this.#deps.context.clock.monotonic() - waitingFrom) / 1000;
      this.#metrics.permitWait(given?.code ?? Code.Success, waited);
    }
    // From here on no cluster event can make a difference to this attempt.
    if (!given) this.queue.done(info.uid);
    const failure = given ?? (await bindPod(profile, this.#extenders, cycle, info, nodeName));
    this.#bindings--;
    if (failure) {
      this.#retract(queued, profile, cycle, nodeName);
      // What the pod had taken is free again, as if it had been deleted; that is no reason to try a rejected pod itself again.
      const rejected = isRejected(failure);
      const freed = (only?: (other: PodInfo) => boolean) =>
        this.queue.move(events.assignedPodDelete, info.pod, undefined, only);
      if (!rejected) freed();
      this.#refused(queued, profile, startedAt, failure);
      if (rejected) freed((other) => other.uid !== info.uid);
    } else {
      this.#expected.delete(info.uid);
      const { clock } = this.#deps.context;
      this.#status?.drop(info.uid);
      this.#metrics.attempt('scheduled', profile.name, (clock.monotonic() - startedAt) / 1000);
      this.#metrics.bound(queued.attempts, (clock.now() - (queued.firstAttemptAtMs ?? clock.now())) / 1000);
      this.#event(info, 'Normal', 'Scheduled', `Successfully assigned ${info.key} to ${nodeName}`, 'Binding');
      if (queued.flushed) this.#metrics.boundAfterFlush();
      profile.postBind(cycle, info, nodeName);
    }
    this.#askTurn();
  }

  /** Tells others where the pod will go, when it takes a while until it is bound (KEP-5278). */
  async #expect(info: PodInfo, nodeName: string): Promise<void> {
    if (!this.#status || !this.#deps.configuration.featureGates.enabled('NominatedNodeNameForExpectation')) return;
    if (info.pod.status?.nominatedNodeName === nodeName) return;
    this.#expected.add(info.uid);
    await this.#status.writeNow(info, { nominatedNodeName: nodeName });
  }

  #retract(queued: QueuedPod, profile: Profile, cycle: Cycle, nodeName: string): void {
    profile.unreserve(cycle, queued.info, nodeName);
    this.cache.forget(queued.info);
  }

  /** A verdict after a node had been chosen: a rejection counts as "0/1 nodes". */
  #refused(queued: QueuedPod, profile: Profile, startedAt: number, given: Verdict): void {
    if (!isRejected(given)) {
      this.#errored(queued, profile, startedAt, given);
      return;
    }
    const message = `0/1 nodes are available: ${given.reasons.map((reason) => `1 ${reason}`).join(', ')}.`;
    const plugins = new Set(given.plugin === undefined ? [] : [given.plugin]);
    const pending = given.code === Code.Pending;
    this.#failed(
      queued,
      profile,
      startedAt,
      'unschedulable',
      message,
      pending ? noPlugins : plugins,
      pending ? plugins : noPlugins,
      clearNomination,
    );
  }

  #errored(queued: QueuedPod, profile: Profile, startedAt: number, given: Verdict): void {
    const message = verdictMessage(given);
    this.#deps.context.log.warn('scheduling failed', { pod: queued.info.key, error: message });
    this.#failed(queued, profile, startedAt, 'error', message, noPlugins, noPlugins, clearNomination);
  }

  /** No node fits: PostFilter may make room. */
  #unschedulable(
    queued: QueuedPod,
    profile: Profile,
    cycle: Cycle,
    startedAt: number,
    diagnosis: Diagnosis,
    evaluated: number,
  ): Promise<void> | undefined {
    if (profile.sets.postFilter.length === 0) {
      this.#rejected(queued, profile, startedAt, diagnosis, evaluated, clearNomination);
      return undefined;
    }
    const settle = (answer: PostFilterAnswer) => {
      diagnosis.postFilterMessage = verdictMessage(answer.verdict);
      const nomination = { nodeName: answer.nominatedNodeName };
      this.#rejected(queued, profile, startedAt, diagnosis, evaluated, nomination);
    };
    const answer = profile.postFilter(cycle, queued.info, diagnosis);
    if (!(answer instanceof Promise)) {
      settle(answer);
      return undefined;
    }
    return this.#waitFor(answer.then(settle));
  }

  #rejected(
    queued: QueuedPod,
    profile: Profile,
    startedAt: number,
    diagnosis: Diagnosis,
    evaluated: number,
    nomination: Nomination,
  ): void {
    const message = diagnosis.message();
    const { explanations } = this.#deps;
    if (explanations?.recording) {
      const { nodes } = this.cache;
      const common = { atMs: this.#deps.context.clock.now(), profile: profile.name, nodesLookedAt: evaluated };
      explanations.add(queued.info.key, { ...common, message, ...explainedNodes(explanations, nodes, diagnosis, []) });
    }
    this.#deps.onAttempt?.({
      pod: queued.info,
      profile: profile.name,
      nodeName: undefined,
      diagnosis,
      message,
      feasible: 0,
      evaluated,
    });
    const { unschedulablePlugins, pendingPlugins } = diagnosis;
    this.#failed(
      queued,
      profile,
      startedAt,
      'unschedulable',
      message,
      unschedulablePlugins,
      pendingPlugins,
      nomination,
    );
  }

  #failed(
    queued: QueuedPod,
    profile: Profile,
    startedAt: number,
    result: AttemptResult,
    message: string,
    unschedulablePlugins: ReadonlySet<string>,
    pendingPlugins: ReadonlySet<string>,
    nomination: Nomination,
  ): void {
    const { clock } = this.#deps.context;
    this.#metrics.attempt(result, profile.name, (clock.monotonic() - startedAt) / 1000);
    const info = this.cache.stillPending(queued.info);
    if (!info) {
      this.queue.done(queued.info.uid);
      return;
    }
    queued.info = info;
    this.queue.addUnschedulable(queued, unschedulablePlugins, pendingPlugins);
    if (nomination.nodeName === '') this.cache.nominator.remove(info.uid);
    else if (nomination.nodeName !== undefined) this.cache.nominator.nominate(info, nomination.nodeName);
    const note = message.length > noteMax ? `${message.slice(0, noteMax - 4)} ...` : message;
    this.#event(info, 'Warning', 'FailedScheduling', note, 'Scheduling');
    this.#writeFailure(info, result === 'error' ? 'SchedulerError' : 'Unschedulable', message, nomination);
  }

  #writeFailure(info: PodInfo, reason: string, message: string, nomination: Nomination): void {
    if (!this.#status) return;
    const condition = { type: 'PodScheduled', status: 'False', reason, message };
    const patch = conditionPatch(info.pod, condition, this.#deps.context.clock.now());
    const written = info.pod.status?.nominatedNodeName ?? '';
    const { nodeName } = nomination;
    // What was written while it was being bound may not have come back yet.
    const expected = this.#expected.delete(info.uid);
    const renominated = nodeName !== undefined && (expected || nodeName !== written);
    if (!patch && !renominated) return;
    this.#status.write(info, {
      ...patch,
      ...(renominated ? { nominatedNodeName: nodeName === '' ? null : nodeName } : {}),
    });
  }

  #secondsSince(startedMs: number): number {
    return (this.#deps.context.clock.monotonic() - startedMs) / 1000;
  }

  #nominate(info: PodInfo, nodeName: string): void {
    if (nodeName === '') this.cache.nominator.remove(info.uid);
    else this.cache.nominator.nominate(info, nodeName);
    this.#status?.write(info, { nominatedNodeName: nodeName === '' ? null : nodeName });
  }

  #event(info: PodInfo, type: 'Normal' | 'Warning', reason: string, message: string, action: string): void {
    const { namespace, name, uid, pod } = info;
    const resourceVersion = pod.metadata?.resourceVersion;
    this.#deps.recorderOf?.(info.schedulerName).event(
      {
        kind: 'Pod',
        apiVersion: 'v1',
        namespace,
        name,
        uid,
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      type,
      reason,
      message,
      { action },
    );
  }
}
