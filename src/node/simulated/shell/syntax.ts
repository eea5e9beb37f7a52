/**
 * The shell lines that a simulated container understands: words with quotes and variables, pipelines, redirections, joined by
 * `;`, `&&`, `||` and newlines. Anything beyond (loops, conditions, substitutions, jobs) is refused by name, never guessed at.
 */

/** A word is a list of pieces; variables in `expands` pieces are put in when the command runs. */
export interface Word {
  readonly pieces: readonly { readonly text: string; readonly expands: boolean; readonly quoted: boolean }[];
}

export interface Redirection {
  readonly descriptor: 0 | 1 | 2;
  readonly mode: 'read' | 'write' | 'append' | 'duplicate';
  /** A file's name, or for `duplicate` the other descriptor. */
  readonly target: Word;
}

export interface SimpleCommand {
  readonly words: readonly Word[];
  readonly redirections: readonly Redirection[];
}

export interface Pipeline {
  /** How it is joined to the one before. */
  readonly joiner: ';' | '&&' | '||';
  readonly negated: boolean;
  readonly commands: readonly SimpleCommand[];
}

/** The line is no shell line that is understood here. */
export class ShellSyntaxError extends Error {
  override readonly name = 'ShellSyntaxError';
}

const keywords = new Set([
  'if',
  'then',
  'else',
  'elif',
  'fi',
  'for',
  'while',
  'until',
  'do',
  'done',
  'case',
  'esac',
  'function',
]);
const wordsMax = 4096;

/** @throws ShellSyntaxError */
export function parseShell(source: string): Pipeline[] {
  const pipelines: Pipeline[] = [];
  let joiner: Pipeline['joiner'] = ';';
  let commands: SimpleCommand[] = [];
  let words: Word[] = [];
  let redirections: Redirection[] = [];
  let negated = false;
  let at = 0;

  const closeCommand = (): void => {
    if (words.length === 0 && redirections.length === 0) throw unexpected(source[at] ?? 'newline');
    commands.push({ words, redirections });
    words = [];
    redirections = [];
  };
  const closePipeline = (next: Pipeline['joiner'], optional: boolean): void => {
    const isEmpty = words.length === 0 && redirections.length === 0 && commands.length === 0;
    if (isEmpty && optional && joiner === ';') return;
    closeCommand();
    pipelines.push({ joiner, negated, commands });
    commands = [];
    negated = false;
    joiner = next;
  };

  while (at < source.length) {
    const char = source[at] as string;
    if (char === ' ' || char === '\t' || char === '\r') at++;
    else if (char === '#') {
      while (at < source.length && source[at] !== '\n') at++;
    } else if (char === '\n' || char === ';') {
      closePipeline(';', true);
      at++;
    } else if (source.startsWith('&&', at) || source.startsWith('||', at)) {
      closePipeline(source.slice(at, at + 2) as '&&' | '||', false);
      at += 2;
    } else if (char === '|') {
      closeCommand();
      at++;
    } else if (char === '!' && /\s/.test(source[at + 1] ?? ' ') && words.length === 0) {
      negated = !negated;
      at++;
    } else if (char === '&' || char === '(' || char === ')') throw unexpected(char);
    else {
      const redirection = /(\d?)(>>|>&|<|>)/y;
      redirection.lastIndex = at;
      const match = redirection.exec(source);
      if (match !== null) {
        at = redirection.lastIndex;
        while (source[at] === ' ' || source[at] === '\t') at++;
        const { word, end } = readWord(source, at);
        at = end;
        redirections.push(redirectionOf(match[1] ?? '', match[2] as string, word));
        continue;
      }
      const { word, end } = readWord(source, at);
      at = end;
      const [piece, ...more] = word.pieces;
      if (words.length === 0 && more.length === 0 && piece?.quoted === false && keywords.has(piece.text))
        throw unexpected(piece.text);
      words.push(word);
      if (words.length > wordsMax) throw new ShellSyntaxError('Argument list too long');
    }
  }
  closePipeline(';', true);
  return pipelines;
}

function redirectionOf(digit: string, operator: string, target: Word): Redirection {
  const descriptor = (digit === '' ? (operator === '<' ? 0 : 1) : Number(digit)) as Redirection['descriptor'];
  if (descriptor > 2) throw unexpected(digit);
  const mode = operator === '<' ? 'read' : operator === '>' ? 'write' : operator === '>>' ? 'append' : 'duplicate';
  return { descriptor, mode, target };
}

function readWord(source: string, from: number): { word: Word; end: number } {
  const pieces: { text: string; expands: boolean; quoted: boolean }[] = [];
  let at = from;
  const add = (text: string, expands: boolean, quoted: boolean): void => {
    if (text.includes('$(') && expands) throw unexpected('$(');
    pieces.push({ text, expands, quoted });
  };
  while (at < source.length) {
    const char = source[at] as string;
    if (/[\s;&|<>()]/.test(char)) break;
    if (char === "'") {
      const end = source.indexOf("'", at + 1);
      if (end < 0) throw new ShellSyntaxError('syntax error: unterminated quoted string');
      add(source.slice(at + 1, end), false, true);
      at = end + 1;
    } else if (char === '"') {
      const { text, end } = readDoubleQuoted(source, at + 1);
      add(text, true, true);
      at = end;
    } else if (char === '\\') {
      if (source[at + 1] !== '\n') add(source[at + 1] ?? '\\', false, true);
      at += 2;
    } else if (char === '`') throw unexpected('`');
    else {
      let end = at;
      while (end < source.length && !/[\s;&|<>()'"\\`]/.test(source[end] as string)) end++;
      if (source[end] === '(' && source[end - 1] === '$') throw unexpected('$(');
      add(source.slice(at, end), true, false);
      at = end;
    }
  }
  if (at === from) throw unexpected(source[at] ?? 'newline');
  return { word: { pieces }, end: at };
}

/** Escaped dollars are kept apart from real ones by a character that no text holds. */
export const escapedDollar = '\u0000';

function readDoubleQuoted(source: string, from: number): { text: string; end: number } {
  let text = '';
  let at = from;
  for (; at < source.length && source[at] !== '"'; at++) {
    const char = source[at] as string;
    if (char === '`') throw unexpected('`');
    if (char !== '\\') {
      text += char;
      continue;
    }
    const next = source[++at] ?? '';
    if (next === '$') text += escapedDollar;
    else if (next === '"' || next === '\\' || next === '`') text += next;
    else if (next !== '\n') text += `\\${next}`;
  }
  if (at >= source.length) throw new ShellSyntaxError('syntax error: unterminated quoted string');
  return { text, end: at + 1 };
}

function unexpected(what: string): ShellSyntaxError {
  return new ShellSyntaxError(`syntax error: unexpected "${what === '\n' ? 'newline' : what}"`);
}

/** The word as text, with its variables put in. */
export function expandWord(word: Word, variable: (name: string) => string): string {
  return word.pieces
    .map(({ text, expands }) =>
      expands
        ? text
            .replace(
              /\$(?:\{([A-Za-z_]\w*)(?::-([^}]*))?\}|([A-Za-z_]\w*|[?$#0-9]))/g,
              (_all, braced, otherwise, bare) => {
                const value = variable(braced ?? bare);
                return value === '' && otherwise !== undefined ? otherwise : value;
              },
            )
            .replaceAll(escapedDollar, '$')
        : text,
    )
    .join('');
}
