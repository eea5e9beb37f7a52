/**
 * Checks of the arguments that in-tree plugins take, in upstream's words and with upstream's defaults: what is wrong, all of
 * it, as texts that begin with the field's path.
 * @see kubernetes/pkg/scheduler/apis/config/validation/validation_pluginargs.go
 */
import { validateLabelValue, validateQualifiedName } from '../api/index.ts';
import { expectDurationMs } from './configuration-fields.ts';
import type { FeatureGates } from './feature-gates.ts';

type Arguments = Readonly<Record<string, unknown>>;

/** Collects what is wrong below a path. */
class Problems {
  readonly list: string[] = [];

  invalid(path: string, value: unknown, detail: string): void {
    this.list.push(`${path}: Invalid value: ${typeof value === 'number' ? value : JSON.stringify(value)}: ${detail}`);
  }

  required(path: string, detail: string): void {
    this.list.push(`${path}: Required value: ${detail}`);
  }

  unsupported(path: string, value: unknown, supported: readonly string[]): void {
    const names = supported.map((one) => JSON.stringify(one)).join(', ');
    this.list.push(`${path}: Unsupported value: ${JSON.stringify(value)}: supported values: ${names}`);
  }

  duplicate(path: string, value: string): void {
    this.list.push(`${path}: Duplicate value: ${JSON.stringify(value)}`);
  }

  forbidden(path: string, detail: string): void {
    this.list.push(`${path}: Forbidden: ${detail}`);
  }

  tooMany(path: string, count: number, most: number): void {
    const items = most === 1 ? 'item' : 'items';
    this.list.push(`${path}: Too many: ${count}: must have at most ${most} ${items}`);
  }

  labelName(path: string, value: string): void {
    for (const problem of validateQualifiedName(value)) this.invalid(path, value, problem);
  }
}

type Check = (args: Arguments, path: string, problems: Problems, gates: FeatureGates) => void;

const listOf = <Item>(value: unknown): readonly Item[] => (Array.isArray(value) ? (value as Item[]) : []);

const defaultPreemption: Check = (args, path, problems) => {
  const percentage = (args['minCandidateNodesPercentage'] as number | undefined) ?? 10;
  const absolute = (args['minCandidateNodesAbsolute'] as number | undefined) ?? 100;
  const percentagePath = `${path}.minCandidateNodesPercentage`;
  const absolutePath = `${path}.minCandidateNodesAbsolute`;
  if (!(percentage >= 0 && percentage <= 100)) {
    problems.invalid(percentagePath, percentage, 'not in valid range [0, 100]');
  }
  if (!(absolute >= 0)) problems.invalid(absolutePath, absolute, 'not in valid range [0, inf)');
  if (percentage === 0 && absolute === 0) {
    problems.invalid(percentagePath, 0, 'cannot be zero at the same time as minCandidateNodesAbsolute');
    problems.invalid(absolutePath, 0, 'cannot be zero at the same time as minCandidateNodesPercentage');
  }
};

const interPodAffinity: Check = (args, path, problems) => {
  const weight = (args['hardPodAffinityWeight'] as number | undefined) ?? 1;
  if (!(weight >= 0 && weight <= 100)) {
    problems.invalid(`${path}.hardPodAffinityWeight`, weight, 'not in valid range [0, 100]');
  }
};

interface Constraint {
  readonly maxSkew?: number;
  readonly topologyKey?: string;
  readonly whenUnsatisfiable?: string;
  readonly labelSelector?: unknown;
}

const podTopologySpread: Check = (args, path, problems) => {
  const type = (args['defaultingType'] as string | undefined) || 'System';
  const constraints = listOf<Constraint>(args['defaultConstraints']);
  const typePath = `${path}.defaultingType`;
  if (type !== 'System' && type !== 'List') problems.unsupported(typePath, type, ['System', 'List']);
  else if (type === 'System' && constraints.length > 0) {
    problems.invalid(typePath, type, 'when .defaultConstraints are not empty');
  }
  const seen = new Set<string>();
  for (const [i, { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', labelSelector }] of constraints.entries()) {
    const at = `${path}.defaultConstraints[${i}]`;
    if (!(maxSkew > 0)) problems.invalid(`${at}.maxSkew`, maxSkew, 'not in valid range (0, inf)');
    if (topologyKey === '') problems.required(`${at}.topologyKey`, 'can not be empty');
    else problems.labelName(`${at}.topologyKey`, topologyKey);
    const actions = ['DoNotSchedule', 'ScheduleAnyway'];
    if (whenUnsatisfiable === '') problems.required(`${at}.whenUnsatisfiable`, 'can not be empty');
    else if (!actions.includes(whenUnsatisfiable)) {
      problems.unsupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, actions);
    }
    if (labelSelector !== undefined && labelSelector !== null) {
      problems.forbidden(`${at}.labelSelector`, 'constraint must not define a selector, as they deduced for each pod');
    }
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(pair)) problems.duplicate(at, pair);
    seen.add(pair);
  }
};

interface ShapePoint {
  readonly utilization?: number;
  readonly score?: number;
}

function checkShape(shape: readonly ShapePoint[], path: string, problems: Problems): void {
  if (shape.length === 0) {
    problems.required(path, 'at least one point must be specified');
    return;
  }
  for (let i = 1; i < shape.length; i++) {
    const { utilization = 0 } = shape[i]!;
    if ((shape[i - 1]!.utilization ?? 0) < utilization) continue;
    problems.invalid(`${path}[${i}].utilization`, utilization, 'values must be sorted in increasing order');
    break;
  }
  for (const [i, { utilization = 0, score = 0 }] of shape.entries()) {
    if (!(utilization >= 0 && utilization <= 100)) {
      problems.invalid(`${path}[${i}].utilization`, utilization, 'not in valid range [0, 100]');
    }
    if (!(score >= 0 && score <= 10)) problems.invalid(`${path}[${i}].score`, score, 'not in valid range [0, 10]');
  }
}

interface WeightedResource {
  readonly name?: string;
  readonly weight?: number;
}

interface ScoringStrategy {
  readonly type?: string;
  readonly resources?: unknown;
  readonly requestedToCapacityRatio?: { readonly shape?: unknown };
}

const strategies = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'];

const nodeResourcesFit: Check = (args, path, problems) => {
  for (const [i, resource] of listOf<string>(args['ignoredResources']).entries()) {
    problems.labelName(`${path}.ignoredResources[${i}]`, resource);
  }
  for (const [i, group] of listOf<string>(args['ignoredResourceGroups']).entries()) {
    const at = `${path}.ignoredResourceGroups[${i}]`;
    if (group.includes('/')) problems.invalid(at, group, "resource group name can't contain '/'");
    problems.labelName(at, group);
  }
  const strategy = args['scoringStrategy'] as ScoringStrategy | undefined;
  if (!strategy) return;
  const at = `${path}.scoringStrategy`;
  const type = strategy.type ?? '';
  if (!strategies.includes(type)) problems.unsupported(`${at}.type`, type, strategies);
  for (const [i, { name, weight }] of listOf<WeightedResource>(strategy.resources).entries()) {
    // A weight of 0 is one that was left out.
    if ((weight || 1) > 0 && (weight || 1) <= 100) continue;
    problems.invalid(`${at}.resources[${i}].weight`, weight, `resource weight of ${name} not in valid range (0, 100]`);
  }
  const ratioPath = `${at}.requestedToCapacityRatio`;
  const ratio = strategy.requestedToCapacityRatio;
  if (type === 'RequestedToCapacityRatio') {
    if (!ratio) problems.required(ratioPath, 'must be specified when type is RequestedToCapacityRatio');
    else checkShape(listOf<ShapePoint>(ratio.shape), `${ratioPath}.shape`, problems);
  } else if (ratio) problems.forbidden(ratioPath, 'must be nil when type is not RequestedToCapacityRatio');
};

const balancedAllocation: Check = (args, path, problems) => {
  const seen = new Set<string>();
  for (const [i, { name = '', weight }] of listOf<WeightedResource>(args['resources']).entries()) {
    if (seen.has(name)) problems.duplicate(`${path}.resources[${i}].name`, name);
    seen.add(name);
    if ((weight || 1) !== 1) problems.invalid(`${path}.resources[${i}].weight`, weight, 'must be 1');
  }
};

const dynamicResources: Check = (args, path, problems) => {
  const timeout = expectDurationMs(args['bindingTimeout'], `${path}.bindingTimeout`);
  if (timeout !== undefined && timeout < 1000) {
    problems.invalid(`${path}.bindingTimeout`, args['bindingTimeout'], 'must be at least 1 second');
  }
  expectDurationMs(args['filterTimeout'], `${path}.filterTimeout`);
};

const volumeBinding: Check = (args, path, problems, gates) => {
  const timeout = (args['bindTimeoutSeconds'] as number | undefined) ?? 600;
  if (timeout < 0) {
    problems.invalid(
      `${path}.bindTimeoutSeconds`,
      timeout,
      'invalid BindTimeoutSeconds, should not be a negative value',
    );
  }
  if (!gates.enabled('StorageCapacityScoring') && args['shape'] !== undefined && args['shape'] !== null) {
    problems.invalid(
      `${path}.shape`,
      args['shape'],
      'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring',
    );
  }
};

interface SelectorRequirement {
  readonly key?: string;
  readonly operator?: string;
  readonly values?: readonly string[];
}

interface SelectorTerm {
  readonly matchExpressions?: readonly SelectorRequirement[];
  readonly matchFields?: readonly SelectorRequirement[];
}

const selectorOperators = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'];

function checkExpression(requirement: SelectorRequirement, path: string, problems: Problems): void {
  const { key = '', operator = '', values = [] } = requirement;
  if (!selectorOperators.includes(operator)) {
    problems.unsupported(`${path}.operator`, operator, selectorOperators);
    return;
  }
  const keyProblems = validateQualifiedName(key);
  if (keyProblems.length > 0) problems.invalid(`${path}.key`, key, keyProblems.join('; '));
  const valuesPath = `${path}.values`;
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) {
      problems.invalid(valuesPath, values, "for 'in', 'notin' operators, values set can't be empty");
    }
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) {
      problems.invalid(valuesPath, values, 'values set must be empty for exists and does not exist');
    }
  } else if (values.length !== 1) {
    problems.invalid(valuesPath, values, "for 'Gt', 'Lt' operators, exactly one value is required");
  } else if (!/^[+-]?\d+$/.test(values[0]!)) {
    problems.invalid(`${valuesPath}[0]`, values[0], "for 'Gt', 'Lt' operators, the value must be an integer");
  }
  for (const [i, value] of values.entries()) {
    const wrong = validateLabelValue(value);
    if (wrong.length > 0) problems.invalid(`${valuesPath}[${i}]`, value, wrong.join('; '));
  }
}

/** Empty terms match nothing and are not looked at. */
function checkTerm({ matchExpressions = [], matchFields = [] }: SelectorTerm, path: string, problems: Problems): void {
  for (const [i, one] of matchExpressions.entries()) checkExpression(one, `${path}.matchExpressions[${i}]`, problems);
  for (const [i, { operator = '', values = [] }] of matchFields.entries()) {
    const at = `${path}.matchFields[${i}]`;
    if (operator !== 'In' && operator !== 'NotIn') problems.unsupported(`${at}.operator`, operator, ['In', 'NotIn']);
    else if (values.length !== 1) problems.tooMany(`${at}.values`, values.length, 1);
  }
}

interface AddedAffinity {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: { readonly nodeSelectorTerms?: unknown };
  readonly preferredDuringSchedulingIgnoredDuringExecution?: unknown;
}

/** @see k8s.io/component-helpers/scheduling/corev1/nodeaffinity */
const nodeAffinity: Check = (args, path, problems) => {
  const added = args['addedAffinity'] as AddedAffinity | undefined;
  const requiredPath = `${path}.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
  const required = added?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  for (const [i, term] of listOf<SelectorTerm>(required).entries()) checkTerm(term, `${requiredPath}[${i}]`, problems);
  const preferredPath = `${path}.addedAffinity.preferredDuringSchedulingIgnoredDuringExecution`;
  const preferred = added?.preferredDuringSchedulingIgnoredDuringExecution;
  for (const [i, { preference = {} }] of listOf<{ preference?: SelectorTerm }>(preferred).entries()) {
    checkTerm(preference, `${preferredPath}[${i}]`, problems);
  }
};

/** The fields of each plugin's arguments, and what is checked of them. */
const checks: Readonly<Record<string, { readonly fields: readonly string[]; readonly check?: Check }>> = {
  DefaultPreemption: { fields: ['minCandidateNodesPercentage', 'minCandidateNodesAbsolute'], check: defaultPreemption },
  DynamicResources: { fields: ['filterTimeout', 'bindingTimeout'], check: dynamicResources },
  InterPodAffinity: {
    fields: ['hardPodAffinityWeight', 'ignorePreferredTermsOfExistingPods'],
    check: interPodAffinity,
  },
  NodeAffinity: { fields: ['addedAffinity'], check: nodeAffinity },
  NodeResourcesBalancedAllocation: { fields: ['resources'], check: balancedAllocation },
  NodeResourcesFit: {
    fields: ['ignoredResources', 'ignoredResourceGroups', 'scoringStrategy'],
    check: nodeResourcesFit,
  },
  PodTopologySpread: { fields: ['defaultConstraints', 'defaultingType'], check: podTopologySpread },
  VolumeBinding: { fields: ['bindTimeoutSeconds', 'shape'], check: volumeBinding },
};

/** What is wrong with the arguments of a plugin; nothing for plugins that are not in tree. */
export function argumentProblems(
  plugin: string,
  args: Arguments,
  path: string,
  gates: FeatureGates,
): readonly string[] {
  const known = Object.hasOwn(checks, plugin) ? checks[plugin] : undefined;
  if (!known) return [];
  const unknown = Object.keys(args).filter((field) => !known.fields.includes(field));
  if (unknown.length > 0) {
    const fields = unknown.map((field) => `unknown field ${JSON.stringify(field)}`).join(', ');
    return [`${path}: decoding args for plugin ${plugin}: strict decoding error: ${fields}`];
  }
  const problems = new Problems();
  known.check?.(args, path, problems, gates);
  return problems.list;
}
