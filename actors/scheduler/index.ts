/** The kube-scheduler: an actor that watches pods and nodes through the API server and binds pods to nodes. */
import {
  createBusClient,
  createInformers,
  createLeaderElector,
  createSeriesRecorder,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  deviceClasses,
  deviceTaintRules,
  type Informer,
  type KubernetesObject,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  podGroups,
  pods,
  resourceClaims,
  resourceSlices,
  storageClasses,
  volumeAttachments,
} from '../../src/client/index.ts';
import { defineActor } from '../../src/runtime/index.ts';
import {
  Action,
  clusterEvent,
  type EventResource,
  Explanations,
  explainChannel,
  FeatureGates,
  parseConfiguration,
  Scheduler,
} from '../../src/scheduling/index.ts';
import { loadPlugins } from './plugin-modules.ts';
import { plugins } from './plugins/index.ts';

export { plugins } from './plugins/index.ts';

export interface SchedulerOptions {
  /** A KubeSchedulerConfiguration as parsed data; default: all of upstream's defaults. */
  readonly configuration?: unknown;
  /** Feature gates that are not to be as by default. */
  readonly featureGates?: Readonly<Record<string, boolean>>;
  /** Address of the API server's actor. Default `apiserver`. */
  readonly apiserver?: string;
  /** Records from the start why pods went where they went. Default false; it can be turned on later. */
  readonly explain?: boolean;
  /** Bindings under way at a time. Default 1024. */
  readonly bindingsMax?: number;
}

/** Pods that have ended hold nothing any more. */
const unfinished = 'status.phase!=Succeeded,status.phase!=Failed';

export const schedulerActor = defineActor<SchedulerOptions | undefined>({
  name: 'scheduler',
  module: import.meta.url,
  async start(context, options) {
    const { bus, clock, random, log, signal } = context;
    const featureGates = FeatureGates.from(options?.featureGates);
    for (const gate of featureGates.withoutEffect) log.warn('feature gate has no effect here', { gate });
    const configuration = parseConfiguration(options?.configuration, featureGates);
    const client = createBusClient(bus, {
      clock,
      batched: true,
      ...(options?.apiserver === undefined ? {} : { address: options.apiserver }),
    });
    const informers = createInformers(client, { clock, random, log, signal });
    const recorders = new Map(
      configuration.profiles.map(({ schedulerName }) => [
        schedulerName,
        createSeriesRecorder(client, context, {
          component: schedulerName,
          queueMax: 16_384,
          writesMax: 256,
          ...configuration.events,
        }),
      ]),
    );
    const [recorder] = recorders.values();
    const explanations = new Explanations(options?.explain ?? false);
    bus.serve(explainChannel, async (request) => explanations.answer(request));
    const scheduler = new Scheduler({
      explanations,
      context,
      configuration,
      plugins: [...plugins, ...(await loadPlugins(configuration.pluginModules))],
      client,
      informers,
      recorderOf: (profile) => recorders.get(profile) ?? recorder!,
      ...(options?.bindingsMax === undefined ? {} : { bindingsMax: options.bindingsMax }),
    });
    const { cache, queue } = scheduler;
    const report = (error: unknown) => context.fail(error);
    informers.informer(namespaces).changes$.subscribe({
      next: ({ type, object }) =>
        cache.nodes.index.setNamespace(
          object.metadata?.name ?? '',
          type === 'deleted' ? undefined : (object.metadata?.labels ?? {}),
        ),
      error: report,
    });
    informers.informer(nodes).changes$.subscribe({ next: (change) => cache.nodeChanged(change), error: report });
    informers
      .informer(pods, { fieldSelector: unfinished })
      .changes$.subscribe({ next: (change) => cache.podChanged(change), error: report });
    const moveOn = (informer: Informer<KubernetesObject>, resource: EventResource) =>
      informer.changes$.subscribe({
        next(change) {
          const previous =
            change.type === 'added' ? undefined : change.type === 'updated' ? change.previous : change.object;
          const current = change.type === 'deleted' ? undefined : change.object;
          const action =
            change.type === 'added' ? Action.Add : change.type === 'deleted' ? Action.Delete : Action.Update;
          queue.move(clusterEvent(resource, action), previous, current);
        },
        error: report,
      });
    moveOn(informers.informer(persistentVolumes), 'PersistentVolume');
    moveOn(informers.informer(persistentVolumeClaims), 'PersistentVolumeClaim');
    moveOn(informers.informer(storageClasses), 'StorageClass');
    moveOn(informers.informer(csiNodes), 'CSINode');
    moveOn(informers.informer(csiDrivers), 'CSIDriver');
    moveOn(informers.informer(csiStorageCapacities), 'CSIStorageCapacity');
    moveOn(informers.informer(volumeAttachments), 'VolumeAttachment');
    moveOn(informers.informer(resourceClaims), 'ResourceClaim');
    moveOn(informers.informer(resourceSlices), 'ResourceSlice');
    moveOn(informers.informer(deviceClasses), 'DeviceClass');
    // Whatever becomes of a rule, devices have other taints afterwards.
    if (featureGates.enabled('DRADeviceTaintRules')) {
      const retainted = clusterEvent('ResourceSlice', Action.Update);
      informers.informer(deviceTaintRules).changes$.subscribe({
        next: () => queue.move(retainted, undefined, undefined),
        error: report,
      });
    }
    if (featureGates.enabled('GenericWorkload')) moveOn(informers.informer(podGroups), 'PodGroup');
    // Ready as soon as it is listening: it begins by itself when the caches are full.
    const begin = () => {
      if (!signal.aborted) scheduler.start();
    };
    const { leaderElection } = configuration;
    if (leaderElection) {
      const { namespace, name, ...times } = leaderElection;
      const elector = createLeaderElector(client, context, {
        ...times,
        lease: { namespace, name },
        identity: `${name}_${random.uuid()}`,
        events: recorder!,
        releaseOnStop: true,
        onStarted: () => void informers.synced().then(begin, report),
        // As upstream: a scheduler that is no leader any more must not go on with what it believes.
        onStopped: () => {
          if (!signal.aborted) report(new Error('leaderelection lost'));
        },
      });
      void elector.run().catch(report);
    } else void informers.synced().then(begin, report);
    return { stop: () => scheduler.stop() };
  },
});
