/**
 * deployment-controller: brings the ReplicaSets of a Deployment to what it asks for: rolling update or recreate, scaling in
 * proportion, pause and resume, revisions and their history, rollback, progress deadline, clean-up of old ReplicaSets.
 *
 * @see kubernetes/pkg/controller/deployment
 */
import {
  type Deployment,
  type DeploymentStatus,
  isAlreadyExists,
  isNotFound,
  type Pod,
  type PodTemplateSpec,
  type ReplicaSet,
  templateHash,
} from '../../src/api/index.ts';
import { deployments, keyOf, pods, type Resource, replicaSets } from '../../src/client/index.ts';
import {
  activeOrLatest,
  activeSets,
  actualReplicas,
  byCreation,
  type ControllerDefinition,
  type ControllerDependencies,
  calculateStatus,
  claim,
  conditionOf,
  controllerIndex,
  controllerIndexName,
  controllerOf,
  controllerReferenceTo,
  deploymentCondition,
  desiredReplicasOf,
  hasProgressDeadline,
  isComplete,
  isEmptySelector,
  isNamespaceTerminating,
  isPodFinished,
  isRollingUpdate,
  isSaturated,
  type Key,
  keyFor,
  lastRevision,
  manyWorkers,
  matcherOf,
  maxUnavailableOf,
  messageOf,
  needsReplicasAnnotations,
  newReplicaSetSize,
  orphansOf,
  progressCheckInMs,
  progressReasons,
  proportionalSizes,
  type ReconcileResult,
  type Reconciler,
  replicasOf,
  revisionAnnotation,
  revisionOf,
  rollbackRevisionOf,
  rolledBackTo,
  semanticallyEqual,
  setDeploymentRevision,
  setNewReplicaSetAnnotations,
  setReplicasAnnotations,
  setRolloutConditions,
  splitKey,
  totalReplicas,
  withCondition,
  withoutRollback,
} from '../../src/controller/index.ts';

const hashLabel = 'pod-template-hash';
const unlimitedHistory = 2_147_483_647;

export const deploymentController: ControllerDefinition = {
  name: 'deployment-controller',
  queue: 'deployment',
  emits: [
    'ReplicaSetCreateError',
    'DeploymentRollback',
    'DeploymentRollbackRevisionNotFound',
    'DeploymentRollbackTemplateUnchanged',
  ],
  reconciles: deployments,
  workers: manyWorkers,
  owns: [replicaSets],
  create: createReconciler,
};

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const deploymentLister = dependencies.lister(deployments);
  const replicaSetLister = dependencies.lister(replicaSets);
  dependencies.index(replicaSets, controllerIndexName, controllerIndex);

  // A Deployment that recreates waits for its old pods to be gone: their ends must wake it.
  const old = dependencies.parts(pods, 'namespace', ({ type, object }) => {
    if (type !== 'deleted' && !isPodFinished(object)) return;
    const key = deploymentKeyOf(object);
    const deployment =
      key === undefined ? undefined : deploymentLister.get(object.metadata?.namespace, splitKey(key).name);
    if (deployment !== undefined && recreates(deployment)) dependencies.enqueue(keyFor(deployment));
  });
  old.addIndex(controllerIndexName, controllerIndex);
  dependencies.observe(deployments, (change) => {
    const { namespace = '' } = change.object.metadata ?? {};
    const before = change.type === 'updated' ? change.previous : change.object;
    if (change.type === 'added' || !recreates(before)) return;
    if (!deploymentLister.list(namespace).some(recreates)) old.drop(namespace);
  });

  dependencies.observe(replicaSets, ({ type, object }) => {
    if (type === 'deleted' || controllerOf(object) !== undefined) return;
    for (const deployment of deploymentLister.list(object.metadata?.namespace)) {
      if (selects(deployment, object)) dependencies.enqueue(keyFor(deployment));
    }
  });

  function deploymentKeyOf(pod: Pod): Key | undefined {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return undefined;
    const replicaSet = replicaSetLister.get(pod.metadata?.namespace, owner.name);
    const deployment = replicaSet === undefined ? undefined : controllerOf(replicaSet);
    return deployment?.kind === 'Deployment' ? `${pod.metadata?.namespace}/${deployment.name}` : undefined;
  }

  return {
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      let cached = deploymentLister.get(namespace, name);
      if (cached !== undefined && recreates(cached)) {
        await old.want(namespace);
        cached = deploymentLister.get(namespace, name);
      }
      if (cached === undefined) return undefined;
      const candidates = [
        ...replicaSetLister.byIndex(controllerIndexName, cached.metadata?.uid ?? ''),
        ...replicaSetLister.byIndex(controllerIndexName, orphansOf(namespace)),
      ];
      const rollout = new Rollout(dependencies, cached, (set) =>
        old.lister.byIndex(controllerIndexName, set.metadata?.uid ?? ''),
      );
      return await rollout.sync(candidates);
    },
  };
}

const recreates = ({ spec }: Deployment): boolean => spec?.strategy?.type === 'Recreate';

function selects(deployment: Deployment, replicaSet: ReplicaSet): boolean {
  const { selector } = deployment.spec ?? {};
  return !isEmptySelector(selector) && matcherOf(selector)(replicaSet.metadata?.labels);
}

/** One reconcile of one Deployment: a working copy of it and of its ReplicaSets, and the steps that change them. */
class Rollout {
  readonly #dependencies: ControllerDependencies;
  /** Own copy: annotations and conditions are changed in it and written with the status. */
  readonly #deployment: Deployment;
  /** As it was read, to see what must be written. */
  readonly #original: Deployment;
  readonly #podsOf: (replicaSet: ReplicaSet) => readonly Pod[];
  #newSet: ReplicaSet | undefined;
  #oldSets: ReplicaSet[] = [];

  constructor(
    dependencies: ControllerDependencies,
    deployment: Deployment,
    podsOf: (replicaSet: ReplicaSet) => readonly Pod[],
  ) {
    this.#dependencies = dependencies;
    this.#original = deployment;
    this.#deployment = {
      ...deployment,
      metadata: { ...deployment.metadata, annotations: { ...deployment.metadata?.annotations } },
      status: { ...deployment.status },
    };
    this.#podsOf = podsOf;
  }

  get #all(): ReplicaSet[] {
    return this.#newSet === undefined ? this.#oldSets : [...this.#oldSets, this.#newSet];
  }

  async sync(candidates: readonly ReplicaSet[]): Promise<ReconcileResult | undefined> {
    const deployment = this.#deployment;
    if (isEmptySelector(deployment.spec?.selector)) {
      const message = 'This deployment is selecting all pods. A non-empty selector is required.';
      this.#dependencies.events.event(deployment, 'Warning', 'SelectingAll', message);
      await this.#writeStatus({ ...deployment.status, observedGeneration: deployment.metadata?.generation });
      return undefined;
    }
    const owned = await claim(
      {
        client: this.#dependencies.client,
        owner: deployment,
        ownerResource: deployments as Resource,
        ownedResource: replicaSets,
        matches: matcherOf(deployment.spec?.selector),
      },
      candidates,
    );
    this.#divide(owned);
    if (deployment.metadata?.deletionTimestamp !== undefined) {
      await this.#syncNewSet(false);
      await this.#writeStatus(this.#calculateStatus());
      return undefined;
    }
    this.#setPausedCondition();
    if (deployment.spec?.paused === true) {
      await this.#syncSize();
      return undefined;
    }
    const asked = rollbackRevisionOf(deployment);
    if (asked !== undefined) {
      await this.#rollBack(asked);
      return undefined;
    }
    if (this.#isScalingEvent()) {
      await this.#syncSize();
      return undefined;
    }
    if (isRollingUpdate(deployment)) await this.#rollOver();
    else await this.#recreate();
    return await this.#finish();
  }

  /** The new ReplicaSet is the oldest with the Deployment's template; all others are old. */
  #divide(owned: readonly ReplicaSet[]): void {
    const ordered = [...owned].sort(byCreation);
    const wanted = this.#deployment.spec?.template;
    this.#newSet = ordered.find((replicaSet) => sameTemplate(replicaSet, wanted));
    this.#oldSets = ordered.filter((replicaSet) => replicaSet !== this.#newSet);
  }

  #isScalingEvent(): boolean {
    return activeSets(this.#all).some((replicaSet) => {
      const desired = desiredReplicasOf(replicaSet);
      return desired !== undefined && desired !== replicasOf(this.#deployment);
    });
  }

  #setPausedCondition(): void {
    const deployment = this.#deployment;
    if (!hasProgressDeadline(deployment)) return;
    const current = conditionOf(deployment.status?.conditions, 'Progressing');
    if (current?.reason === progressReasons.timedOut) return;
    const paused = deployment.spec?.paused === true;
    const said = current?.reason === progressReasons.paused;
    if (paused && !said) this.#progress('Unknown', progressReasons.paused, 'Deployment is paused');
    else if (!paused && said) this.#progress('Unknown', progressReasons.resumed, 'Deployment is resumed');
  }

  #progress(status: 'True' | 'False' | 'Unknown', reason: string, message: string): void {
    const { clock } = this.#dependencies.context;
    const condition = deploymentCondition(clock, 'Progressing', status, reason, message);
    this.#deployment.status = {
      ...this.#deployment.status,
      conditions: withCondition(this.#deployment.status?.conditions, condition),
    };
  }

  /** Goes back to the template of an old revision, if there is one and it differs. What was asked for is done with either way. */
  async #rollBack(asked: bigint): Promise<void> {
    await this.#syncNewSet(true);
    const { client, events } = this.#dependencies;
    const deployment = this.#deployment;
    const warn = (reason: string, message: string) => events.event(deployment, 'Warning', reason, message);
    const revision = asked === 0n ? lastRevision(this.#all) : asked;
    const target = this.#all.find((replicaSet) => BigInt(revisionOf(replicaSet)) === revision);
    let wanted = deployment;
    if (revision === 0n) warn('DeploymentRollbackRevisionNotFound', 'Unable to find last revision.');
    else if (target === undefined) {
      warn('DeploymentRollbackRevisionNotFound', 'Unable to find the revision to rollback to.');
    } else if (sameTemplate(target, deployment.spec?.template)) {
      warn(
        'DeploymentRollbackTemplateUnchanged',
        `The rollback revision contains the same template as current deployment "${deployment.metadata?.name}"`,
      );
    } else wanted = rolledBackTo(deployment, target);
    await client.update(deployments, withoutRollback(wanted));
    if (wanted === deployment) return;
    const message = `Rolled back deployment "${deployment.metadata?.name}" to revision ${revision}`;
    events.event(deployment, 'Normal', 'DeploymentRollback', message);
  }

  /** Paused, or of a new size: changes sizes and starts no rollout. */
  async #syncSize(): Promise<void> {
    await this.#syncNewSet(false);
    await this.#scaleInProportion();
    const { spec } = this.#deployment;
    if (spec?.paused === true && rollbackRevisionOf(this.#deployment) === undefined) await this.#cleanUp();
    await this.#writeStatus(this.#calculateStatus());
  }

  async #scaleInProportion(): Promise<void> {
    const deployment = this.#deployment;
    const single = activeOrLatest(this.#newSet, this.#oldSets);
    if (single !== undefined) {
      await this.#scale(single, replicasOf(deployment));
      return;
    }
    if (isSaturated(deployment, this.#newSet)) {
      for (const replicaSet of activeSets(this.#oldSets)) await this.#scale(replicaSet, 0);
      return;
    }
    if (!isRollingUpdate(deployment)) return;
    for (const [replicaSet, size] of proportionalSizes(deployment, activeSets(this.#all))) {
      await this.#scale(replicaSet, size, { annotate: true });
    }
  }

  /** Sets a ReplicaSet's size; `annotate` also writes when only the annotations are behind. True when the size changed. */
  async #scale(replicaSet: ReplicaSet, size: number, options: { annotate?: boolean } = {}): Promise<boolean> {
    const { client, events } = this.#dependencies;
    const before = replicasOf(replicaSet);
    const annotate = options.annotate === true && needsReplicasAnnotations(replicaSet, this.#deployment);
    if (before === size && !annotate) return false;
    const changed: ReplicaSet = {
      ...replicaSet,
      metadata: { ...replicaSet.metadata, annotations: { ...replicaSet.metadata?.annotations } },
      spec: { ...replicaSet.spec, selector: replicaSet.spec?.selector ?? {}, replicas: size },
    };
    setReplicasAnnotations(changed, this.#deployment);
    this.#replace(replicaSet, await client.update(replicaSets, changed));
    if (before === size) return false;
    const direction = size > before ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${replicaSet.metadata?.name} from ${before} to ${size}`;
    events.event(this.#deployment, 'Normal', 'ScalingReplicaSet', message);
    return true;
  }

  /** Puts a written ReplicaSet in the place of the one that was read, so that later steps count with it. */
  #replace(before: ReplicaSet, after: ReplicaSet): void {
    if (this.#newSet === before) this.#newSet = after;
    else this.#oldSets = this.#oldSets.map((replicaSet) => (replicaSet === before ? after : replicaSet));
  }

  /** Gives the new ReplicaSet its revision and annotations; creates it when there is none and `create` says so. */
  async #syncNewSet(create: boolean): Promise<void> {
    const deployment = this.#deployment;
    const revision = this.#oldSets.reduce((most, replicaSet) => Math.max(most, revisionOf(replicaSet)), 0) + 1;
    if (this.#newSet === undefined) {
      if (create) await this.#createNewSet(revision);
      return;
    }
    const current = this.#newSet;
    const changed: ReplicaSet = {
      ...current,
      metadata: { ...current.metadata, annotations: { ...current.metadata?.annotations } },
      spec: { ...current.spec, selector: current.spec?.selector ?? {} },
    };
    let write = setNewReplicaSetAnnotations(deployment, changed, revision, true);
    const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
    if ((current.spec?.minReadySeconds ?? 0) !== minReadySeconds) {
      changed.spec = { ...changed.spec, selector: current.spec?.selector ?? {}, minReadySeconds };
      write = true;
    }
    if (write) this.#newSet = await this.#dependencies.client.update(replicaSets, changed);
    setDeploymentRevision(deployment, this.#newSet.metadata?.annotations?.[revisionAnnotation] ?? '');
    if (hasProgressDeadline(deployment) && conditionOf(deployment.status?.conditions, 'Progressing') === undefined) {
      this.#progress('True', progressReasons.found, `Found new replica set "${current.metadata?.name}"`);
    }
  }

  async #createNewSet(revision: number): Promise<void> {
    const { client, events } = this.#dependencies;
    const deployment = this.#deployment;
    const wanted = this.#newSetObject(revision);
    const name = wanted.metadata?.name ?? '';
    const size = replicasOf(wanted);
    try {
      this.#newSet = await client.create(replicaSets, wanted);
      if (size > 0) {
        const message = `Scaled up replica set ${name} from 0 to ${size}`;
        events.event(deployment, 'Normal', 'ScalingReplicaSet', message);
      }
      setDeploymentRevision(deployment, String(revision));
      if (hasProgressDeadline(deployment)) {
        this.#progress('True', progressReasons.created, `Created new replica set "${name}"`);
      }
    } catch (error) {
      if (isAlreadyExists(error)) await this.#resolveCollision(name, error);
      else {
        if (!isNamespaceTerminating(error)) await this.#reportCreateError(name, error);
        throw error;
      }
    }
  }

  #newSetObject(revision: number): ReplicaSet {
    const deployment = this.#deployment;
    const template = deployment.spec?.template ?? {};
    const hash = templateHash(template, deployment.status?.collisionCount);
    const labels = { ...template.metadata?.labels, [hashLabel]: hash };
    const { namespace = '', name = '' } = deployment.metadata ?? {};
    const { selector } = deployment.spec ?? {};
    const wanted: ReplicaSet = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels,
        annotations: {},
        ownerReferences: [controllerReferenceTo(deployment, deployments as Resource)],
      },
      spec: {
        replicas: 0,
        selector: { ...selector, matchLabels: { ...selector?.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    };
    const { minReadySeconds } = deployment.spec ?? {};
    if (minReadySeconds !== undefined) wanted.spec!.minReadySeconds = minReadySeconds;
    wanted.spec!.replicas = newReplicaSetSize(deployment, [...this.#oldSets, wanted], 0);
    setNewReplicaSetAnnotations(deployment, wanted, revision, false);
    return wanted;
  }

  /** The name is taken: by our own ReplicaSet that the cache did not show yet, or by one with another template. */
  async #resolveCollision(name: string, error: unknown): Promise<void> {
    const { client } = this.#dependencies;
    const deployment = this.#deployment;
    const namespace = deployment.metadata?.namespace;
    const existing = await client.get(replicaSets, { namespace, name });
    const ours = controllerOf(existing)?.uid === deployment.metadata?.uid;
    if (ours && sameTemplate(existing, deployment.spec?.template)) {
      this.#newSet = existing;
      setDeploymentRevision(deployment, existing.metadata?.annotations?.[revisionAnnotation] ?? '');
      return;
    }
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    await this.#writeStatus({ ...deployment.status, collisionCount });
    throw error;
  }

  async #reportCreateError(name: string, error: unknown): Promise<void> {
    const message = `Failed to create new replica set "${name}": ${messageOf(error)}`;
    this.#dependencies.events.event(this.#deployment, 'Warning', progressReasons.createError, message);
    if (!hasProgressDeadline(this.#deployment)) return;
    this.#progress('False', progressReasons.createError, message);
    await this.#writeStatus({ ...this.#deployment.status });
  }

  async #rollOver(): Promise<void> {
    await this.#syncNewSet(true);
    if (await this.#growNewSet()) return;
    if (await this.#shrinkOldSets()) return;
    if (isComplete(this.#deployment, this.#deployment.status ?? {})) await this.#cleanUp();
  }

  async #growNewSet(): Promise<boolean> {
    const newSet = this.#newSet;
    if (newSet === undefined) return false;
    const wanted = replicasOf(this.#deployment);
    const size = replicasOf(newSet);
    if (size === wanted) return false;
    return this.#scale(newSet, size > wanted ? wanted : newReplicaSetSize(this.#deployment, this.#all, size));
  }

  /** First the pods that are not available anyway, then as many of the others as may be missing. */
  async #shrinkOldSets(): Promise<boolean> {
    const active = activeSets(this.#oldSets);
    if (active.length === 0) return false;
    const least = replicasOf(this.#deployment) - maxUnavailableOf(this.#deployment);
    const newSet = this.#newSet;
    const newUnavailable = newSet === undefined ? 0 : replicasOf(newSet) - (newSet.status?.availableReplicas ?? 0);
    const most = totalReplicas(this.#all) - least - newUnavailable;
    if (most <= 0) return false;
    let unhealthy = 0;
    for (const replicaSet of active) {
      const size = replicasOf(replicaSet);
      const count = Math.min(most - unhealthy, size - (replicaSet.status?.availableReplicas ?? 0));
      if (count <= 0) continue;
      await this.#scale(replicaSet, size - count);
      unhealthy += count;
    }
    // A ReplicaSet that was just made smaller still reports the pods that it is about to delete: they are not there to spare.
    const staying = this.#all.map((set) => Math.min(replicasOf(set), set.status?.availableReplicas ?? 0));
    const surplus = staying.reduce((sum, available) => sum + available, 0) - least;
    let healthy = 0;
    for (const replicaSet of activeSets(this.#oldSets)) {
      const count = Math.min(surplus - healthy, replicasOf(replicaSet));
      if (count <= 0) break;
      await this.#scale(replicaSet, replicasOf(replicaSet) - count);
      healthy += count;
    }
    return unhealthy + healthy > 0;
  }

  async #recreate(): Promise<void> {
    await this.#syncNewSet(false);
    let shrunk = false;
    for (const replicaSet of activeSets(this.#oldSets)) shrunk = (await this.#scale(replicaSet, 0)) || shrunk;
    if (shrunk || this.#oldPodsRun()) return;
    if (this.#newSet === undefined) await this.#syncNewSet(true);
    else await this.#scale(this.#newSet, replicasOf(this.#deployment));
    if (isComplete(this.#deployment, this.#deployment.status ?? {})) await this.#cleanUp();
  }

  #oldPodsRun(): boolean {
    if (actualReplicas(this.#oldSets) > 0) return true;
    return this.#oldSets.some((replicaSet) => this.#podsOf(replicaSet).some((pod) => !isPodFinished(pod)));
  }

  /** Deletes the oldest unused ReplicaSets beyond the history limit. */
  async #cleanUp(): Promise<void> {
    const limit = this.#deployment.spec?.revisionHistoryLimit;
    if (limit === undefined || limit === unlimitedHistory) return;
    const alive = this.#oldSets.filter((replicaSet) => replicaSet.metadata?.deletionTimestamp === undefined);
    alive.sort((left, right) => revisionOf(left) - revisionOf(right));
    for (const replicaSet of alive.slice(0, Math.max(0, alive.length - limit))) {
      const { status, metadata } = replicaSet;
      const seen = (metadata?.generation ?? 0) <= (status?.observedGeneration ?? 0);
      if ((status?.replicas ?? 0) !== 0 || replicasOf(replicaSet) !== 0 || !seen) continue;
      try {
        await this.#dependencies.client.delete(replicaSets, keyOf(replicaSet));
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  #calculateStatus(): DeploymentStatus {
    return calculateStatus(this.#dependencies.context.clock, this.#deployment, this.#all, this.#newSet);
  }

  async #finish(): Promise<ReconcileResult | undefined> {
    const { clock } = this.#dependencies.context;
    const status = this.#calculateStatus();
    setRolloutConditions(clock, this.#deployment, status, this.#all, this.#newSet);
    await this.#writeStatus(status);
    const requeueAfterMs = progressCheckInMs(clock, this.#deployment, status);
    return requeueAfterMs === undefined ? undefined : { requeueAfterMs, background: true };
  }

  /** Writes status and the revision annotation, which the status subresource takes too, if either changed. */
  async #writeStatus(status: DeploymentStatus): Promise<void> {
    const before = this.#original;
    const same =
      semanticallyEqual(before.status, status) &&
      before.metadata?.annotations?.[revisionAnnotation] ===
        this.#deployment.metadata?.annotations?.[revisionAnnotation];
    if (same) return;
    const object: Deployment = { ...this.#deployment, status };
    const written = await this.#dependencies.client.update(deployments, object, { subresource: 'status', quiet: true });
    this.#deployment.metadata = { ...this.#deployment.metadata, resourceVersion: written.metadata?.resourceVersion };
  }
}

/** Equal but for the hash label. */
function sameTemplate(replicaSet: ReplicaSet, wanted: PodTemplateSpec | undefined): boolean {
  return semanticallyEqual(withoutHash(replicaSet.spec?.template), withoutHash(wanted));
}

function withoutHash(template: PodTemplateSpec = {}): PodTemplateSpec {
  const { [hashLabel]: _hash, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}
