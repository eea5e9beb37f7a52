/**
 * horizontal-pod-autoscaler-controller: every 15 s compares what pods use with what they should, and sets the replicas of the
 * target through its scale subresource. Usage comes from the resource metrics API (metrics.k8s.io) when one is served.
 *
 * @see kubernetes/pkg/controller/podautoscaler/horizontal.go
 */
import {
  type CrossVersionObjectReference,
  goSelector,
  type HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerCondition,
  isConflict,
  isNotFound,
  type MetricIdentifier,
  type MetricSpec,
  type MetricStatus,
  milliQuantityOf,
  type Pod,
  parseLabelSelector,
  quantityMilliValue,
} from '../../src/api/index.ts';
import {
  horizontalPodAutoscalers,
  type KubernetesObject,
  keyOf,
  type PodMetrics,
  podMetrics,
  pods,
  type Resource,
} from '../../src/client/index.ts';
import {
  boundReplicas,
  type ControllerDefinition,
  type ControllerDependencies,
  controllerMetrics,
  createResourceCatalog,
  externalMetricValue,
  isPodReady,
  keyFor,
  messageOf,
  objectMetricValue,
  type PodUsage,
  podMetricValues,
  type Reconciler,
  replicasForUsage,
  replicasForValue,
  type ScalingHistory,
  semanticallyEqual,
  splitKey,
  type Tolerances,
  timeMs,
  timeText,
} from '../../src/controller/index.ts';

const syncPeriodMs = 15_000;
const firstLookMs = 1_000;
const defaultTolerance = 0.1;
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
  ],
  component: 'horizontal-pod-autoscaler',
  serviceAccount: 'horizontal-pod-autoscaler',
  create: createReconciler,
};

/** `apps` of `apps/v1`, and nothing of `v1`. */
const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');

/** As Go prints a selector that may be absent. */
const selectorText = ({ selector }: MetricIdentifier): string =>
  selector === undefined ? 'nil' : goSelector(selector);

interface Scale extends KubernetesObject {
  spec?: { replicas?: number };
  status?: { replicas?: number; selector?: string };
}

/** Why a metric gave no number: the reason of the condition and the event, and the texts of both. */
class MetricFailure extends Error {
  constructor(
    readonly reason: string,
    /** Stands in the event and the condition. */
    readonly detail: string,
    message: string,
  ) {
    super(message);
  }
}

/** The target's pods cannot be told, so that no metric was looked at. */
class SelectorFailure extends Error {}

interface Proposal {
  readonly replicas: number;
  readonly name: string;
  readonly status: MetricStatus;
}

/** What one pass found out; written as the status at its end. */
interface Pass {
  readonly autoscaler: HorizontalPodAutoscaler;
  conditions: HorizontalPodAutoscalerCondition[];
}

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { client, context, events } = dependencies;
  const { clock } = context;
  const metrics = controllerMetrics(context.metrics, 'horizontal_pod_autoscaler_controller_');
  const lister = dependencies.lister(horizontalPodAutoscalers);
  const catalog = createResourceCatalog(dependencies);
  const histories = new Map<string, ScalingHistory>();
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

  function tolerancesOf({ spec: { behavior } }: HorizontalPodAutoscaler): Tolerances {
    const tolerance = (text: string | undefined) =>
      text === undefined ? defaultTolerance : quantityMilliValue(text) / 1000;
    return { up: tolerance(behavior?.scaleUp?.tolerance), down: tolerance(behavior?.scaleDown?.tolerance) };
  }

  async function usageOf(
    namespace: string,
    selector: string,
    resource: string,
    container: string | undefined,
  ): Promise<Map<string, PodUsage>> {
    const fetching = `unable to get metrics for resource ${resource}`;
    let items: PodMetrics[];
    try {
      items = (await client.list(podMetrics, { namespace, labelSelector: selector })).items;
    } catch (error) {
      const text = isNotFound(error)
        ? 'the server could not find the requested resource (get pods.metrics.k8s.io)'
        : messageOf(error);
      throw new Error(`${fetching}: unable to fetch metrics from resource metrics API: ${text}`);
    }
    if (items.length === 0) throw new Error(`${fetching}: no metrics returned from resource metrics API`);
    const usage = new Map<string, PodUsage>();
    for (const item of items) {
      const containers = (item.containers ?? []).filter(({ name }) => container === undefined || name === container);
      if (containers.length === 0 && container !== undefined) {
        const where = `container ${container} not present in metrics for pod ${keyFor(item)}`;
        throw new Error(`${fetching}: failed to get container metrics: ${where}`);
      }
      if (containers.length === 0 || containers.some((each) => each.usage[resource] === undefined)) continue;
      const milli = containers.reduce((sum, each) => sum + quantityMilliValue(each.usage[resource] ?? '0'), 0);
      const windowMs = Number.parseFloat(item.window ?? '60') * (item.window?.endsWith('m') ? 60_000 : 1000);
      usage.set(item.metadata?.name ?? '', { milli, timeMs: timeMs(item.timestamp), windowMs });
    }
    return usage;
  }

  async function fromResource(
    autoscaler: HorizontalPodAutoscaler,
    metric: MetricSpec,
    scale: Required<Pick<Scale, 'spec' | 'status'>>,
  ): Promise<Proposal> {
    const source = metric.type === 'Resource' ? metric.resource : metric.containerResource;
    if (source === undefined) throw new Error(`metric of type ${metric.type} without its source`);
    const { name, target } = source;
    const container = metric.containerResource?.container;
    const namespace = autoscaler.metadata?.namespace ?? '';
    const selector = scale.status.selector ?? '';
    const byUtilization = target.averageUtilization !== undefined;
    const what = byUtilization ? 'utilization' : 'usage';
    const kind = container === undefined ? 'Resource' : 'ContainerResource';
    try {
      const usage = await usageOf(namespace, selector, name, container);
      const outcome = replicasForUsage({
        pods: await podsOf(namespace, selector),
        usage,
        resource: name,
        container,
        target: byUtilization
          ? { type: 'Utilization', amount: target.averageUtilization ?? 0 }
          : { type: 'AverageValue', amount: quantityMilliValue(target.averageValue ?? '0') },
        currentReplicas: scale.spec.replicas ?? 0,
        tolerances: tolerancesOf(autoscaler),
        nowMs: clock.now(),
      });
      const averageValue = milliQuantityOf(outcome.averageMilli);
      const current = byUtilization ? { averageUtilization: outcome.utilization, averageValue } : { averageValue };
      const status: MetricStatus =
        container === undefined
          ? { type: 'Resource', resource: { name, current } }
          : { type: 'ContainerResource', containerResource: { name, container, current } };
      const label = container === undefined ? `${name} resource` : `${name} container resource`;
      const text = byUtilization ? `${label} utilization (percentage of request)` : `${name} resource`;
      return { replicas: outcome.replicas, name: text, status };
    } catch (error) {
      const detail = `failed to get ${name} ${what}: ${messageOf(error)}`;
      const label = container === undefined ? `${name} resource` : `${container} container`;
      throw new MetricFailure(`FailedGet${kind}Metric`, detail, `failed to get ${label} metric value: ${detail}`);
    }
  }

  /** Pods that could do work: what a ratio is multiplied with. */
  async function readyPodsOf(namespace: string, selector: string): Promise<number> {
    const ready = (pod: Pod) => pod.status?.phase === 'Running' && isPodReady(pod);
    const selected = await podsOf(namespace, selector);
    const unable = 'unable to calculate ready pods: no pods returned by selector while calculating replica count';
    if (selected.length === 0) throw new Error(unable);
    return selected.filter(ready).length;
  }

  /** Asked for every 15 s and autoscaler: following every pod of the cluster would cost more. */
  async function podsOf(namespace: string, labelSelector: string): Promise<Pod[]> {
    return (await client.list(pods, { namespace, labelSelector })).items;
  }

  /** @throws MetricFailure */
  async function fromCustom(
    autoscaler: HorizontalPodAutoscaler,
    metric: MetricSpec,
    type: 'Pods' | 'Object' | 'External',
    scale: Required<Pick<Scale, 'spec' | 'status'>>,
  ): Promise<Proposal> {
    const source = metric.pods ?? metric.object ?? metric.external;
    if (source === undefined) throw new Error(`metric of type ${type} without its source`);
    const namespace = autoscaler.metadata?.namespace ?? '';
    const selector = scale.status.selector ?? '';
    const tolerances = tolerancesOf(autoscaler);
    const { name } = source.metric;
    const fail = (detail: string, value: string): never => {
      throw new MetricFailure(`FailedGet${type}Metric`, detail, `failed to get ${value}: ${detail}`);
    };
    if (metric.pods !== undefined) {
      try {
        const outcome = replicasForUsage({
          usage: await podMetricValues(client, namespace, source.metric, selector).catch((error: unknown) => {
            throw new Error(`unable to get metric ${name}: ${messageOf(error)}`, { cause: error });
          }),
          pods: await podsOf(namespace, selector),
          resource: '',
          target: { type: 'AverageValue', amount: quantityMilliValue(source.target.averageValue ?? '0') },
          currentReplicas: scale.spec.replicas ?? 0,
          tolerances,
          nowMs: clock.now(),
        });
        const current = { averageValue: milliQuantityOf(outcome.averageMilli) };
        const status: MetricStatus = { type, pods: { metric: source.metric, current } };
        return { replicas: outcome.replicas, name: `pods metric ${name}`, status };
      } catch (error) {
        return fail(messageOf(error), 'pods metric value');
      }
    }
    const { describedObject } = metric.object ?? {};
    const average = source.target.averageValue !== undefined;
    const byAverage = `external metric ${name}(${selectorText(source.metric)})`;
    try {
      const milli = await customValueOf(namespace, source.metric, describedObject);
      const counts = {
        specReplicas: scale.spec.replicas ?? 0,
        statusReplicas: scale.status.replicas ?? 0,
        readyPods: () => readyPodsOf(namespace, selector),
      };
      const { replicas, averageMilli } = await replicasForValue(milli, source.target, counts, tolerances);
      const current =
        averageMilli === undefined
          ? { value: milliQuantityOf(milli) }
          : { averageValue: milliQuantityOf(averageMilli) };
      if (describedObject === undefined) {
        return { replicas, name: byAverage, status: { type, external: { metric: source.metric, current } } };
      }
      const status: MetricStatus = { type, object: { metric: source.metric, describedObject, current } };
      // Upstream calls an average over an object's metric external, too.
      return { replicas, name: average ? byAverage : `${describedObject.kind} metric ${name}`, status };
    } catch (error) {
      const kind = type.toLowerCase();
      const asked = average ? `${name} ${kind} metric` : `external metric ${name}`;
      if (describedObject === undefined)
        return fail(messageOf(error), `${name} external metric value: failed to get ${asked}`);
      return fail(messageOf(error), average ? `object metric value: failed to get ${asked}` : 'object metric value');
    }
  }

  /** Thousandths of the metric of an object, or without one of an external metric. @throws Error with upstream's text */
  async function customValueOf(
    namespace: string,
    metric: MetricIdentifier,
    object: CrossVersionObjectReference | undefined,
  ): Promise<number> {
    const { name } = metric;
    if (object === undefined) {
      return await externalMetricValue(client, namespace, metric).catch((error: unknown) => {
        const which = `${namespace}/${name}/${selectorText(metric)}`;
        throw new Error(`unable to get external metric ${which}: ${messageOf(error)}`, { cause: error });
      });
    }
    const read = async () => {
      const resource = resourceNameOf(object);
      return await objectMetricValue(client, resource, { namespace, name: object.name }, metric);
    };
    return await read().catch((error: unknown) => {
      // Upstream gives these in an order of which its text knows nothing.
      const where = `${object.kind} on ${namespace} ${object.name}/${messageOf(error)}`;
      throw new Error(`unable to get metric ${name}: ${where}`, { cause: error });
    });
  }

  /** `plural.group` of the kind that a reference names, as the custom metrics API has it. */
  function resourceNameOf({ apiVersion = '', kind }: CrossVersionObjectReference): string {
    const resource = catalog.byKind(apiVersion, kind);
    if (resource === undefined) throw new Error(`no matches for kind "${kind}" in version "${apiVersion}"`);
    return resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
  }

  /** @throws MetricFailure */
  async function propose(
    autoscaler: HorizontalPodAutoscaler,
    metric: MetricSpec,
    scale: Required<Pick<Scale, 'spec' | 'status'>>,
  ): Promise<Proposal> {
    switch (metric.type) {
      case 'Resource':
      case 'ContainerResource':
        return fromResource(autoscaler, metric, scale);
      case 'Pods':
      case 'Object':
      case 'External':
        return fromCustom(autoscaler, metric, metric.type, scale);
      default: {
        const detail = `unknown metric source type "${metric.type}"`;
        throw new MetricFailure('InvalidMetricSourceType', detail, detail);
      }
    }
  }

  /** Two autoscalers of the same pods would pull them apart: neither acts. @throws Error */
  async function assertAlone(pass: Pass, selector: string): Promise<void> {
    const { autoscaler } = pass;
    const { namespace = '', name = '' } = autoscaler.metadata ?? {};
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
    events.event(autoscaler, 'Warning', 'AmbiguousSelector', message);
    setCondition(pass, 'ScalingActive', 'False', 'AmbiguousSelector', message);
    throw new SelectorFailure(message);
  }

  /** The largest of the proposals of all metrics. @throws Error when the metrics do not allow a decision */
  async function proposeAll(pass: Pass, scale: Required<Pick<Scale, 'spec' | 'status'>>, statuses: MetricStatus[]) {
    const { autoscaler } = pass;
    const asked = autoscaler.spec.metrics ?? [];
    if ((scale.status.selector ?? '') === '') {
      events.event(autoscaler, 'Warning', 'SelectorRequired', 'selector is required');
      const message = "the HPA target's scale is missing a selector";
      setCondition(pass, 'ScalingActive', 'False', 'InvalidSelector', message);
      throw new SelectorFailure('selector is required');
    }
    await assertAlone(pass, scale.status.selector ?? '');
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
        const current = scale.spec.replicas ?? 0;
        const action = proposal.replicas > current ? 'scale_up' : proposal.replicas < current ? 'scale_down' : 'none';
        measured([action, 'none']);
        statuses.push(proposal.status);
        if (best === undefined || proposal.replicas > best.replicas) best = proposal;
      } catch (error) {
        if (!(error instanceof MetricFailure)) throw error;
        measured(['none', 'internal']);
        events.event(autoscaler, 'Warning', error.reason, error.detail);
        statuses.push({ type: '' });
        firstFailure ??= error;
        failures++;
      }
    }
    const current = scale.spec.replicas ?? 0;
    if (best === undefined || (failures > 0 && best.replicas < current)) {
      const message = `the HPA was unable to compute the replica count: ${firstFailure?.detail}`;
      setCondition(pass, 'ScalingActive', 'False', firstFailure?.reason ?? '', message);
      throw new Error(
        `invalid metrics (${failures} invalid out of ${asked.length}), first error is: ${firstFailure?.message}`,
      );
    }
    const message = `the HPA was able to successfully calculate a replica count from ${best.name}`;
    setCondition(pass, 'ScalingActive', 'True', 'ValidMetricFound', message);
    return best;
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
      await write(pass, {});
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
    let measured = false;
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
      try {
        best = await proposeAll(pass, { spec, status }, statuses);
      } catch (error) {
        const currentMetrics = error instanceof SelectorFailure ? undefined : statuses;
        await write(pass, { currentReplicas: current, currentMetrics });
        events.event(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', messageOf(error));
        return ['none', 'internal'];
      }
      measured = true;
      if (best.replicas > current) reason = `${best.name} above target`;
      if (best.replicas < current) reason = 'All metrics below target';
      const bounded = boundReplicas(autoscaler, history, current, best.replicas, clock.now());
      for (const verdict of bounded.verdicts) {
        setCondition(pass, verdict.type, verdict.status, verdict.reason, verdict.message);
      }
      desired = bounded.replicas;
    }
    const rescale = desired !== current;
    const currentMetrics = measured ? statuses : undefined;
    if (rescale) await rescaleTo(pass, found, { desired, reason, currentMetrics }, history);
    await write(pass, {
      currentReplicas: current,
      desiredReplicas: desired,
      // Without a look at the metrics there is no list at all.
      currentMetrics,
      ...(rescale ? { lastScaleTime: timeText(clock.now()) } : {}),
    });
    return [desired > current ? 'scale_up' : desired < current ? 'scale_down' : 'none', 'none'];
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

  async function rescaleTo(
    pass: Pass,
    target: { readonly resource: Resource; readonly scale: Scale },
    change: { readonly desired: number; readonly reason: string; readonly currentMetrics: MetricStatus[] | undefined },
    history: ScalingHistory,
  ): Promise<void> {
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
      await write(pass, { currentReplicas: current, currentMetrics });
      throw error;
    }
    const message = `the HPA controller was able to update the target scale to ${desired}`;
    setCondition(pass, 'AbleToScale', 'True', 'SucceededRescale', message);
    events.event(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${desired}; reason: ${reason}`);
    const nowMs = clock.now();
    const lately = ({ timeMs: momentMs }: { timeMs: number }) => momentMs > nowMs - 1_800_000;
    const list = desired > current ? 'ups' : 'downs';
    history[list] = [...history[list].filter(lately), { timeMs: nowMs, replicas: Math.abs(desired - current) }];
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
      const outcome = await sync(key, autoscaler).catch((error: unknown) => {
        metrics.count('horizontal_pod_autoscaler_controller_reconciliations_total', ['none', 'internal']);
        throw error;
      });
      metrics.count('horizontal_pod_autoscaler_controller_reconciliations_total', outcome);
      const tookSeconds = (clock.monotonic() - startedMs) / 1000;
      metrics.observe('horizontal_pod_autoscaler_controller_reconciliation_duration_seconds', outcome, tookSeconds);
      return { requeueAfterMs: syncPeriodMs, background: true };
    },
  };
}
