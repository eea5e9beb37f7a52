/**
 * Where an expression is wrong, in the words of upstream's compiler:
 *
 *     ERROR: <input>:1:6: Syntax error: token recognition error at: '='
 *      | self =
 *      | .....^
 *
 * Offsets are UTF-16 units into the text; lines and columns are counted in characters, from one.
 * @see cel-go common/error.go, common/errors.go
 */

export interface Issue {
  readonly offset: number;
  readonly message: string;
}

/** More issues than this are not told, as upstream. */
const ISSUES_MAX = 100;

/** An expression that cannot be compiled. The message is upstream's whole text, one block an issue. */
export class CelCompileError extends Error {
  override readonly name = 'CelCompileError';
}

/** The blocks of all issues, in the order of their places. */
export function issuesText(source: string, issues: readonly Issue[]): string {
  const sorted = [...issues].sort((left, right) => left.offset - right.offset);
  const distinct = sorted.filter(
    (issue, at) => at === 0 || issue.message !== sorted[at - 1]?.message || issue.offset !== sorted[at - 1]?.offset,
  );
  return distinct
    .slice(0, ISSUES_MAX)
    .map((issue) => issueText(source, issue))
    .join('\n');
}

function issueText(source: string, { offset, message }: Issue): string {
  const before = source.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  const line = before.split('\n').length;
  const lineEnd = source.indexOf('\n', lineStart);
  const text = source.slice(lineStart, lineEnd < 0 ? undefined : lineEnd).replaceAll('\t', ' ');
  const column = [...source.slice(lineStart, offset)].length;
  return `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${text}\n | ${'.'.repeat(column)}^`;
}
