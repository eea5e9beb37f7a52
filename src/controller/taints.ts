/** Taints and tolerations of nodes and pods. */
import type { Taint, Toleration } from '../api/index.ts';

/** An empty key with `Exists` tolerates every taint; an empty effect every effect. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = 'Equal', value = '', effect = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  switch (operator) {
    case '':
    case 'Equal':
      return value === (taint.value ?? '');
    case 'Exists':
      return true;
    case 'Lt':
    case 'Gt':
      return comparesNumerically(operator, value, taint.value ?? '');
    default:
      return false;
  }
}

function comparesNumerically(operator: string, tolerated: string, value: string): boolean {
  if (!/^-?\d+$/.test(tolerated) || !/^-?\d+$/.test(value)) return false;
  return operator === 'Lt' ? Number(value) < Number(tolerated) : Number(value) > Number(tolerated);
}

/** Same key and effect: what may stand on a node only once. */
export function sameTaint(left: Taint, right: Taint): boolean {
  return left.key === right.key && left.effect === right.effect;
}
