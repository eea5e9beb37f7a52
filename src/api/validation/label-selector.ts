/**
 * Label selectors as objects: what upstream refuses in them, and when one matches nothing or everything.
 * @see apimachinery/pkg/apis/meta/v1/validation/validation.go
 */
import type { LabelSelector } from '../generated/types.ts';
import { at, type Check, type Path, type Step } from './check.ts';
import { checkLabels } from './metadata.ts';

/** Operators, keys and values of a selector; none is fine. `strict` false leaves out the values of expressions, for what is stored already. */
export function checkLabelSelector(
  check: Check,
  selector: LabelSelector | undefined,
  path: Path,
  step: Step,
  strict = true,
): void {
  if (selector === undefined || selector === null) return;
  const here = at(path, step);
  if (selector.matchLabels !== undefined) checkLabels(check, selector.matchLabels, here, 'matchLabels');
  selector.matchExpressions?.forEach((requirement, index) => {
    const place = at(at(here, 'matchExpressions'), index);
    const values = requirement.values ?? [];
    switch (requirement.operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0)
          check.required(place, 'values', "must be specified when `operator` is 'In' or 'NotIn'");
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0)
          check.forbidden(place, 'values', "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        break;
      default:
        check.invalid(place, 'operator', requirement.operator ?? '', 'not a valid selector operator');
    }
    check.qualifiedName(place, 'key', requirement.key ?? '');
    for (let order = 0; strict && order < values.length; order++)
      check.labelValue(at(place, 'values'), order, values[order] ?? '');
  });
}

/** True when a selector asks for nothing, and so matches everything. */
export function selectsEverything(selector: LabelSelector): boolean {
  for (const _ in selector.matchLabels) return false;
  return (selector.matchExpressions?.length ?? 0) === 0;
}
