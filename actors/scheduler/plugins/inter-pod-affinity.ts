/**
 * Pods near or away from other pods: required terms of the pod and required anti-affinity of the pods already there
 * filter, preferred terms of both sides score. All counts come from the pod index, by topology domain.
 * @see plugins/interpodaffinity
 */
import type { Pod } from '../../../src/api/index.ts';
import {
  Action,
  type AffinityTerm,
  type LabelColumn,
  type PluginDefinition,
  type PodInfo,
  type SelectorSpec,
  skip,
  stateKey,
  type Tally,
  unresolvable,
  unschedulable,
} from '../../../src/scheduling/index.ts';

const name = 'InterPodAffinity';
const affinityUnmet = unresolvable("node(s) didn't match pod affinity rules");
const antiAffinityUnmet = unschedulable("node(s) didn't match pod anti-affinity rules");
const existingAntiAffinity = unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");

interface Domains {
  readonly column: LabelColumn;
  readonly tally: Tally;
}

interface Filtering {
  /** Pods that match all required affinity terms, by the topology of each term. */
  readonly affinity: readonly Domains[];
  /** The pod matches its own terms: it may be the first of its group. */
  readonly self: boolean;
  readonly antiAffinity: readonly Domains[];
  readonly existing: readonly Domains[];
}

const filterKey = stateKey<Filtering>('InterPodAffinity/filter');
const scoreKey = stateKey<readonly (Domains & { readonly factor: number })[]>('InterPodAffinity/score');

const none: readonly Domains[] = [];

/** One selector for pods that match all terms. */
function conjunction(terms: readonly AffinityTerm[]): SelectorSpec {
  if (terms.length === 1) return terms[0]!.selector;
  return {
    key: terms.map((term) => term.selector.key).join('&'),
    parts: terms.flatMap((term) => term.selector.parts),
  };
}

/** Is there a matching pod in the row's domain? */
const present = ({ column, tally }: Domains, row: number): boolean => {
  const domain = column.values[row]!;
  return domain >= 0 && tally.get(domain) > 0;
};

export const interPodAffinity: PluginDefinition = {
  name,
  create({ nodes }, args) {
    const hardWeight = (args['hardPodAffinityWeight'] as number | undefined) ?? 1;
    const ignoreExisting = args['ignorePreferredTermsOfExistingPods'] === true;
    const { index } = nodes;

    const affinityMet = ({ affinity, self }: Filtering, row: number): boolean => {
      let all = true;
      for (const domains of affinity) {
        const domain = domains.column.values[row]!;
        if (domain < 0) return false;
        if (domains.tally.get(domain) <= 0) all = false;
      }
      if (all) return true;
      // The first pod of a group that wants to be near itself has to start somewhere.
      return self && affinity.every(({ tally }) => tally.total === 0);
    };
    const classOf = (pod: Pod) => index.classOf(pod.metadata?.namespace ?? '', pod.metadata?.labels ?? {});
    /** One pod has to match all terms for the affinity; none of those that match any may be near for the other. */
    const near = (info: PodInfo, pod: Pod | undefined): boolean =>
      pod !== undefined &&
      info.terms.required.length > 0 &&
      info.terms.required.every(({ selector }) => index.matches(selector, classOf(pod)));
    const apart = (info: PodInfo, pod: Pod | undefined): boolean =>
      pod !== undefined && info.terms.requiredAnti.some(({ selector }) => index.matches(selector, classOf(pod)));

    return {
      name,
      preFilter(cycle, info) {
        const { required, requiredAnti } = info.terms;
        const existing: Domains[] = [];
        if (index.requiredAntiHolders > 0) {
          for (const selector of index.matching(info.labelClass)) {
            for (const { kind, topologyKey, counter } of selector.holders) {
              if (kind !== 'requiredAnti' || counter.rows.total === 0) continue;
              const column = nodes.column(topologyKey);
              existing.push({ column, tally: counter.byDomain(column) });
            }
          }
        }
        if (required.length === 0 && requiredAnti.length === 0 && existing.length === 0) return skip;
        let affinity = none;
        let self = false;
        if (required.length > 0) {
          const spec = conjunction(required);
          const members = index.members(spec);
          affinity = required.map(({ topologyKey }) => {
            const column = nodes.column(topologyKey);
            return { column, tally: members.byDomain(column) };
          });
          self = index.matches(spec, info.labelClass);
        }
        const antiAffinity = requiredAnti.map(({ selector, topologyKey }) => {
          const column = nodes.column(topologyKey);
          return { column, tally: index.members(selector).byDomain(column) };
        });
        cycle.write(filterKey, { affinity, self, antiAffinity, existing });
        return undefined;
      },
      // The tallies are live: a pod that is tried on or taken off shows in them by itself.
      filter(cycle, _info, row) {
        const state = cycle.need(filterKey);
        if (state.affinity.length > 0 && !affinityMet(state, row)) return affinityUnmet;
        for (const domains of state.antiAffinity) if (present(domains, row)) return antiAffinityUnmet;
        for (const domains of state.existing) if (present(domains, row)) return existingAntiAffinity;
        return undefined;
      },
      filterRows(cycle, _info, rows, count, failed, mark) {
        const state = cycle.need(filterKey);
        if (state.affinity.length > 0) {
          for (let i = 0; i < count; i++) if (failed[i] === 0 && !affinityMet(state, rows[i]!)) failed[i] = mark;
        }
        for (const list of [state.antiAffinity, state.existing]) {
          for (const domains of list) {
            for (let i = 0; i < count; i++) if (failed[i] === 0 && present(domains, rows[i]!)) failed[i] = mark;
          }
        }
      },
      preScore(cycle, info) {
        const { preferred, preferredAnti } = info.terms;
        const own = preferred.length + preferredAnti.length > 0;
        if (!own && (index.scoringHolders === 0 || ignoreExisting)) return skip;
        const entries: (Domains & { factor: number })[] = [];
        const add = (topologyKey: string, counter: ReturnType<typeof index.members>, factor: number) => {
          if (counter.rows.total === 0) return;
          const column = nodes.column(topologyKey);
          const tally = counter.byDomain(column);
          if (tally.total > 0) entries.push({ column, tally, factor });
        };
        for (const term of preferred) add(term.topologyKey, index.members(term.selector), term.weight);
        for (const term of preferredAnti) add(term.topologyKey, index.members(term.selector), -term.weight);
        if (index.scoringHolders > 0) {
          for (const selector of index.matching(info.labelClass)) {
            for (const { kind, topologyKey, weight, counter } of selector.holders) {
              if (kind === 'requiredAnti' || (kind === 'required' && hardWeight === 0)) continue;
              const factor = kind === 'required' ? hardWeight : kind === 'preferred' ? weight : -weight;
              add(topologyKey, counter, factor);
            }
          }
        }
        if (entries.length === 0) return skip;
        cycle.write(scoreKey, entries);
        return undefined;
      },
      score(cycle, _info, row) {
        let score = 0;
        for (const { column, tally, factor } of cycle.need(scoreKey)) {
          const domain = column.values[row]!;
          if (domain >= 0) score += factor * tally.get(domain);
        }
        return score;
      },
      scoreRows(cycle, _info, rows, count, scores) {
        scores.fill(0, 0, count);
        for (const { column, tally, factor } of cycle.need(scoreKey)) {
          const { values } = column;
          for (let i = 0; i < count; i++) {
            const domain = values[rows[i]!]!;
            if (domain >= 0) scores[i]! += factor * tally.get(domain);
          }
        }
      },
      normalizeScore(_cycle, _info, _rows, count, scores) {
        let least = Number.POSITIVE_INFINITY;
        let most = Number.NEGATIVE_INFINITY;
        for (let i = 0; i < count; i++) {
          least = Math.min(least, scores[i]!);
          most = Math.max(most, scores[i]!);
        }
        const range = most - least;
        for (let i = 0; i < count; i++) scores[i] = range > 0 ? Math.trunc(100 * ((scores[i]! - least) / range)) : 0;
      },
      events: () => [
        {
          resource: 'AssignedPod',
          action: Action.Add | Action.Delete | Action.UpdatePodLabel,
          hint(info, previous, current) {
            const before = previous as Pod | undefined;
            const after = current as Pod | undefined;
            // A pod to be near came, or one to stay away from went.
            if (near(info, after) && !near(info, before)) return true;
            if (apart(info, before) && !apart(info, after)) return true;
            if (!before || after) return false;
            // The last to be near may have gone, so that the pod is the first of its group; or one that kept it away.
            if (near(info, before)) return true;
            const terms = before.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
            return (terms?.length ?? 0) > 0;
          },
        },
        { resource: 'TargetPod', action: Action.UpdatePodLabel },
        { resource: 'Node', action: Action.Add | Action.UpdateNodeLabel },
      ],
    };
  },
};
