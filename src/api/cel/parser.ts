/**
 * Parses an expression. Errors are upstream's as far as its generated parser's texts go: the first one that matters, with what was
 * expected. Depth and size are bounded, so that no expression can exhaust the stack of whoever walks the tree.
 * @see cel-go parser/parser.go, parser/gen/CEL.g4
 */
import { dottedName, type Entry, type Node, operatorNames, type StructField } from './ast.ts';
import { type Token, tokenize } from './lexer.ts';
import { expandMacro } from './macros.ts';
import { CelCompileError, type Issue, issuesText } from './source.ts';

/** Upstream's limits. */
const DEPTH_MAX = 250;
const LENGTH_MAX = 100_000;
const INT_MAX = 2n ** 63n - 1n;

const reserved = new Set([
  'as',
  'break',
  'const',
  'continue',
  'else',
  'false',
  'for',
  'function',
  'if',
  'import',
  'in',
  'let',
  'loop',
  'package',
  'namespace',
  'null',
  'return',
  'true',
  'var',
  'void',
  'while',
]);

const OPERAND =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/** Ends parsing after the error that recovery would only add noise to. */
class Abort extends Error {}

/** @throws CelCompileError */
export function parse(source: string): Node {
  const length = source.length > LENGTH_MAX ? [...source].length : source.length;
  if (length > LENGTH_MAX) {
    const message = `expression code point size exceeds limit: size: ${length}, limit ${LENGTH_MAX}`;
    throw new CelCompileError(issuesText('', [{ offset: 0, message }]));
  }
  const issues: Issue[] = [];
  const parser = new Parser(tokenize(source, issues), issues);
  const node = parser.parse();
  if (issues.length > 0 || node === undefined) throw new CelCompileError(issuesText(source, issues));
  return node;
}

/** Makes nodes; macros expand into what it makes. */
export class Parser {
  readonly #tokens: readonly Token[];
  readonly #issues: Issue[];
  #at = 0;
  #depth = 0;
  #ids = 0;

  constructor(tokens: readonly Token[], issues: Issue[]) {
    this.#tokens = tokens;
    this.#issues = issues;
  }

  parse(): Node | undefined {
    try {
      const node = this.#expression();
      const token = this.#token();
      if (token.type !== 'end') this.#unexpected(token, '<EOF>', this.#peek(1).type === 'end');
      return node;
    } catch (error) {
      if (error instanceof Abort) return undefined;
      throw error;
    }
  }

  /** The number of a new node. */
  nextId(): number {
    return ++this.#ids;
  }

  report(offset: number, message: string): void {
    this.#issues.push({ offset, message });
  }

  #token(): Token {
    return this.#peek(0);
  }

  #peek(ahead: number): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token;
  }

  #is(symbol: string): boolean {
    const { type, text } = this.#token();
    return (type === 'symbol' || type === 'keyword') && text === symbol;
  }

  #take(symbol: string): Token | undefined {
    if (!this.#is(symbol)) return undefined;
    return this.#tokens[this.#at++];
  }

  #expect(symbol: string): Token {
    const token = this.#take(symbol);
    if (token !== undefined) return token;
    const found = this.#token();
    if (found.type === 'end') this.#fail(found.offset, `Syntax error: missing '${symbol}' at '<EOF>'`);
    return this.#unexpected(found, `'${symbol}'`, false);
  }

  #unexpected(token: Token, expected: string, deletable: boolean): never {
    const what = deletable ? 'extraneous' : 'mismatched';
    return this.#fail(token.offset, `Syntax error: ${what} input '${token.text}' expecting ${expected}`);
  }

  #fail(offset: number, message: string): never {
    this.report(offset, message);
    throw new Abort();
  }

  #enter(levels = 1): void {
    this.#depth += levels;
    if (this.#depth > DEPTH_MAX) {
      this.#issues.length = 0;
      this.#fail(0, `expression recursion limit exceeded: ${DEPTH_MAX}`);
    }
  }

  #call(name: string, offset: number, args: readonly Node[], target?: Node): Node {
    return { kind: 'call', id: this.nextId(), offset, name, target, args };
  }

  #expression(): Node {
    this.#enter();
    const condition = this.#logical('||', () => this.#logical('&&', () => this.#relation()));
    const mark = this.#take('?');
    let node = condition;
    if (mark !== undefined) {
      const then = this.#logical('||', () => this.#logical('&&', () => this.#relation()));
      this.#expect(':');
      const otherwise = this.#expression();
      node = this.#call('_?_:_', mark.offset, [condition, then, otherwise]);
    }
    this.#depth--;
    return node;
  }

  /** Long chains become balanced trees: their depth grows with the logarithm of their length. */
  #logical(operator: '&&' | '||', operand: () => Node): Node {
    const terms = [operand()];
    const offsets: number[] = [];
    for (let token = this.#take(operator); token !== undefined; token = this.#take(operator)) {
      offsets.push(token.offset);
      terms.push(operand());
    }
    const balance = (from: number, to: number): Node => {
      if (from === to) return terms[from] as Node;
      const middle = (from + to) >> 1;
      const name = operatorNames[operator] as string;
      return this.#call(name, offsets[middle] as number, [balance(from, middle), balance(middle + 1, to)]);
    };
    return balance(0, terms.length - 1);
  }

  #binary(operators: readonly string[], operand: () => Node): Node {
    let node = operand();
    let levels = 0;
    for (;;) {
      const operator = operators.find((symbol) => this.#is(symbol));
      if (operator === undefined) break;
      this.#enter();
      levels++;
      const { offset } = this.#tokens[this.#at++] as Token;
      node = this.#call(operatorNames[operator] as string, offset, [node, operand()]);
    }
    this.#depth -= levels;
    return node;
  }

  #relation(): Node {
    return this.#binary(['<', '<=', '>=', '>', '==', '!=', 'in'], () =>
      this.#binary(['+', '-'], () => this.#binary(['*', '/', '%'], () => this.#unary())),
    );
  }

  #unary(): Node {
    for (const [symbol, name] of [
      ['!', '!_'],
      ['-', '-_'],
    ] as const) {
      const first = this.#token();
      if (!this.#is(symbol)) continue;
      const next = this.#peek(1);
      if (
        symbol === '-' &&
        next.type === 'literal' &&
        (typeof next.value === 'bigint' || typeof next.value === 'number')
      ) {
        return this.#member();
      }
      let count = 0;
      while (this.#take(symbol) !== undefined) count++;
      const operand = this.#member();
      return count % 2 === 0 ? operand : this.#call(name, first.offset, [operand]);
    }
    return this.#member();
  }

  #member(): Node {
    let node = this.#primary();
    let levels = 0;
    for (;;) {
      const token = this.#token();
      if (this.#take('.') !== undefined) {
        this.#enter();
        levels++;
        node = this.#dotted(node, token);
      } else if (this.#take('[') !== undefined) {
        this.#enter();
        levels++;
        const optional = this.#take('?') !== undefined;
        const index = this.#expression();
        this.#expect(']');
        node = this.#call(optional ? '_[?_]' : '_[_]', token.offset, [node, index]);
      } else if (this.#is('{') && dottedName(node) !== undefined) {
        node = this.#struct(dottedName(node) as string);
      } else break;
    }
    this.#depth -= levels;
    return node;
  }

  /** What follows a dot: a field, an optional field, or a method. */
  #dotted(operand: Node, dot: Token): Node {
    const optional = this.#take('?') !== undefined;
    const name = this.#name('IDENTIFIER');
    if (optional) {
      const field: Node = { kind: 'literal', id: this.nextId(), offset: name.offset, value: name.text };
      return this.#call('_?._', dot.offset, [operand, field]);
    }
    const open = name.type === 'identifier' ? this.#take('(') : undefined;
    if (open === undefined)
      return { kind: 'select', id: this.nextId(), offset: dot.offset, operand, field: name.text, testOnly: false };
    return this.#finishCall(name.text, open, operand);
  }

  #name(expected: string): Token {
    const token = this.#token();
    if (token.type !== 'identifier' && token.type !== 'quoted') this.#unexpected(token, expected, false);
    this.#at++;
    return token;
  }

  #finishCall(name: string, open: Token, target: Node | undefined): Node {
    const args = this.#items(')', () => this.#expression());
    this.#expect(')');
    return (
      expandMacro(this, { name, target, args, offset: open.offset }) ?? this.#call(name, open.offset, args, target)
    );
  }

  /** Items with commas between them, up to the closing bracket, which is left. */
  #items<Item>(close: string, item: () => Item): Item[] {
    const items: Item[] = [];
    while (!this.#is(close)) {
      items.push(item());
      if (this.#take(',') === undefined) break;
      // Only lists, maps and messages may end with a comma.
      if (close === ')' && this.#is(')')) this.#unexpected(this.#token(), OPERAND, false);
    }
    return items;
  }

  #struct(typeName: string): Node {
    const { offset } = this.#expect('{');
    const fields = this.#items('}', (): StructField => {
      const optional = this.#take('?') !== undefined;
      const name = this.#name("{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}");
      const colon = this.#expect(':');
      return { name: name.text, offset: colon.offset, value: this.#expression(), optional };
    });
    this.#expect('}');
    return { kind: 'struct', id: this.nextId(), offset, typeName, fields };
  }

  #primary(): Node {
    const token = this.#token();
    if (this.#take('(') !== undefined) {
      const node = this.#expression();
      this.#expect(')');
      return node;
    }
    if (this.#take('[') !== undefined) return this.#list(token);
    if (this.#take('{') !== undefined) return this.#map(token);
    if (token.type === 'literal' || this.#is('-')) return this.#literal();
    const dotted = this.#take('.') !== undefined;
    const name = this.#token();
    if (name.type === 'identifier') {
      this.#at++;
      if (reserved.has(name.text)) this.report(name.offset, `reserved identifier: ${name.text}`);
      const text = dotted ? `.${name.text}` : name.text;
      const open = this.#take('(');
      if (open !== undefined) return this.#finishCall(text, open, undefined);
      return { kind: 'identifier', id: this.nextId(), offset: name.offset, name: text };
    }
    const deletable = token.type !== 'end' && startsOperand(this.#peek(1));
    return this.#unexpected(name, dotted ? 'IDENTIFIER' : OPERAND, deletable);
  }

  #literal(): Node {
    const minus = this.#take('-');
    const token = this.#token();
    if (token.type !== 'literal') this.#unexpected(token, OPERAND, false);
    this.#at++;
    let { value } = token;
    if (minus !== undefined) {
      if (typeof value === 'bigint' || typeof value === 'number') value = -value;
    } else if (typeof value === 'bigint' && value > INT_MAX) {
      this.report(token.offset, 'invalid int literal');
    }
    return { kind: 'literal', id: this.nextId(), offset: minus?.offset ?? token.offset, value };
  }

  #list({ offset }: Token): Node {
    const optional = new Set<number>();
    let index = 0;
    const elements = this.#items(']', () => {
      if (this.#take('?') !== undefined) optional.add(index);
      index++;
      return this.#expression();
    });
    this.#expect(']');
    return { kind: 'list', id: this.nextId(), offset, elements, optional };
  }

  #map({ offset }: Token): Node {
    const entries = this.#items('}', (): Entry => {
      const optional = this.#take('?') !== undefined;
      const key = this.#expression();
      this.#expect(':');
      return { key, value: this.#expression(), optional };
    });
    this.#expect('}');
    return { kind: 'map', id: this.nextId(), offset, entries };
  }
}

function startsOperand({ type, text }: Token): boolean {
  return (
    type === 'literal' || type === 'identifier' || (type === 'symbol' && ['(', '[', '{', '.', '-', '!'].includes(text))
  );
}
