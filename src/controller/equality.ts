/**
 * Deep equality of API data as upstream's semantic equality has it: an absent member, null, an empty list and an empty map
 * are the same. Controllers ask it before they write, so that nothing is written without need.
 */
export function semanticallyEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (isEmpty(left) && isEmpty(right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, at) => semanticallyEqual(item, right[at]));
  }
  const leftMembers = left as Record<string, unknown>;
  const rightMembers = right as Record<string, unknown>;
  for (const name in leftMembers) if (!semanticallyEqual(leftMembers[name], rightMembers[name])) return false;
  for (const name in rightMembers) {
    if (!(name in leftMembers) && !isEmpty(rightMembers[name])) return false;
  }
  return true;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.length === 0;
  for (const name in value) if (!isEmpty((value as Record<string, unknown>)[name])) return false;
  return true;
}
