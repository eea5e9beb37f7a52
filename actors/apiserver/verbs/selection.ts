/** What a list or a watch selects: the label and field selectors of the request as one predicate over entries. */
import {
  type FieldRequirement,
  type KindDefinition,
  parseFieldSelector,
  parseLabelSelector,
  StatusError,
  unsupportedField,
} from '../../../src/api/index.ts';
import type { Entry } from '../cache/entry.ts';
import type { Call } from '../call.ts';
import { messageOf } from '../failures.ts';
import { INDEXED_FIELDS } from '../indexes.ts';
import { interestOf } from '../interests.ts';

export interface Selection {
  /** Undefined when the request has no selector. Namespace and name of the path are not part of it. */
  readonly matches: ((entry: Entry) => boolean) | undefined;
  /** Whether an update matters to who asks; undefined when all do. */
  readonly minds?: ((before: Entry, after: Entry) => boolean) | undefined;
  /** Equal texts select the same. */
  readonly text: string;
  /** Value that `metadata.name` must have. */
  readonly name: string | undefined;
  /** Value that the kind's indexed field must have. */
  readonly indexed: string | undefined;
}

const NOTHING: Selection = { matches: undefined, text: '', name: undefined, indexed: undefined };

/** Parses the request's selectors; 400 with upstream's texts when they are malformed. */
export function selectionOf(call: Call): Selection {
  const labels = call.query['labelSelector'] ?? '';
  const fields = call.query['fieldSelector'] ?? '';
  const interest = call.door === 'bus' ? (call.query['interest'] ?? '') : '';
  if (labels === '' && fields === '' && interest === '') return NOTHING;
  const interests = interest === '' ? undefined : interestOf(interest);
  const { kind } = call;
  const requirements = fields === '' ? [] : fieldRequirements(kind, fields);
  const labelSelector = labels === '' ? undefined : refuse(() => parseLabelSelector(labels));
  const readers = requirements.map(({ field, operator, value }) => ({
    read: readerOf(kind, field),
    wanted: operator !== '!=',
    value,
  }));
  const indexed = INDEXED_FIELDS[kind.storagePrefix]?.label;
  const { matches: concerns, minds } = interests ?? {};
  return {
    minds: minds === undefined ? undefined : (before, after) => minds(before.object, after.object),
    text: `${kind.version}|${labels}|${fields}|${interest}`,
    name: demanded(requirements, 'metadata.name'),
    indexed: indexed === undefined ? undefined : demanded(requirements, indexed),
    matches(entry) {
      // What a webhook would have to convert is judged as it is stored.
      const { object } = kind.conversion?.webhook === undefined ? entry.view(kind) : entry;
      if (concerns?.(object) === false) return false;
      for (const { read, wanted, value } of readers) if ((read(object) === value) !== wanted) return false;
      return labelSelector === undefined || labelSelector.matches(object.metadata['labels'] as Record<string, string>);
    },
  };
}

/** The value that the requirements demand of a field. */
function demanded(requirements: readonly FieldRequirement[], wanted: string): string | undefined {
  return requirements.find(({ field, operator }) => field === wanted && operator !== '!=')?.value;
}

function fieldRequirements(kind: KindDefinition, text: string): readonly FieldRequirement[] {
  const { requirements } = refuse(() => parseFieldSelector(text));
  for (const { field } of requirements) {
    if (field === 'metadata.name' || (field === 'metadata.namespace' && kind.namespaced)) continue;
    if (kind.selectableFields?.[field] !== undefined) continue;
    throw StatusError.badRequest(
      kind.selectableFields === undefined
        ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
        : (kind.unsupportedField?.(field) ?? unsupportedField(field)),
    );
  }
  return requirements;
}

function readerOf(kind: KindDefinition, field: string): (object: Entry['object']) => string {
  const read = kind.selectableFields?.[field];
  if (read !== undefined) return read;
  return field === 'metadata.name'
    ? (object) => object.metadata.name ?? ''
    : (object) => object.metadata.namespace ?? '';
}

function refuse<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    throw error instanceof StatusError ? error : StatusError.badRequest(messageOf(error));
  }
}
