/**
 * Go-template texts as scheduler_perf's files use them: `{{ .Index }}`, `{{ .Count }}`, a workload's own parameters, calls of
 * its functions, pipes, comments, trimmed space and `if`. Compiled once per file and rendered once per object; a text without
 * `{{` costs nothing.
 * @see kubernetes/test/integration/scheduler_perf/operations.go (getTemplateFuncs)
 */

type Value = string | number | boolean;

/** What a template may read: the object's number in its operation, how many there are, and the operation's templateParams. */
export type TemplateValues = Readonly<Record<string, Value>>;

/** Thrown for an expression that is not understood; names the expression and what is. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

const isTrue = (value: Value | undefined): boolean =>
  value !== undefined && value !== '' && value !== 0 && value !== false;

function numberOf(value: Value): number {
  const number = typeof value === 'boolean' || value === '' ? Number.NaN : Number(value);
  if (Number.isNaN(number)) throw new TemplateError(`template: "${value}" is no number`);
  return number;
}

const sum = (values: readonly Value[]) => values.reduce<number>((total, value) => total + numberOf(value), 0);
const product = (values: readonly Value[]) => values.reduce<number>((total, value) => total * numberOf(value), 1);
const difference = (a: Value = 0, b: Value = 0) => numberOf(a) - numberOf(b);

function quotient(a: Value = 0, b: Value = 0): number {
  if (numberOf(b) === 0) throw new TemplateError('template: division by zero');
  return numberOf(a) / numberOf(b);
}

/** `%d`, `%s`, `%v` and `%%`, with a width such as `%05d`. */
function formatted(format: Value = '', ...values: Value[]): string {
  let at = 0;
  return String(format).replace(/%(0?)(\d*)([dsv%])/g, (_, zero: string, width: string, verb: string) =>
    verb === '%' ? '%' : String(values[at++] ?? '').padStart(Number(width || 0), zero === '0' ? '0' : ' '),
  );
}

const functions: Readonly<Record<string, (...values: Value[]) => Value>> = {
  AddFloat: (...values) => sum(values),
  AddInt: (...values) => Math.trunc(sum(values)),
  SubtractFloat: difference,
  SubtractInt: (a, b) => Math.trunc(difference(a, b)),
  MultiplyFloat: (...values) => product(values),
  MultiplyInt: (...values) => Math.trunc(product(values)),
  DivideFloat: quotient,
  DivideInt: (a, b) => Math.trunc(quotient(a, b)),
  Mod: (a = 0, b = 1) => Math.trunc(numberOf(a)) % Math.trunc(numberOf(b)),
  eq: (a, ...others) => others.some((other) => other === a),
  ne: (a, b) => a !== b,
  lt: (a = 0, b = 0) => a < b,
  le: (a = 0, b = 0) => a <= b,
  gt: (a = 0, b = 0) => a > b,
  ge: (a = 0, b = 0) => a >= b,
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1) ?? false,
  or: (...values) => values.find(isTrue) ?? values.at(-1) ?? false,
  not: (value) => !isTrue(value),
  print: (...values) => values.join(''),
  printf: formatted,
};

type Expression = (values: TemplateValues) => Value;

/** One pipeline: calls with `|` between them, each result the last operand of the next. */
function compileExpression(source: string, names: readonly string[]): Expression {
  const tokens = source.match(/"(?:[^"\\]|\\.)*"|`[^`]*`|[()|]|-?\d+(?:\.\d+)?|\.?\w+/g) ?? [];
  let at = 0;
  const refuse = (): never => {
    const known = [...names.map((name) => `.${name}`), 'numbers'].join(', ');
    throw new TemplateError(
      `template expression "${source}" is not understood; it may use ${known} and ${Object.keys(functions).join(', ')}`,
    );
  };
  const term = (): Expression => {
    const token = tokens[at++];
    if (token === '(') {
      const inner = pipeline();
      if (tokens[at++] !== ')') throw new TemplateError(`template expression "${source}" lacks a closing bracket`);
      return inner;
    }
    if (token === undefined) return refuse();
    if (token.startsWith('.')) {
      const name = token.slice(1);
      if (!names.includes(name)) return refuse();
      return (values) => values[name] ?? '';
    }
    if (/^["`]/.test(token)) {
      const text = token.startsWith('"') ? (JSON.parse(token) as string) : token.slice(1, -1);
      return () => text;
    }
    if (token === 'true' || token === 'false') return () => token === 'true';
    if (/^-?\d/.test(token)) {
      const value = Number(token);
      return () => value;
    }
    return refuse();
  };
  const call = (piped?: Expression): Expression => {
    const named = functions[tokens[at] ?? ''];
    if (named === undefined) {
      if (piped !== undefined) return refuse();
      return term();
    }
    at++;
    const operands: Expression[] = [];
    while (at < tokens.length && tokens[at] !== ')' && tokens[at] !== '|') operands.push(term());
    if (piped !== undefined) operands.push(piped);
    return (values) => named(...operands.map((operand) => operand(values)));
  };
  const pipeline = (): Expression => {
    let result = call();
    while (tokens[at] === '|') {
      at++;
      result = call(result);
    }
    return result;
  };
  const compiled = pipeline();
  if (at !== tokens.length) throw new TemplateError(`template expression "${source}" has words too many`);
  return compiled;
}

type Part = (values: TemplateValues) => string;

/** Text and actions in turn: at even places text, at odd ones what stood between the brackets. `{{-` and `-}}` trim. */
function split(text: string): string[] {
  const parts = text.split(/\{\{(-?\s[\s\S]*?\s-|-\s[\s\S]*?|[\s\S]*?\s-|[\s\S]*?)\}\}/);
  return parts.map((part, index) => {
    if (index % 2 === 1) return part.replace(/^-\s|\s-$/g, '').trim();
    const afterTrim = /\s-$/.test(parts[index - 1] ?? '') ? part.trimStart() : part;
    return /^-\s/.test(parts[index + 1] ?? '') ? afterTrim.trimEnd() : afterTrim;
  });
}

/** Compiles `text`; the result renders it for given values. `names` are those of the values. @throws TemplateError */
export function compileTemplate(text: string, names: readonly string[] = ['Index', 'Count']): Part {
  if (!text.includes('{{')) return () => text;
  const parts = split(text);
  let at = 0;
  /** Everything up to `end` or `else` (left for the caller), or the end of the text. */
  const block = (inside: boolean): Part => {
    const pieces: Part[] = [];
    for (; at < parts.length; at++) {
      const part = parts[at] ?? '';
      if (at % 2 === 0) {
        if (part !== '') pieces.push(() => part);
      } else if (/^(end|else\b)/.test(part)) {
        if (!inside) throw new TemplateError(`template: "${part}" without an if`);
        break;
      } else if (part.startsWith('if ')) {
        pieces.push(choice(part.slice(3)));
      } else if (!part.startsWith('/*')) {
        const expression = compileExpression(part, names);
        pieces.push((values) => String(expression(values)));
      }
    }
    return (values) => pieces.map((piece) => piece(values)).join('');
  };
  const choice = (condition: string): Part => {
    const holds = compileExpression(condition, names);
    at++;
    const then = block(true);
    const word = parts[at];
    if (word === undefined) throw new TemplateError(`template: "if ${condition}" lacks its end`);
    let otherwise: Part = () => '';
    if (word.startsWith('else if ')) {
      otherwise = choice(word.slice('else if '.length));
    } else if (word === 'else') {
      at++;
      otherwise = block(true);
      if (parts[at] !== 'end') throw new TemplateError(`template: "if ${condition}" lacks its end`);
    }
    return (values) => (isTrue(holds(values)) ? then : otherwise)(values);
  };
  return block(false);
}
