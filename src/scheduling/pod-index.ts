/**
 * Who matches whom among pods, counted as pods come and go instead of on each attempt. Three things are interned:
 * label classes (namespace and labels; all replicas of a Deployment are one), pod selectors (namespaces and label
 * selectors, as affinity terms and spreading constraints carry them), and term holders (how many pods on each row
 * carry a given affinity term). A class knows the selectors that match it, so placing a pod costs O(its matches).
 *
 * With selector S counted, row counts of S after each step:
 *     place a(app=x) on row 3   → S(app=x): {3: 1}
 *     place b(app=x) on row 5   → S: {3: 1, 5: 1}; by zone, rows 3 and 5 being z1: {z1: 2}
 */
import type { Labels } from '../api/index.ts';
import { RowCounter } from './label-column.ts';
import type { AffinityTerms, PodInfo } from './pod-info.ts';
import type { LabelMatcher } from './selectors.ts';

/** Which pods: those in the namespaces (a null set: all) that match the labels. */
export interface SelectorPart {
  readonly namespaces: ReadonlySet<string> | null;
  /** Also the namespaces whose labels match. */
  readonly namespaceMatcher: LabelMatcher | undefined;
  readonly matcher: LabelMatcher;
}

/** A selector not yet interned: its parts all have to match; `key` says the same for the same meaning. */
export interface SelectorSpec {
  readonly key: string;
  readonly parts: readonly SelectorPart[];
}

/** Namespace and labels of pods, interned. */
export interface LabelClass {
  readonly namespace: string;
  readonly labels: Labels;
  /** Kept by {@link PodIndex}: the selectors that match, as of `sequence` and `epoch`. */
  matching: PodSelector[];
  sequence: number;
  epoch: number;
}

export type TermKind = 'required' | 'requiredAnti' | 'preferred' | 'preferredAnti';

/** How many pods on each row carry one affinity term. */
export interface TermHolders {
  readonly kind: TermKind;
  readonly topologyKey: string;
  readonly weight: number;
  readonly counter: RowCounter;
}

export class PodSelector {
  readonly key: string;
  readonly parts: readonly SelectorPart[];
  readonly sequence: number;
  /** Matching pods by row, and those of them that are not being deleted; absent until somebody asked. */
  members: RowCounter | undefined;
  lasting: RowCounter | undefined;
  readonly holders: TermHolders[] = [];

  constructor(spec: SelectorSpec, sequence: number) {
    this.key = spec.key;
    this.parts = spec.parts;
    this.sequence = sequence;
  }

  get dependsOnNamespaces(): boolean {
    return this.parts.some((part) => part.namespaceMatcher !== undefined);
  }

  holder(kind: TermKind, topologyKey: string, weight: number): TermHolders {
    for (const holder of this.holders) {
      if (holder.kind === kind && holder.topologyKey === topologyKey && holder.weight === weight) return holder;
    }
    const holder = { kind, topologyKey, weight, counter: new RowCounter() };
    this.holders.push(holder);
    return holder;
  }
}

const kinds = ['required', 'requiredAnti', 'preferred', 'preferredAnti'] as const satisfies (keyof AffinityTerms)[];

export interface PodIndexLimits {
  /** Interned selectors kept; beyond it, those that nobody holds are dropped and counted anew when needed. */
  readonly selectorsMax: number;
  readonly classesMax: number;
}

export class PodIndex {
  readonly #limits: PodIndexLimits;
  readonly #forEachPlaced: (callback: (info: PodInfo) => void) => void;
  #classes = new Map<string, LabelClass>();
  readonly #selectors = new Map<string, PodSelector>();
  /** In order of their sequence. */
  #ordered: PodSelector[] = [];
  #sequence = 0;
  /** Grows when matches may have changed otherwise than by new selectors. */
  #epoch = 0;
  readonly #namespaces = new Map<string, Labels>();
  /** Pods on nodes that hold required anti-affinity terms; 0 lets plugins skip. */
  requiredAntiHolders = 0;
  /** Pods on nodes that hold any other affinity term. */
  scoringHolders = 0;

  constructor(
    forEachPlaced: (callback: (info: PodInfo) => void) => void,
    limits: PodIndexLimits = { selectorsMax: 16_384, classesMax: 65_536 },
  ) {
    this.#forEachPlaced = forEachPlaced;
    this.#limits = limits;
  }

  classOf(namespace: string, labels: Labels): LabelClass {
    let key = namespace;
    for (const name in labels) key += `\n${name}=${labels[name]}`;
    let found = this.#classes.get(key);
    if (!found) {
      // Classes in use live on in their pods; a dropped one is only interned a second time.
      if (this.#classes.size >= this.#limits.classesMax) this.#classes = new Map();
      found = { namespace, labels, matching: [], sequence: 0, epoch: this.#epoch };
      this.#classes.set(key, found);
    }
    return found;
  }

  selector(spec: SelectorSpec): PodSelector {
    let found = this.#selectors.get(spec.key);
    if (!found) {
      if (this.#selectors.size >= this.#limits.selectorsMax) this.#sweep();
      found = new PodSelector(spec, ++this.#sequence);
      this.#selectors.set(spec.key, found);
      this.#ordered.push(found);
    }
    return found;
  }

  #sweep(): void {
    for (const selector of this.#ordered) {
      if (selector.holders.some((holder) => holder.counter.rows.total > 0)) continue;
      selector.members?.dispose();
      selector.lasting?.dispose();
      for (const holder of selector.holders) holder.counter.dispose();
      this.#selectors.delete(selector.key);
    }
    this.#ordered = [...this.#selectors.values()];
    this.#epoch++;
  }

  matches(selector: SelectorSpec, labelClass: LabelClass): boolean {
    for (const part of selector.parts) {
      const inNamespace =
        part.namespaces === null ||
        part.namespaces.has(labelClass.namespace) ||
        part.namespaceMatcher?.(this.#namespaces.get(labelClass.namespace) ?? {});
      if (!inNamespace || !part.matcher(labelClass.labels)) return false;
    }
    return true;
  }

  /** All interned selectors that match the class. */
  matching(labelClass: LabelClass): readonly PodSelector[] {
    if (labelClass.epoch !== this.#epoch) {
      labelClass.epoch = this.#epoch;
      labelClass.sequence = 0;
      labelClass.matching = [];
    }
    if (labelClass.sequence !== this.#sequence) {
      for (let i = this.#ordered.length - 1; i >= 0; i--) {
        const selector = this.#ordered[i]!;
        if (selector.sequence <= labelClass.sequence) break;
        if (this.matches(selector, labelClass)) labelClass.matching.push(selector);
      }
      labelClass.sequence = this.#sequence;
    }
    return labelClass.matching;
  }

  /** Pods on nodes that match, by row; counted from all pods the first time, live from then on. */
  members(spec: SelectorSpec): RowCounter {
    const selector = this.selector(spec);
    selector.members ??= this.#countAll(selector, () => true);
    return selector.members;
  }

  /** As {@link members}, without the pods that are being deleted. */
  lasting(spec: SelectorSpec): RowCounter {
    const selector = this.selector(spec);
    selector.lasting ??= this.#countAll(selector, (info) => !info.terminating);
    return selector.lasting;
  }

  #countAll(selector: PodSelector, counts: (info: PodInfo) => boolean): RowCounter {
    const counter = new RowCounter();
    const known = new Map<LabelClass, boolean>();
    this.#forEachPlaced((info) => {
      let match = known.get(info.labelClass);
      if (match === undefined) {
        match = this.matches(selector, info.labelClass);
        known.set(info.labelClass, match);
      }
      if (match && counts(info)) counter.add(info.row, 1);
    });
    return counter;
  }

  /** Counts a pod that was placed on (`amount` 1) or taken from (-1) a row. */
  count(info: PodInfo, row: number, amount: 1 | -1): void {
    for (const selector of this.matching(info.labelClass)) {
      selector.members?.add(row, amount);
      if (!info.terminating) selector.lasting?.add(row, amount);
    }
    const { terms } = info;
    for (const kind of kinds) {
      for (const term of terms[kind]) {
        this.selector(term.selector).holder(kind, term.topologyKey, term.weight).counter.add(row, amount);
        if (kind === 'requiredAnti') this.requiredAntiHolders += amount;
        else this.scoringHolders += amount;
      }
    }
  }

  /** Tells the labels of a namespace; undefined when it is gone. */
  setNamespace(name: string, labels: Labels | undefined): void {
    const previous = this.#namespaces.get(name);
    if (labels) this.#namespaces.set(name, labels);
    else this.#namespaces.delete(name);
    if (JSON.stringify(previous ?? {}) === JSON.stringify(labels ?? {})) return;
    const affected = this.#ordered.filter((selector) => selector.dependsOnNamespaces);
    if (affected.length === 0) return;
    for (const selector of affected) {
      selector.members?.dispose();
      selector.lasting?.dispose();
      selector.members = undefined;
      selector.lasting = undefined;
    }
    this.#epoch++;
  }

  namespaceLabels(name: string): Labels {
    return this.#namespaces.get(name) ?? {};
  }
}
