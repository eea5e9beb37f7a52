/**
 * Go-template texts as scheduler_perf's files use them: `{{ .Index }}`, `{{ .Count }}` and calls of its functions. Compiled once
 * per file and rendered once per object; a text without `{{` costs nothing.
 * @see kubernetes/test/integration/scheduler_perf/util.go (getSpecFromTextTemplateFile) for the functions
 */

/** What a template may read: the object's number in its operation, and how many there are. */
export interface TemplateValues {
  readonly Index: number;
  readonly Count: number;
}

/** Thrown for an expression that is not understood; names the expression and what is. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

const wholeQuotient = (a: number, b: number): number => Math.trunc(a / b);

const functions: Readonly<Record<string, (...values: number[]) => number>> = {
  AddFloat: (a = 0, b = 0) => a + b,
  AddInt: (a = 0, b = 0) => Math.trunc(a) + Math.trunc(b),
  SubtractInt: (a = 0, b = 0) => Math.trunc(a) - Math.trunc(b),
  MultiplyFloat: (a = 0, b = 0) => a * b,
  MultiplyInt: (a = 0, b = 0) => Math.trunc(a) * Math.trunc(b),
  DivideFloat: (a = 0, b = 1) => a / b,
  DivideInt: (a = 0, b = 1) => wholeQuotient(Math.trunc(a), Math.trunc(b)),
  Mod: (a = 0, b = 1) => Math.trunc(a) % Math.trunc(b),
};

type Part = string | ((values: TemplateValues) => number);

function compileExpression(source: string): (values: TemplateValues) => number {
  const tokens = source.match(/[()]|\.?\w+(?:\.\d+)?/g) ?? [];
  let at = 0;
  const term = (): ((values: TemplateValues) => number) => {
    const token = tokens[at++];
    if (token === '(') {
      const inner = call();
      if (tokens[at++] !== ')') throw new TemplateError(`template expression "${source}" lacks a closing bracket`);
      return inner;
    }
    if (token === '.Index') return ({ Index }) => Index;
    if (token === '.Count') return ({ Count }) => Count;
    if (token !== undefined && /^\d/.test(token)) {
      const value = Number(token);
      return () => value;
    }
    throw new TemplateError(
      `template expression "${source}" is not understood; it may use .Index, .Count, numbers and ${Object.keys(functions).join(', ')}`,
    );
  };
  const call = (): ((values: TemplateValues) => number) => {
    const named = functions[tokens[at] ?? ''];
    if (named === undefined) return term();
    at++;
    const operands: ((values: TemplateValues) => number)[] = [];
    while (at < tokens.length && tokens[at] !== ')') operands.push(term());
    return (values) => named(...operands.map((operand) => operand(values)));
  };
  const compiled = call();
  if (at !== tokens.length) throw new TemplateError(`template expression "${source}" has words too many`);
  return compiled;
}

/** Compiles `text`; the result renders it for given values. @throws TemplateError */
export function compileTemplate(text: string): (values: TemplateValues) => string {
  const parts: Part[] = [];
  let from = 0;
  for (const match of text.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/g)) {
    parts.push(text.slice(from, match.index), compileExpression(match[1] ?? ''));
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  if (parts.length === 1) return () => text;
  return (values) => parts.map((part) => (typeof part === 'string' ? part : String(part(values)))).join('');
}
