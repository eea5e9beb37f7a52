/**
 * The status of a CustomResourceDefinition: which of its names are accepted, and its conditions. The first definition of a group
 * that claims a name has it; another one waits until the name is free. Pure functions: the API server writes what they return.
 * @see apiextensions-apiserver/pkg/controller/status/naming_controller.go, establish/establishing_controller.go
 */
import { quote } from '../go-text.ts';
import { approvalCondition } from './approval.ts';
import type { Definition, DefinitionNames } from './custom-kind.ts';

export interface DefinitionCondition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string;
  readonly reason?: string;
  readonly message?: string;
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

export interface NamedStatus {
  readonly conditions: readonly DefinitionCondition[];
  readonly acceptedNames: DefinitionNames;
}

export function conditionOf(definition: Definition, type: string): DefinitionCondition | undefined {
  return (definition.status?.conditions ?? []).find((condition) => condition.type === type);
}

export function isEstablished(definition: Definition): boolean {
  return conditionOf(definition, 'Established')?.status === 'True';
}

/** The conditions with `condition` among them; its time moves only when its status does. */
export function withCondition(
  conditions: readonly DefinitionCondition[] | null | undefined,
  condition: DefinitionCondition,
  now: string,
): DefinitionCondition[] {
  const list = [...(conditions ?? [])];
  const at = list.findIndex(({ type }) => type === condition.type);
  const before = list[at];
  const lastTransitionTime = before?.status === condition.status ? (before.lastTransitionTime ?? now) : now;
  const { type, status, reason, message } = condition;
  const next = { type, status, lastTransitionTime, ...(reason ? { reason } : {}), ...(message ? { message } : {}) };
  if (at < 0) list.push(next);
  else list[at] = next;
  return list;
}

/** Names and conditions as they should be, given all other definitions of the group. */
export function namedStatus(definition: Definition, others: readonly Definition[], now: string): NamedStatus {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const { status } of others) {
    const names = status?.acceptedNames;
    if (names === undefined) continue;
    for (const name of [names.plural, names.singular, ...(names.shortNames ?? [])]) if (name) resources.add(name);
    for (const name of [names.kind, names.listKind]) if (name) kinds.add(name);
  }
  const { acceptedNames, problem } = accept(definition, resources, kinds);
  const accepted: DefinitionCondition =
    problem === undefined
      ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
      : { type: 'NamesAccepted', status: 'False', ...problem };
  let conditions = withCondition(definition.status?.conditions as DefinitionCondition[] | undefined, accepted, now);
  // Once established a definition stays it: its objects must remain readable.
  if (!isEstablished(definition)) conditions = withCondition(conditions, establishedBy(problem === undefined), now);
  const approval = approvalCondition(definition.spec.group, definition.metadata.annotations);
  if (approval !== undefined) conditions = withCondition(conditions, approval, now);
  return { conditions, acceptedNames };
}

function establishedBy(namesAccepted: boolean): DefinitionCondition {
  return namesAccepted
    ? {
        type: 'Established',
        status: 'True',
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
      }
    : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' };
}

interface Problem {
  readonly reason: string;
  readonly message: string;
}

/** The names that are free or its own already. Of several conflicts the last is told. */
function accept(
  { spec, status }: Definition,
  resources: ReadonlySet<string>,
  kinds: ReadonlySet<string>,
): { acceptedNames: DefinitionNames; problem: Problem | undefined } {
  const wanted = spec.names;
  const had = status?.acceptedNames ?? { plural: '', kind: '' };
  const names: Writable<DefinitionNames> = { ...had };
  let problem: Problem | undefined;
  const isFree = (name: string, own: string | undefined, taken: ReadonlySet<string>) =>
    name === own || !taken.has(name);
  const inUse = (name: string) => `${quote(name)} is already in use`;
  const claim = (name: 'plural' | 'singular' | 'kind' | 'listKind', taken: ReadonlySet<string>, reason: string) => {
    const value = wanted[name] ?? '';
    if (isFree(value, had[name] ?? '', taken)) names[name] = value;
    else problem = { reason, message: inUse(value) };
  };
  claim('plural', resources, 'PluralConflict');
  claim('singular', resources, 'SingularConflict');
  const clashing = (wanted.shortNames ?? []).filter(
    (name) => !(had.shortNames ?? []).includes(name) && resources.has(name),
  );
  if (clashing.length === 0) names.shortNames = wanted.shortNames ?? [];
  else {
    const texts = clashing.map(inUse);
    problem = { reason: 'ShortNamesConflict', message: texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]` };
  }
  claim('kind', kinds, 'KindConflict');
  claim('listKind', kinds, 'ListKindConflict');
  return { acceptedNames: inOrder({ ...names, categories: wanted.categories ?? [] }), problem };
}

/** As upstream writes them: empty ones are left out, but for those that must be there. */
function inOrder({ plural, singular, shortNames, kind, listKind, categories }: DefinitionNames): DefinitionNames {
  return {
    plural,
    ...(singular ? { singular } : {}),
    ...(shortNames?.length ? { shortNames } : {}),
    kind,
    ...(listKind ? { listKind } : {}),
    ...(categories?.length ? { categories } : {}),
  };
}
