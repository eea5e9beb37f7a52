/**
 * Feature gates of the scheduler, with the defaults of release 1.36: what `--feature-gates` may name, and what it then means.
 * Gates whose other way is not built in are known all the same, so that a command line for upstream works here too; whoever
 * sets one otherwise is told that nothing changes.
 * @see kubernetes/pkg/features/kube_features.go and k8s.io/component-base/featuregate
 */
import { ConfigurationError } from './configuration-fields.ts';

type Stage = 'alpha' | 'beta' | 'ga';

interface GateDefinition {
  readonly stage: Stage;
  readonly byDefault: boolean;
  /** It may only be set to its default. */
  readonly locked?: boolean;
  /** Only the default way exists here. */
  readonly fixed?: boolean;
  /** Gates that must be on when this one is. */
  readonly needs?: readonly string[];
}

const alpha: GateDefinition = { stage: 'alpha', byDefault: false };
const beta: GateDefinition = { stage: 'beta', byDefault: true };
const locked: GateDefinition = { stage: 'ga', byDefault: true, locked: true };

const gates: Readonly<Record<string, GateDefinition>> = {
  // Upstream needs these besides the kinds that they are about; here those are served, and work, where `--runtime-config` says so.
  ClusterTrustBundle: { stage: 'beta', byDefault: false },
  DRAResourcePoolStatus: alpha,
  PodCertificateRequest: { stage: 'beta', byDefault: false },
  StorageVersionAPI: alpha,
  StorageVersionMigrator: { stage: 'beta', byDefault: false },

  // Of the API server and the StatefulSet controller.
  MaxUnavailableStatefulSet: { stage: 'beta', byDefault: false },

  DRAAdminAccess: locked,
  DRAConsumableCapacity: { ...beta, fixed: true },
  DRADeviceBindingConditions: { ...beta, fixed: true },
  DRADeviceTaintRules: { stage: 'beta', byDefault: false, needs: ['DRADeviceTaints'] },
  DRADeviceTaints: { ...beta, fixed: true },
  DRAExtendedResource: beta,
  DRAListTypeAttributes: { ...alpha, fixed: true },
  DRANodeAllocatableResources: { ...alpha, fixed: true },
  DRAPartitionableDevices: { ...beta, fixed: true },
  DRAPrioritizedList: { stage: 'ga', byDefault: true, fixed: true },
  DRAResourceClaimDeviceStatus: { ...beta, fixed: true },
  DRASchedulerFilterTimeout: { ...beta, fixed: true },
  DRAWorkloadResourceClaims: { ...alpha, fixed: true },
  DynamicResourceAllocation: locked,
  GangScheduling: { ...alpha, needs: ['GenericWorkload'] },
  GenericWorkload: alpha,
  InPlacePodLevelResourcesVerticalScaling: { ...beta, fixed: true },
  InPlacePodVerticalScaling: locked,
  MatchLabelKeysInPodAffinity: locked,
  MatchLabelKeysInPodTopologySpread: { ...beta, fixed: true },
  NodeDeclaredFeatures: beta,
  NodeInclusionPolicyInPodTopologySpread: locked,
  NominatedNodeNameForExpectation: beta,
  OpportunisticBatching: { ...beta, fixed: true },
  PodLevelResources: { ...beta, fixed: true },
  SchedulerAsyncAPICalls: { stage: 'beta', byDefault: false, fixed: true },
  SchedulerAsyncPreemption: { ...beta, fixed: true },
  SchedulerPopFromBackoffQ: beta,
  SchedulerQueueingHints: locked,
  StorageCapacityScoring: { ...alpha, fixed: true },
  TaintTolerationComparisonOperators: { ...alpha, fixed: true },
  TopologyAwareWorkloadScheduling: { ...alpha, fixed: true, needs: ['GenericWorkload'] },
  VolumeAttributesClass: locked,
  VolumeLimitScaling: { ...alpha, fixed: true },
  WorkloadAwarePreemption: { ...alpha, fixed: true, needs: ['GangScheduling'] },
};

/** Sets all gates of a stage that are not named themselves. */
const wholeStages: Readonly<Record<string, Stage>> = { AllAlpha: 'alpha', AllBeta: 'beta' };

const truths: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  '0': false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
};

/** Which features are on. Made once, from what was asked for; see {@link FeatureGates.from}. */
export class FeatureGates {
  readonly #set: ReadonlyMap<string, boolean>;
  /** Gates that were set otherwise than the only way that is built in. */
  readonly withoutEffect: readonly string[];

  private constructor(set: ReadonlyMap<string, boolean>, withoutEffect: readonly string[]) {
    this.#set = set;
    this.withoutEffect = withoutEffect;
  }

  /**
   * The defaults with `asked` laid over them.
   * @throws ConfigurationError for gates that are unknown, locked, or on without one that they need
   */
  static from(asked: Readonly<Record<string, boolean>> = {}): FeatureGates {
    const set = new Map<string, boolean>();
    for (const [stageName, stage] of Object.entries(wholeStages)) {
      const on = asked[stageName];
      if (on === undefined) continue;
      for (const [name, gate] of Object.entries(gates)) if (gate.stage === stage && !gate.locked) set.set(name, on);
    }
    for (const [name, on] of Object.entries(asked)) {
      if (wholeStages[name]) continue;
      const gate = gates[name];
      if (!gate) throw new ConfigurationError(`unrecognized feature gate: ${name}`);
      if (gate.locked && on !== gate.byDefault) {
        throw new ConfigurationError(
          `cannot set feature gate ${name} to ${on}, feature is locked to ${gate.byDefault}`,
        );
      }
      set.set(name, on);
    }
    const made = new FeatureGates(
      set,
      Object.entries(asked).flatMap(([name, on]) => (gates[name]?.fixed && on !== gates[name].byDefault ? [name] : [])),
    );
    for (const [name, { needs = [] }] of Object.entries(gates)) {
      const missing = made.enabled(name) ? needs.filter((need) => !made.enabled(need)) : [];
      if (missing.length > 0) {
        throw new ConfigurationError(
          `${name} is enabled, but depends on features that are disabled: [${missing.join(' ')}]`,
        );
      }
    }
    return made;
  }

  enabled(name: string): boolean {
    return this.#set.get(name) ?? gates[name]!.byDefault;
  }
}

/**
 * What `--feature-gates` was given: `Name=true,Other=false`.
 * @throws ConfigurationError
 */
export function parseFeatureGates(text: string): Record<string, boolean> {
  const asked: Record<string, boolean> = {};
  for (const part of text.split(',').map((piece) => piece.trim())) {
    if (part === '') continue;
    const [name = '', value] = part.split('=', 2).map((piece) => piece.trim());
    if (value === undefined) throw new ConfigurationError(`missing bool value for ${name}`);
    const on = Object.hasOwn(truths, value) ? truths[value] : undefined;
    if (on === undefined) {
      throw new ConfigurationError(
        `invalid value of ${name}: ${value}, err: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`,
      );
    }
    asked[name] = on;
  }
  FeatureGates.from(asked);
  return asked;
}
