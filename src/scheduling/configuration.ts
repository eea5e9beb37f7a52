/**
 * `KubeSchedulerConfiguration` v1: what users write, checked field by field, merged with the defaults and expanded into
 * the plugins of each extension point. Errors name the field and say what would be right.
 * @see https://kubernetes.io/docs/reference/config-api/kube-scheduler-config.v1/
 */

import type { EventSinkOptions } from '../client/index.ts';
import {
  ConfigurationError,
  type Data,
  expectData,
  expectDurationMs,
  expectFlag,
  expectInteger,
  expectList,
  expectText,
  refuseUnknown,
} from './configuration-fields.ts';
import { type ExtenderConfiguration, parseExtenders } from './extender-configuration.ts';
import { FeatureGates } from './feature-gates.ts';
import type { Plugin } from './plugin.ts';
import { argumentProblems } from './plugin-arguments.ts';
import type { PluginSets } from './plugin-sets.ts';

export interface PluginReference {
  readonly name: string;
  readonly weight?: number | undefined;
}

export interface PluginSet {
  readonly enabled?: readonly PluginReference[] | undefined;
  readonly disabled?: readonly { readonly name: string }[] | undefined;
}

export const extensionPoints = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;
export type ExtensionPoint = (typeof extensionPoints)[number];

export interface ProfileConfiguration {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore: number | undefined;
  readonly multiPoint: PluginSet;
  readonly points: Readonly<Partial<Record<ExtensionPoint, PluginSet>>>;
  /** Arguments by plugin name. */
  readonly args: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

export interface SchedulerConfiguration {
  readonly featureGates: FeatureGates;
  readonly profiles: readonly ProfileConfiguration[];
  /** 0: adaptive. */
  readonly percentageOfNodesToScore: number;
  readonly podInitialBackoffSeconds: number;
  readonly podMaxBackoffSeconds: number;
  /** Undefined: it works without asking. */
  readonly leaderElection: LeaderElectionConfiguration | undefined;
  readonly extenders: readonly ExtenderConfiguration[];
  /** `clientConnection`: how events are written. Bindings have bounds of their own. */
  readonly events: Pick<EventSinkOptions, 'pace' | 'writesUsual'>;
  /** Files with plugins from users, as paths or URLs. Kubehive's own field. */
  readonly pluginModules: readonly string[];
}

export interface LeaderElectionConfiguration {
  readonly namespace: string;
  readonly name: string;
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

/** The default plugins in upstream's order, with their weights. Those behind a feature gate name it. */
export const defaultPlugins: readonly (PluginReference & { readonly gate?: string })[] = [
  { name: 'SchedulingGates' },
  { name: 'PrioritySort' },
  { name: 'NodeUnschedulable' },
  { name: 'NodeName' },
  { name: 'TaintToleration', weight: 3 },
  { name: 'NodeAffinity', weight: 2 },
  { name: 'NodePorts' },
  { name: 'NodeResourcesFit', weight: 1 },
  { name: 'VolumeRestrictions' },
  { name: 'NodeVolumeLimits' },
  { name: 'VolumeBinding' },
  { name: 'VolumeZone' },
  { name: 'PodTopologySpread', weight: 2 },
  { name: 'InterPodAffinity', weight: 2 },
  { name: 'DynamicResources', weight: 2 },
  { name: 'DefaultPreemption' },
  { name: 'NodeResourcesBalancedAllocation', weight: 1 },
  { name: 'ImageLocality', weight: 1 },
  { name: 'DefaultBinder' },
  { name: 'NodeDeclaredFeatures', gate: 'NodeDeclaredFeatures' },
  { name: 'GangScheduling', gate: 'GangScheduling' },
];

export const defaultSchedulerName = 'default-scheduler';

function parseSet(value: unknown, path: string): PluginSet {
  const data = expectData(value, path);
  refuseUnknown(data, ['enabled', 'disabled'], path);
  const references = (list: unknown, at: string): PluginReference[] =>
    expectList(list, at).map((item, i) => {
      const entry = expectData(item, `${at}[${i}]`);
      refuseUnknown(entry, ['name', 'weight'], `${at}[${i}]`);
      if (typeof entry['name'] !== 'string' || entry['name'] === '') {
        throw new ConfigurationError(`${at}[${i}].name: Required value`);
      }
      const weight = expectInteger(entry['weight'], `${at}[${i}].weight`, 0, 2 ** 31 - 1);
      return weight === undefined ? { name: entry['name'] } : { name: entry['name'], weight };
    });
  return {
    enabled: references(data['enabled'], `${path}.enabled`),
    disabled: references(data['disabled'], `${path}.disabled`),
  };
}

/** The custom set laid over the default one: re-enabled plugins keep their place, new ones come last. */
function mergeSets(defaults: PluginSet, custom: PluginSet | undefined): PluginSet {
  if (!custom) return defaults;
  const disabled = [...(custom.disabled ?? []), ...(defaults.disabled ?? [])];
  const names = new Set(disabled.map(({ name }) => name));
  const customs = new Map((custom.enabled ?? []).map((reference) => [reference.name, reference]));
  const enabled: PluginReference[] = [];
  const replaced = new Set<string>();
  if (!names.has('*')) {
    for (const reference of defaults.enabled ?? []) {
      if (names.has(reference.name)) continue;
      const own = customs.get(reference.name);
      if (own) replaced.add(reference.name);
      enabled.push(own ?? reference);
    }
  }
  for (const reference of custom.enabled ?? []) if (!replaced.has(reference.name)) enabled.push(reference);
  return { enabled, disabled };
}

function parseProfile(value: unknown, path: string, gates: FeatureGates): ProfileConfiguration {
  const data = expectData(value, path);
  refuseUnknown(data, ['schedulerName', 'percentageOfNodesToScore', 'plugins', 'pluginConfig'], path);
  const schedulerName = data['schedulerName'] ?? defaultSchedulerName;
  if (typeof schedulerName !== 'string' || schedulerName === '') {
    throw new ConfigurationError(`${path}.schedulerName: Required value`);
  }
  const plugins = expectData(data['plugins'], `${path}.plugins`);
  refuseUnknown(plugins, ['multiPoint', ...extensionPoints], `${path}.plugins`);
  const points: Partial<Record<ExtensionPoint, PluginSet>> = {};
  for (const point of extensionPoints) {
    if (plugins[point] !== undefined) points[point] = parseSet(plugins[point], `${path}.plugins.${point}`);
  }
  const custom =
    plugins['multiPoint'] === undefined ? undefined : parseSet(plugins['multiPoint'], `${path}.plugins.multiPoint`);
  const args = new Map<string, Data>();
  for (const [i, item] of expectList(data['pluginConfig'], `${path}.pluginConfig`).entries()) {
    const at = `${path}.pluginConfig[${i}]`;
    const entry = expectData(item, at);
    refuseUnknown(entry, ['name', 'args'], at);
    const name = entry['name'];
    if (typeof name !== 'string' || name === '') throw new ConfigurationError(`${at}.name: Required value`);
    if (args.has(name)) throw new ConfigurationError(`${at}: Duplicate value: ${JSON.stringify(name)}`);
    const { apiVersion: _apiVersion, kind, ...rest } = expectData(entry['args'], `${at}.args`);
    if (kind !== undefined && kind !== `${name}Args`) {
      throw new ConfigurationError(`${at}.args.kind: Invalid value: ${JSON.stringify(kind)}: must be ${name}Args`);
    }
    const problems = argumentProblems(name, rest, `${at}.args`, gates);
    // Several are told at once, as upstream does.
    if (problems.length > 1) throw new ConfigurationError(`[${problems.join(', ')}]`);
    if (problems.length === 1) throw new ConfigurationError(problems[0]);
    args.set(name, rest);
  }
  return {
    schedulerName,
    percentageOfNodesToScore: expectInteger(
      data['percentageOfNodesToScore'],
      `${path}.percentageOfNodesToScore`,
      0,
      100,
      notPercentage,
    ),
    multiPoint: mergeSets(
      { enabled: defaultPlugins.filter(({ gate }) => gate === undefined || gates.enabled(gate)) },
      custom,
    ),
    points,
    args,
  };
}

const ignoredFields = [
  'parallelism',
  'healthzBindAddress',
  'metricsBindAddress',
  'enableProfiling',
  'enableContentionProfiling',
  'delayCacheUntilActive',
];

/**
 * Checks and completes a configuration (as parsed from YAML or JSON; undefined: all defaults). The gates say which plugins
 * are on by default.
 * @throws ConfigurationError
 */
export function parseConfiguration(value: unknown, featureGates = FeatureGates.from()): SchedulerConfiguration {
  const data = expectData(value, 'configuration');
  refuseUnknown(
    data,
    [
      'apiVersion',
      'kind',
      'profiles',
      'percentageOfNodesToScore',
      'podInitialBackoffSeconds',
      'podMaxBackoffSeconds',
      'leaderElection',
      'extenders',
      'pluginModules',
      'clientConnection',
      ...ignoredFields,
    ],
    '',
  );
  const { apiVersion, kind } = data;
  if (apiVersion !== undefined && apiVersion !== 'kubescheduler.config.k8s.io/v1') {
    throw new ConfigurationError(
      `apiVersion: Unsupported value: ${JSON.stringify(apiVersion)}: supported values: "kubescheduler.config.k8s.io/v1"`,
    );
  }
  if (kind !== undefined && kind !== 'KubeSchedulerConfiguration') {
    throw new ConfigurationError(
      `kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "KubeSchedulerConfiguration"`,
    );
  }
  const listed = expectList(data['profiles'], 'profiles');
  const profiles = (listed.length === 0 ? [{}] : listed).map((item, i) =>
    parseProfile(item, `profiles[${i}]`, featureGates),
  );
  const names = new Set<string>();
  for (const [i, { schedulerName }] of profiles.entries()) {
    if (names.has(schedulerName)) {
      const first = profiles.findIndex((profile) => profile.schedulerName === schedulerName);
      throw new ConfigurationError(`profiles[${i}].schedulerName: Duplicate value: profiles[${first}].schedulerName`);
    }
    names.add(schedulerName);
  }
  const seconds = (field: string, problem: string) => expectInteger(data[field], field, 1, 86_400, problem);
  const podInitialBackoffSeconds = seconds('podInitialBackoffSeconds', 'must be greater than 0') ?? 1;
  const podMaxBackoffSeconds =
    seconds('podMaxBackoffSeconds', 'must be greater than or equal to PodInitialBackoffSeconds') ?? 10;
  expectInteger(data['parallelism'], 'parallelism', 1, 2 ** 31 - 1, 'should be an integer value greater than zero');
  if (podMaxBackoffSeconds < podInitialBackoffSeconds) {
    throw new ConfigurationError(
      `podMaxBackoffSeconds: Invalid value: ${podMaxBackoffSeconds}: must be greater than or equal to PodInitialBackoffSeconds`,
    );
  }
  return {
    featureGates,
    profiles,
    percentageOfNodesToScore:
      expectInteger(data['percentageOfNodesToScore'], 'percentageOfNodesToScore', 0, 100, notPercentage) ?? 0,
    podInitialBackoffSeconds,
    podMaxBackoffSeconds,
    leaderElection: parseLeaderElection(data['leaderElection']),
    extenders: parseExtenders(data['extenders']),
    events: parseConnection(data['clientConnection']),
    pluginModules: expectList(data['pluginModules'], 'pluginModules').map((path, i) => {
      const text = expectText(path, `pluginModules[${i}]`);
      if (!text) throw new ConfigurationError(`pluginModules[${i}]: Required value`);
      return text;
    }),
  };
}

const notPercentage = 'not in valid range [0-100]';

/**
 * Ours are ten and twenty times upstream's: one process holds the clients of a whole cluster. Few at a time, so that an API server
 * that is busy with pods is asked for few events of them.
 */
const defaultEvents = { pace: { perSecond: 500, burst: 2000 }, writesUsual: 2 } as const;

/** As client-go reads it: 0 is the default, less than 0 no limit. */
function parseConnection(value: unknown): SchedulerConfiguration['events'] {
  const at = 'clientConnection';
  const data = expectData(value, at);
  refuseUnknown(data, ['kubeconfig', 'acceptContentTypes', 'contentType', 'qps', 'burst'], at);
  const { qps } = data;
  if (qps !== undefined && qps !== null && typeof qps !== 'number') {
    throw new ConfigurationError(`${at}.qps: must be a number`);
  }
  const burst = expectInteger(data['burst'], `${at}.burst`, 0, 2 ** 31 - 1, 'must be non-negative');
  if (typeof qps === 'number' && qps < 0) return {};
  if (!qps && !burst) return defaultEvents;
  const { pace } = defaultEvents;
  return { pace: { perSecond: qps || pace.perSecond, burst: burst || pace.burst } };
}

function parseLeaderElection(value: unknown): LeaderElectionConfiguration | undefined {
  const at = 'leaderElection';
  const data = expectData(value, at);
  const known = ['leaderElect', 'leaseDuration', 'renewDeadline', 'retryPeriod', 'resourceLock', 'resourceName'];
  refuseUnknown(data, [...known, 'resourceNamespace'], at);
  if (!expectFlag(data['leaderElect'], `${at}.leaderElect`)) return undefined;
  const lock = expectText(data['resourceLock'], `${at}.resourceLock`) ?? 'leases';
  if (lock !== 'leases') {
    throw new ConfigurationError(
      `${at}.resourceLock: Invalid value: ${JSON.stringify(lock)}: resourceLock value must be "leases"`,
    );
  }
  const duration = (field: string, otherwise: number) => expectDurationMs(data[field], `${at}.${field}`) || otherwise;
  const leaseDurationMs = duration('leaseDuration', 15_000);
  const renewDeadlineMs = duration('renewDeadline', 10_000);
  const retryPeriodMs = duration('retryPeriod', 2000);
  if (leaseDurationMs <= renewDeadlineMs) {
    // Upstream names the one and shows the other.
    throw new ConfigurationError(
      `${at}.leaseDuration: Invalid value: "${renewDeadlineMs / 1000}s": LeaseDuration must be greater than RenewDeadline`,
    );
  }
  return {
    namespace: expectText(data['resourceNamespace'], `${at}.resourceNamespace`) || 'kube-system',
    name: expectText(data['resourceName'], `${at}.resourceName`) || 'kube-scheduler',
    leaseDurationMs,
    renewDeadlineMs,
    retryPeriodMs,
  };
}

/** The hooks that make a plugin part of an extension point. */
const hooks: Readonly<Record<ExtensionPoint, readonly (keyof Plugin)[]>> = {
  preEnqueue: ['preEnqueue'],
  queueSort: ['less'],
  preFilter: ['preFilter'],
  filter: ['filter'],
  postFilter: ['postFilter'],
  preScore: ['preScore'],
  score: ['score'],
  reserve: ['reserve', 'unreserve'],
  permit: ['permit'],
  preBind: ['preBind'],
  bind: ['bind'],
  postBind: ['postBind'],
};

/** Names of all plugins that a profile enables anywhere. */
export function enabledPlugins(profile: ProfileConfiguration): Set<string> {
  const names = new Set((profile.multiPoint.enabled ?? []).map(({ name }) => name));
  for (const point of extensionPoints) for (const { name } of profile.points[point]?.enabled ?? []) names.add(name);
  return names;
}

/**
 * Which plugins run at one extension point, in order: those named for the point that multiPoint also has, then the rest
 * of multiPoint, then the others named for the point.
 */
function expand(
  point: ExtensionPoint,
  profile: ProfileConfiguration,
  plugins: ReadonlyMap<string, Plugin>,
): PluginReference[] {
  const implementsPoint = (name: string) => hooks[point].some((hook) => plugins.get(name)?.[hook] !== undefined);
  const specific = profile.points[point];
  const disabled = new Set((specific?.disabled ?? []).map(({ name }) => name));
  const named = specific?.enabled ?? [];
  for (const { name } of named) {
    if (!implementsPoint(name)) throw new ConfigurationError(`plugin "${name}" does not extend ${point} plugin`);
  }
  if (new Set(named.map(({ name }) => name)).size !== named.length) {
    throw new ConfigurationError(`plugins.${point}.enabled: a plugin is registered twice`);
  }
  const multi = disabled.has('*')
    ? []
    : (profile.multiPoint.enabled ?? []).filter(({ name }) => implementsPoint(name) && !disabled.has(name));
  const inMulti = new Map(multi.map((reference) => [reference.name, reference]));
  const overridden = named.filter(({ name }) => inMulti.has(name));
  const overriddenNames = new Set(overridden.map(({ name }) => name));
  return [
    ...overridden.map((own) => ({ ...inMulti.get(own.name)!, ...own })),
    ...multi.filter(({ name }) => !overriddenNames.has(name)),
    ...named.filter(({ name }) => !inMulti.has(name)),
  ];
}

/**
 * Sorts a profile's plugins into extension points.
 * @throws ConfigurationError
 */
export function expandPlugins(profile: ProfileConfiguration, plugins: ReadonlyMap<string, Plugin>): PluginSets {
  const at = (point: ExtensionPoint) => expand(point, profile, plugins);
  const list = (point: ExtensionPoint) => at(point).map(({ name }) => plugins.get(name)!);
  const sets: PluginSets = {
    preEnqueue: list('preEnqueue'),
    queueSort: list('queueSort'),
    preFilter: list('preFilter'),
    filter: list('filter'),
    postFilter: list('postFilter'),
    preScore: list('preScore'),
    score: at('score').map(({ name, weight }) => ({ plugin: plugins.get(name)!, weight: weight || 1 })),
    reserve: list('reserve'),
    permit: list('permit'),
    preBind: list('preBind'),
    bind: list('bind'),
    postBind: list('postBind'),
  };
  if (sets.queueSort.length !== 1) {
    throw new ConfigurationError(
      sets.queueSort.length === 0
        ? `profile ${profile.schedulerName}: at least one queue sort plugin is needed`
        : `profile ${profile.schedulerName}: only one queue sort plugin can be enabled, found ${sets.queueSort.map(({ name }) => name).join(', ')}`,
    );
  }
  if (sets.bind.length === 0)
    throw new ConfigurationError(`profile ${profile.schedulerName}: at least one bind plugin is needed`);
  return sets;
}
