/**
 * The JSONPath of printer columns and selectable fields: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`,
 * `.metadata.labels.app\.io/name`, `['a.b']`, `[0]`, `[-1:]`, `[*]`, `..name`. Parsed once, then read from many objects.
 *
 * @see k8s.io/client-go/util/jsonpath
 */

/** The expression cannot be read; the message says where. */
export class JsonPathError extends Error {
  override readonly name = 'JsonPathError';
}

export type JsonPath = (object: unknown) => unknown[];

type Step = (value: unknown, root: unknown) => readonly unknown[];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const member =
  (name: string): Step =>
  (value) =>
    isObject(value) && Object.hasOwn(value, name) ? [value[name]] : [];

const everyMember: Step = (value) => (Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []);

/** Steps into descendants: the value itself and all below it. */
const descendants: Step = (value) => {
  const found: unknown[] = [value];
  for (const item of everyMember(value, undefined)) found.push(...descendants(item, undefined));
  return found.filter((item) => typeof item === 'object' && item !== null);
};

function slice(text: string): Step {
  const [start, end, step = '1'] = text.split(':').map((part) => part.trim());
  const increment = step === '' ? 1 : Number(step);
  return (value) => {
    if (!Array.isArray(value)) return [];
    const bound = (part: string | undefined, otherwise: number): number => {
      if (part === undefined || part === '') return otherwise;
      const index = Number(part);
      return Math.max(0, Math.min(value.length, index < 0 ? index + value.length : index));
    };
    const found: unknown[] = [];
    const last = bound(end, value.length);
    for (let index = bound(start, 0); index < last; index += Math.max(1, increment)) found.push(value[index]);
    return found;
  };
}

const index =
  (at: number): Step =>
  (value) =>
    Array.isArray(value) && value.at(at) !== undefined ? [value.at(at)] : [];

/** `?(@.type=="Ready")`; without an operator the path must exist. */
function filter(text: string): Step {
  const parts = /^\?\(\s*(.+?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?)\s*)?\)$/.exec(text);
  if (parts === null) throw new JsonPathError(`cannot read the filter ${text}`);
  const [, left = '', operator, right = ''] = parts;
  const readLeft = operand(left);
  const readRight = operator === undefined ? undefined : operand(right);
  return (value, root) =>
    everyMember(value, root).filter((item) => {
      const [found] = readLeft(item, root);
      if (readRight === undefined) return found !== undefined;
      const [wanted] = readRight(item, root);
      return found !== undefined && wanted !== undefined && compare(found, wanted, operator ?? '==');
    });
}

function operand(text: string): Step {
  if (text.startsWith('@')) {
    const path = parseJsonPath(text.slice(1) || '.');
    return (value) => path(value);
  }
  if (text.startsWith('$')) {
    const path = parseJsonPath(text.slice(1) || '.');
    return (_, root) => path(root);
  }
  const quoted = /^(['"])(.*)\1$/s.exec(text)?.[2];
  if (quoted !== undefined) return () => [quoted];
  if (text === 'true' || text === 'false') return () => [text === 'true'];
  const number = Number(text);
  if (Number.isNaN(number)) throw new JsonPathError(`cannot read the operand ${text}`);
  return () => [number];
}

function compare(left: unknown, right: unknown, operator: string): boolean {
  switch (operator) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    default: {
      if (typeof left !== typeof right) return false;
      const order = (left as number) < (right as number) ? -1 : (left as number) > (right as number) ? 1 : 0;
      if (operator === '<') return order < 0;
      if (operator === '<=') return order <= 0;
      return operator === '>' ? order > 0 : order >= 0;
    }
  }
}

function bracket(text: string): Step {
  const inner = text.trim();
  if (inner === '*') return everyMember;
  if (inner.startsWith('?')) return filter(inner);
  if (/^-?\d+$/.test(inner)) return index(Number(inner));
  if (/^-?\d*:-?\d*(?::-?\d*)?$/.test(inner)) return slice(inner);
  const names = [...inner.matchAll(/\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|(-?\d+))\s*(?:,|$)/g)];
  if (names.length === 0) throw new JsonPathError(`cannot read [${text}]`);
  const steps = names.map(([, single, double, number]) =>
    number === undefined ? member((single ?? double ?? '').replace(/\\(.)/g, '$1')) : index(Number(number)),
  );
  return (value, root) => steps.flatMap((step) => step(value, root));
}

/** The end of a bracket that begins at `start`, past quotes and inner brackets. */
function closing(text: string, start: number): number {
  let depth = 0;
  let quote = '';
  for (let at = start; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (quote !== '') {
      if (character === '\\') at += 1;
      else if (character === quote) quote = '';
    } else if (character === "'" || character === '"') quote = character;
    else if (character === '[') depth += 1;
    else if (character === ']') {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  throw new JsonPathError(`unterminated array in ${text}`);
}

/**
 * A function that reads the path from an object: all values found, none when there is nothing.
 * @throws JsonPathError
 */
export function parseJsonPath(text: string): JsonPath {
  const path = text.replace(/^\{(.*)\}$/s, '$1').replace(/^[$@]/, '');
  const steps: Step[] = [];
  let at = 0;
  while (at < path.length) {
    if (path.startsWith('..', at)) {
      steps.push(descendants);
      at += path[at + 2] === '[' ? 2 : 1;
    } else if (path[at] === '[') {
      const end = closing(path, at);
      steps.push(bracket(path.slice(at + 1, end)));
      at = end + 1;
    } else if (path[at] === '.' || at === 0) {
      const name = /^\.?((?:\\.|[^.[\]\\])*)/.exec(path.slice(at));
      const [whole = '', escaped = ''] = name ?? [];
      at += whole.length;
      if (escaped === '*') steps.push(everyMember);
      else if (escaped !== '') steps.push(member(escaped.replace(/\\(.)/g, '$1')));
      else if (whole === '') throw new JsonPathError(`cannot read ${text} at ${at}`);
    } else throw new JsonPathError(`cannot read ${text} at ${at}`);
  }
  return (object) =>
    steps.reduce<unknown[]>((values, step) => values.flatMap((value) => step(value, object)), [object]);
}
