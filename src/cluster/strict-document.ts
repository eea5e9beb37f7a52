/**
 * Configuration files are read strictly: a member that is not known, or a value of another type, is an error and never left
 * out, because what is misspelt there opens doors or closes them. What a document may hold is data, a {@link Shape}.
 */
import { ClusterOptionsError } from './options-error.ts';

/** A list has one element, the shape of its items; `any` is whatever it is. Durations are texts such as `5m`. */
export type Shape = 'string' | 'boolean' | 'integer' | 'any' | readonly [Shape] | { readonly [member: string]: Shape };

/** @throws ClusterOptionsError in one line that begins with `where` and names every fault by its path. */
export function refuseOddMembers(where: string, document: object, shape: Shape): void {
  const faults: string[] = [];
  look(document, shape, '', faults);
  if (faults.length > 0) throw new ClusterOptionsError(`${where}: strict decoding error: ${faults.join(', ')}`);
}

/** What is null or undefined is not there. */
function look(value: unknown, shape: Shape, path: string, faults: string[]): void {
  if (value === null || value === undefined || shape === 'any') return;
  if (typeof shape === 'string') {
    const isRight = shape === 'integer' ? Number.isInteger(value) : typeof value === shape;
    if (!isRight) faults.push(`${path}: must be ${NAMES[shape]}, not ${shown(value)}`);
    return;
  }
  if (isList(shape)) {
    if (!Array.isArray(value)) {
      faults.push(`${path}: must be a list, not ${shown(value)}`);
      return;
    }
    for (const [index, item] of value.entries()) look(item, shape[0], `${path}[${index}]`, faults);
    return;
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    faults.push(`${path}: must be an object, not ${shown(value)}`);
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    const place = path === '' ? name : `${path}.${name}`;
    if (Object.hasOwn(shape, name)) look(member, shape[name] as Shape, place, faults);
    else faults.push(`unknown field ${JSON.stringify(place)}`);
  }
}

const isList = (shape: Shape): shape is readonly [Shape] => Array.isArray(shape);

const NAMES = { string: 'a string (put it in quotes)', boolean: 'true or false', integer: 'a whole number' };

/** Never the value of a text, which may be a secret. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' || typeof value === 'string' ? `a ${typeof value}` : `the ${typeof value} ${value}`;
}
