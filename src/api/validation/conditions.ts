/**
 * Conditions of the form that most kinds share: one of a type, with status, reason and time.
 * @see apimachinery/pkg/apis/meta/v1/validation/validation.go ValidateConditions
 */
import type { Condition } from '../generated/types.ts';
import { at, type Check, type Path } from './check.ts';

const statuses: readonly string[] = ['False', 'True', 'Unknown'];
const reasonPattern = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const reasonExpression = new RegExp(`^(?:${reasonPattern})$`);
const reasonMessage = `a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${reasonPattern}')`;
const reasonBytesMax = 1024;
const messageBytesMax = 32 * 1024;

/** `path` is the list's. */
export function checkConditions(check: Check, path: Path, conditions: readonly Condition[] | undefined): void {
  conditions?.forEach((condition, index) => {
    const place = at(path, index);
    if (conditions.findIndex(({ type }) => type === condition.type) < index)
      check.duplicate(place, 'type', condition.type);
    checkCondition(check, place, condition);
  });
}

function checkCondition(check: Check, path: Path, condition: Partial<Condition>): void {
  const { type = '', status, observedGeneration, lastTransitionTime, reason = '', message = '' } = condition;
  check.qualifiedName(path, 'type', type);
  check.oneOf(path, 'status', status, statuses);
  if (observedGeneration !== undefined && observedGeneration < 0)
    check.invalid(path, 'observedGeneration', observedGeneration, 'must be greater than or equal to zero');
  if (!lastTransitionTime) check.required(path, 'lastTransitionTime', 'must be set');
  if (reason === '') check.required(path, 'reason', 'must be set');
  else {
    if (!reasonExpression.test(reason)) check.invalid(path, 'reason', reason, reasonMessage);
    if (reason.length > reasonBytesMax) check.tooLong(path, 'reason', reasonBytesMax);
  }
  if (message.length > messageBytesMax) check.tooLong(path, 'message', messageBytesMax);
}
