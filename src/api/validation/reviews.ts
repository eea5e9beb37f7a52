/**
 * Questions about access: who asks for what, told one way. They are answered and not stored; the API server asks for this before it answers.
 * @see pkg/apis/authorization/validation/validation.go
 */
import { type FieldError, fieldPath } from '../field-errors.ts';
import type { ObjectMeta, ResourceAttributes, SubjectAccessReviewSpec } from '../generated/types.ts';
import { at, type Check, collect, isBlank, type Path } from './check.ts';

/** Who is meant: whoever asks, anybody named, or anybody named in one namespace. */
export type ReviewScope = 'self' | 'any' | 'local';

type Selector = NonNullable<ResourceAttributes['fieldSelector'] | ResourceAttributes['labelSelector']>;

const specPath = fieldPath('spec');

/** @returns upstream's errors of a review, none for one that can be answered. */
export function validateAccessReview(
  scope: ReviewScope,
  review: {
    readonly metadata?: ObjectMeta | undefined;
    readonly spec?: Partial<SubjectAccessReviewSpec> | null | undefined;
  },
): FieldError[] {
  const spec = review.spec ?? {};
  const resource = spec.resourceAttributes ?? undefined;
  const other = spec.nonResourceAttributes ?? undefined;
  return collect((check) => {
    if (resource && other)
      check.invalid(
        specPath,
        'nonResourceAttributes',
        { Path: other.path ?? '', Verb: other.verb ?? '' },
        'cannot be specified in combination with resourceAttributes',
      );
    if (!resource && !other)
      check.invalid(
        specPath,
        'resourceAttributes',
        null,
        'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      );
    if (scope !== 'self' && !spec.user && !spec.groups?.length)
      check.invalid(specPath, 'user', '', 'at least one of user or group must be specified');
    if (resource) checkSelectors(check, at(specPath, 'resourceAttributes'), resource);
    checkMetadata(check, scope, review.metadata ?? {});
    if (scope !== 'local') return;
    const namespace = resource?.namespace ?? '';
    if (resource && namespace !== (review.metadata?.namespace ?? ''))
      check.invalid(at(specPath, 'resourceAttributes'), 'namespace', namespace, 'must match metadata.namespace');
    if (other)
      check.invalid(
        specPath,
        'nonResourceAttributes',
        { Path: other.path ?? '', Verb: other.verb ?? '' },
        'disallowed on this kind of request',
      );
  });
}

function checkMetadata(check: Check, scope: ReviewScope, metadata: ObjectMeta): void {
  const { managedFields: _, namespace, ...rest } = metadata;
  const said = Object.values(rest).some((value) => !isBlank(value));
  if (scope === 'local') {
    if (said) check.invalid(undefined, 'metadata', metadata, 'must be empty except for namespace');
  } else if (said || namespace) check.invalid(undefined, 'metadata', metadata, 'must be empty');
}

function checkSelectors(check: Check, path: Path, { fieldSelector, labelSelector }: ResourceAttributes): void {
  if (fieldSelector) {
    const place = at(path, 'fieldSelector');
    checkForm(check, place, fieldSelector);
    fieldSelector.requirements?.forEach((requirement, index) => {
      const here = at(at(place, 'requirements'), index);
      if (!requirement.key) check.required(here, 'key', 'must be specified');
      checkValues(check, here, requirement);
    });
  }
  if (!labelSelector) return;
  const place = at(path, 'labelSelector');
  checkForm(check, place, labelSelector);
  labelSelector.requirements?.forEach((requirement, index) => {
    const here = at(at(place, 'requirements'), index);
    checkValues(check, here, requirement);
    check.qualifiedName(here, 'key', requirement.key ?? '');
    requirement.values?.forEach((value, order) => {
      check.labelValue(at(here, 'values'), order, value);
    });
  });
}

/** As text, or as a list, not both. */
function checkForm(check: Check, path: Path, { rawSelector, requirements }: Selector): void {
  const listed = (requirements ?? []).length > 0;
  if (rawSelector && listed)
    check.invalid(path, 'rawSelector', rawSelector, 'may not specified at the same time as requirements');
  if (!rawSelector && !listed)
    check.required(path, 'requirements', `when ${String(path)} is specified, requirements or rawSelector is required`);
}

/** Operators that are not known are left to the authorizer, which may be newer. */
function checkValues(
  check: Check,
  path: Path,
  { operator, values }: { readonly operator?: string; readonly values?: readonly string[] | null | undefined },
): void {
  const count = values?.length ?? 0;
  if ((operator === 'In' || operator === 'NotIn') && count === 0)
    check.required(path, 'values', "must be specified when `operator` is 'In' or 'NotIn'");
  if ((operator === 'Exists' || operator === 'DoesNotExist') && count > 0)
    check.forbidden(path, 'values', "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
}
