/** Tolerations of pods put together with those that plugins bring. @see pkg/util/tolerations/tolerations.go */

export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  tolerationSeconds?: number;
}

/** Both lists, without what another one of them covers; of equal ones the first stays. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second];
  const merged: Toleration[] = [];
  for (const [index, toleration] of all.entries()) {
    if (merged.some((other) => covers(other, toleration))) continue;
    const later = all.slice(index + 1);
    if (!later.some((other) => covers(other, toleration) && !equal(other, toleration))) merged.push(toleration);
  }
  return merged;
}

/** Whether whatever `narrow` tolerates is tolerated by `wide` as well. */
export function covers(wide: Toleration, narrow: Toleration): boolean {
  if (equal(wide, narrow)) return true;
  const everyKey = (wide.key ?? '') === '' && wide.operator === 'Exists';
  if (wide.key !== narrow.key && !everyKey) return false;
  if ((wide.effect ?? '') !== '' && wide.effect !== narrow.effect) return false;
  if (wide.effect === 'NoExecute' && wide.tolerationSeconds !== undefined) {
    if (narrow.tolerationSeconds === undefined || wide.tolerationSeconds < narrow.tolerationSeconds) return false;
  }
  const operator = wide.operator ?? '';
  if (operator === 'Exists') return true;
  return (
    (operator === '' || operator === 'Equal') &&
    narrow.operator !== 'Exists' &&
    (wide.value ?? '') === (narrow.value ?? '')
  );
}

function equal(one: Toleration, other: Toleration): boolean {
  return (
    (one.key ?? '') === (other.key ?? '') &&
    (one.operator ?? '') === (other.operator ?? '') &&
    (one.value ?? '') === (other.value ?? '') &&
    (one.effect ?? '') === (other.effect ?? '') &&
    one.tolerationSeconds === other.tolerationSeconds
  );
}
