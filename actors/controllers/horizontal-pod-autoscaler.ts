/**
 * horizontal-pod-autoscaler-controller: every 15 s compares what pods use with what they should, and sets the replicas of the
 * target through its scale subresource. Usage comes from the resource metrics API (metrics.k8s.io) when one is served.
 *
 * @see kubernetes/pkg/controller/podautoscaler/horizontal.go
 */
import {
  type HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerCondition,
  isConflict,
  isNotFound,
  type MetricStatus,
  parseLabelSelector,
} from '../../src/api/index.ts';
import { horizontalPodAutoscalers, type KubernetesObject, keyOf, type Resource } from '../../src/client/index.ts';
import {
  boundReplicas,
  type ControllerDefinition,
  type ControllerDependencies,
  controllerMetrics,
  createMetricProposer,
  createResourceCatalog,
  keyFor,
  MetricFailure,
  messageOf,
  type Proposal,
  type Reconciler,
  type ScalingHistory,
  semanticallyEqual,
  splitKey,
  type TargetScale,
  timeText,
} from '../../src/controller/index.ts';

const syncPeriodMs = 15_000;
const firstLookMs = 1_000;
const scaleAttempts = 5;

export const horizontalPodAutoscalerController: ControllerDefinition = {
  name: 'horizontal-pod-autoscaler-controller',
  queue: 'horizontalpodautoscaler',
  emits: [
    'FailedGetResourceMetric',
    'FailedGetContainerResourceMetric',
    'FailedGetPodsMetric',
    'FailedGetObjectMetric',
    'FailedGetExternalMetric',
    'InvalidMetricSourceType',
    'SelectorRequired',
    'InvalidSelector',
    'AmbiguousSelector',
  ],
  component: 'horizontal-pod-autoscaler',
  serviceAccount: 'horizontal-pod-autoscaler',
  create: createReconciler,
};

/** What becomes of a number of replicas, in the words of the metrics. */
function actionOf(current: number, next: number): 'scale_up' | 'scale_down' | 'none' {
  if (next > current) return 'scale_up';
  return next < current ? 'scale_down' : 'none';
}

/** `apps` of `apps/v1`, and nothing of `v1`. */
const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');

interface Scale extends KubernetesObject {
  spec?: { replicas?: number };
  status?: { replicas?: number; selector?: string };
}

/** The target's pods cannot be told, so that no metric was looked at. */
class SelectorFailure extends Error {}

/** What one pass found out; written as the status at its end. */
interface Pass {
  readonly autoscaler: HorizontalPodAutoscaler;
  conditions: HorizontalPodAutoscalerCondition[];
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events } = dependencies;
  const { clock, log } = context;
  const metrics = controllerMetrics(context.metrics, 'horizontal_pod_autoscaler_controller_');
  const lister = dependencies.lister(horizontalPodAutoscalers);
  const catalog = createResourceCatalog(dependencies);
  const { podsOf, propose } = createMetricProposer(client, catalog, clock);
  const histories = new Map<string, ScalingHistory>();
  context.metrics.beforeRead(() => {
    const name = 'horizontal_pod_autoscaler_controller_num_horizontal_pod_autoscalers';
    metrics.set(name, [], lister.list().length);
  });
  /** Selectors of the targets, as far as they were looked at, by the autoscaler's key. */
  const selectors = new Map<string, string>();
  dependencies.observe(horizontalPodAutoscalers, (change) => {
    // Its own status writes change nothing that it looks at.
    if (change.type === 'updated' && semanticallyEqual(change.object.spec, change.previous.spec)) return;
    // The first look waits a moment, as upstream's waits for its period: the target may be as new as the autoscaler.
    if (change.type === 'added') dependencies.enqueueAfter(keyFor(change.object), firstLookMs);
    else dependencies.enqueue(keyFor(change.object));
  });

  function setCondition(pass: Pass, type: string, status: string, reason: string, message: string): void {
    const current = pass.conditions.find((condition) => condition.type === type);
    const lastTransitionTime = current?.status === status ? current.lastTransitionTime : timeText(clock.now());
    const next = { type, status, lastTransitionTime, reason, message };
    pass.conditions =
      current === undefined
        ? [...pass.conditions, next]
        : pass.conditions.map((condition) => (condition === current ? next : condition));
  }

  function refuse(pass: Pass, eventReason: string, conditionReason: string, told: string, message = told): never {
    events.event(pass.autoscaler, 'Warning', eventReason, told);
    setCondition(pass, 'ScalingActive', 'False', conditionReason, message);
    throw new SelectorFailure(told);
  }

  /** Two autoscalers of the same pods would pull them apart: neither acts. @throws SelectorFailure */
  async function assertSelector(pass: Pass, selector: string): Promise<void> {
    const { autoscaler } = pass;
    const { namespace = '', name = '' } = autoscaler.metadata ?? {};
    const missing = "the HPA target's scale is missing a selector";
    if (selector === '') refuse(pass, 'SelectorRequired', 'InvalidSelector', 'selector is required', missing);
    try {
      parseLabelSelector(selector);
    } catch (error) {
      const text = `couldn't convert selector into a corresponding internal selector object: ${messageOf(error)}`;
      refuse(pass, 'InvalidSelector', 'InvalidSelector', text);
    }
    selectors.set(keyFor(autoscaler), selector);
    const neighbours = lister.list(namespace).filter((other) => selectors.has(keyFor(other)));
    if (neighbours.length < 2) return;
    const controlled = await podsOf(namespace, selector);
    const rivals = neighbours
      .filter((other) => {
        const theirs = parseLabelSelector(selectors.get(keyFor(other)) ?? '');
        return other.metadata?.name === name || controlled.some((pod) => theirs.matches(pod.metadata?.labels));
      })
      .map((other) => other.metadata?.name ?? '')
      .sort();
    if (controlled.length === 0 || rivals.length < 2) return;
    const keys = rivals.map((rival) => `{${rival} ${namespace}}`).join(' ');
    const message = `pods by selector ${selector} are controlled by multiple HPAs: [${keys}]`;
    refuse(pass, 'AmbiguousSelector', 'AmbiguousSelector', message);
  }

  /** The largest of the proposals of all metrics, and whether all gave one. @throws Error when they do not allow a decision */
  async function proposeAll(
    pass: Pass,
    scale: TargetScale,
    statuses: MetricStatus[],
  ): Promise<{ readonly best: Proposal; readonly complete: boolean }> {
    const { autoscaler } = pass;
    const asked = autoscaler.spec.metrics ?? [];
    const shown = autoscaler.status?.currentReplicas ?? 0;
    await assertSelector(pass, scale.selector);
    let best: Proposal | undefined;
    let firstFailure: MetricFailure | undefined;
    let failures = 0;
    for (const metric of asked) {
      const beganMs = clock.monotonic();
      const measured = (outcome: readonly string[]) => {
        const labels = [...outcome, metric.type];
        metrics.count('horizontal_pod_autoscaler_controller_metric_computation_total', labels);
        const seconds = (clock.monotonic() - beganMs) / 1000;
        metrics.observe('horizontal_pod_autoscaler_controller_metric_computation_duration_seconds', labels, seconds);
      };
      try {
        const proposal = await propose(autoscaler, metric, scale);
        measured([actionOf(shown, proposal.replicas), 'none']);
        statuses.push(proposal.status);
        // One that proposes none at all gives way to whatever comes after it.
        if (best === undefined || best.replicas === 0 || proposal.replicas > best.replicas) best = proposal;
      } catch (error) {
        if (!(error instanceof MetricFailure)) throw error;
        measured(['none', 'internal']);
        events.event(autoscaler, 'Warning', error.reason, error.detail);
        statuses.push({ type: '' });
        firstFailure ??= error;
        failures++;
      }
    }
    if (best === undefined || (failures > 0 && best.replicas < scale.specReplicas)) {
      const message = `the HPA was unable to compute the replica count: ${firstFailure?.detail}`;
      setCondition(pass, 'ScalingActive', 'False', firstFailure?.reason ?? '', message);
      throw new Error(
        `invalid metrics (${failures} invalid out of ${asked.length}), first error is: ${firstFailure?.message}`,
      );
    }
    const message = `the HPA was able to successfully calculate a replica count from ${best.name}`;
    setCondition(pass, 'ScalingActive', 'True', 'ValidMetricFound', message);
    return { best, complete: failures === 0 };
  }

  async function write(pass: Pass, changes: Partial<HorizontalPodAutoscaler['status']> & object): Promise<void> {
    const { autoscaler } = pass;
    const { lastScaleTime, desiredReplicas = 0, currentReplicas, currentMetrics } = autoscaler.status ?? {};
    const status = { lastScaleTime, currentReplicas, desiredReplicas, currentMetrics, ...changes };
    const next = { ...status, conditions: pass.conditions } as NonNullable<HorizontalPodAutoscaler['status']>;
    // None are not stored: they would look like a change at each pass.
    if (next.currentReplicas === 0) delete next.currentReplicas;
    if (semanticallyEqual(autoscaler.status, next)) return;
    try {
      await client.update(horizontalPodAutoscalers, { ...autoscaler, status: next }, { subresource: 'status' });
    } catch (error) {
      if (isNotFound(error)) return;
      events.event(autoscaler, 'Warning', 'FailedUpdateStatus', messageOf(error));
      throw error;
    }
  }

  /** Of a pass that has failed already: what comes of its status is merely reported. */
  async function writeFailure(pass: Pass, changes: Partial<HorizontalPodAutoscaler['status']> & object): Promise<void> {
    try {
      await write(pass, changes);
    } catch (error) {
      report(keyFor(pass.autoscaler), error);
    }
  }

  function report(key: string, error: unknown): void {
    if (context.signal.aborted) throw error;
    log.debug('autoscaler not reconciled', { key, error: messageOf(error) });
  }

  async function scaleOf(autoscaler: HorizontalPodAutoscaler): Promise<{ resource: Resource; scale: Scale }> {
    const { apiVersion = '', kind, name } = autoscaler.spec.scaleTargetRef;
    const resource = catalog.byGroupKind(groupOf(apiVersion), kind);
    if (resource === undefined) {
      throw new Error(`no matches for kind "${kind}" in group "${groupOf(apiVersion)}"`);
    }
    const key = { namespace: autoscaler.metadata?.namespace, name: `${name}` };
    const scale = (await client.get(resource, key, { subresource: 'scale' })) as Scale;
    return { resource, scale };
  }

  /** Gives what came of it in the words of the metrics: what was done, and what was wrong. */
  async function sync(key: string, autoscaler: HorizontalPodAutoscaler): Promise<readonly [string, string]> {
    const pass: Pass = { autoscaler, conditions: [...(autoscaler.status?.conditions ?? [])] };
    let found: { resource: Resource; scale: Scale };
    try {
      found = await scaleOf(autoscaler);
    } catch (error) {
      const text = messageOf(error);
      events.event(autoscaler, 'Warning', 'FailedGetScale', text);
      const message = `the HPA controller was unable to get the target's current scale: ${text}`;
      setCondition(pass, 'AbleToScale', 'False', 'FailedGetScale', message);
      await writeFailure(pass, {});
      return ['none', 'internal'];
    }
    const got = "the HPA controller was able to get the target's current scale";
    setCondition(pass, 'AbleToScale', 'True', 'SucceededGetScale', got);
    const { spec = {}, status = {} } = found.scale;
    const current = spec.replicas ?? 0;
    const { maxReplicas, minReplicas = 1 } = autoscaler.spec;
    const history = histories.get(key) ?? {
      recommendations: [{ timeMs: clock.now(), replicas: current }],
      ups: [],
      downs: [],
    };
    histories.set(key, history);
    const statuses: MetricStatus[] = [];
    let desired = current;
    let reason = '';
    let measured: 'not' | 'in part' | 'all' = 'not';
    if (current === 0 && minReplicas !== 0) {
      const message = 'scaling is disabled since the replica count of the target is zero';
      setCondition(pass, 'ScalingActive', 'False', 'ScalingDisabled', message);
      desired = 0;
    } else if (current > maxReplicas) {
      reason = 'Current number of replicas above Spec.MaxReplicas';
      desired = maxReplicas;
    } else if (current < minReplicas) {
      reason = 'Current number of replicas below Spec.MinReplicas';
      desired = minReplicas;
    } else {
      let best: Proposal;
      const { replicas: statusReplicas = 0, selector = '' } = status;
      try {
        const proposed = await proposeAll(pass, { specReplicas: current, statusReplicas, selector }, statuses);
        best = proposed.best;
        measured = proposed.complete ? 'all' : 'in part';
      } catch (error) {
        const currentMetrics = error instanceof SelectorFailure ? undefined : statuses;
        await writeFailure(pass, { currentReplicas: current, currentMetrics });
        events.event(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', messageOf(error));
        return ['none', 'internal'];
      }
      if (best.replicas > current) reason = `${best.name} above target`;
      if (best.replicas < current) reason = 'All metrics below target';
      const bounded = boundReplicas(autoscaler, history, current, best.replicas, clock.now());
      for (const verdict of bounded.verdicts) {
        setCondition(pass, verdict.type, verdict.status, verdict.reason, verdict.message);
      }
      desired = bounded.replicas;
    }
    const rescale = desired !== current;
    const currentMetrics = measured === 'not' ? undefined : statuses;
    if (rescale && !(await rescaleTo(pass, found, { desired, reason, currentMetrics }, history))) {
      return ['none', 'internal'];
    }
    const { namespace = '', name = '' } = autoscaler.metadata ?? {};
    metrics.set('horizontal_pod_autoscaler_controller_desired_replicas', [namespace, name], desired);
    await write(pass, {
      currentReplicas: current,
      desiredReplicas: desired,
      // Without a look at the metrics there is no list at all.
      currentMetrics,
      ...(rescale ? { lastScaleTime: timeText(clock.now()) } : {}),
    });
    return [actionOf(current, desired), measured === 'in part' ? 'internal' : 'none'];
  }

  /** The target's own controller writes it, too: a lost race is run again. */
  async function updateScale(resource: Resource, scale: Scale, replicas: number): Promise<void> {
    let newest = scale;
    for (let attempt = 1; ; attempt++) {
      try {
        await client.update(resource, { ...newest, spec: { ...newest.spec, replicas } } as Scale, {
          subresource: 'scale',
        });
        return;
      } catch (error) {
        if (!isConflict(error) || attempt === scaleAttempts) throw error;
        newest = (await client.get(resource, keyOf(scale), { subresource: 'scale' })) as Scale;
      }
    }
  }

  /** False when the target could not be written. */
  async function rescaleTo(
    pass: Pass,
    target: { readonly resource: Resource; readonly scale: Scale },
    change: { readonly desired: number; readonly reason: string; readonly currentMetrics: MetricStatus[] | undefined },
    history: ScalingHistory,
  ): Promise<boolean> {
    const { autoscaler } = pass;
    const { desired, reason, currentMetrics } = change;
    const current = target.scale.spec?.replicas ?? 0;
    try {
      await updateScale(target.resource, target.scale, desired);
    } catch (error) {
      const text = messageOf(error);
      events.event(autoscaler, 'Warning', 'FailedRescale', `New size: ${desired}; reason: ${reason}; error: ${text}`);
      const message = `the HPA controller was unable to update the target scale: ${text}`;
      setCondition(pass, 'AbleToScale', 'False', 'FailedUpdateScale', message);
      await writeFailure(pass, { currentReplicas: current, currentMetrics });
      return false;
    }
    const message = `the HPA controller was able to update the target scale to ${desired}`;
    setCondition(pass, 'AbleToScale', 'True', 'SucceededRescale', message);
    events.event(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${desired}; reason: ${reason}`);
    // Only rules ask what was done before.
    if (autoscaler.spec.behavior === undefined) return true;
    const nowMs = clock.now();
    const lately = ({ timeMs: momentMs }: { timeMs: number }) => momentMs > nowMs - 1_800_000;
    const list = desired > current ? 'ups' : 'downs';
    history[list] = [...history[list].filter(lately), { timeMs: nowMs, replicas: Math.abs(desired - current) }];
    return true;
  }

  return {
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const autoscaler = lister.get(namespace, name);
      if (autoscaler === undefined) {
        histories.delete(key);
        selectors.delete(key);
        return undefined;
      }
      const startedMs = clock.monotonic();
      // What went wrong is told, and tried again after the period: nobody is told of it more often than that.
      const outcome = await sync(key, autoscaler).catch((error: unknown) => {
        report(key, error);
        return ['none', 'internal'] as const;
      });
      metrics.count('horizontal_pod_autoscaler_controller_reconciliations_total', outcome);
      const tookSeconds = (clock.monotonic() - startedMs) / 1000;
      metrics.observe('horizontal_pod_autoscaler_controller_reconciliation_duration_seconds', outcome, tookSeconds);
      return { requeueAfterMs: syncPeriodMs, background: true };
    },
  };
}
