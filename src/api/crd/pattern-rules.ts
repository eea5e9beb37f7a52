/**
 * Tells what is wrong with a pattern in the words of Go's regular expressions. Only what neither language reads is refused: a
 * pattern that JavaScript alone refuses is let through.
 * @see regexp/syntax
 */

/** The problem, such as ``missing closing ): `(` ``; undefined when there is none. */
export function patternProblem(pattern: string): string | undefined {
  let open = 0;
  for (let at = 0; at < pattern.length; at++) {
    switch (pattern[at]) {
      case '\\':
        if (at === pattern.length - 1) return 'trailing backslash at end of expression: ``';
        at++;
        break;
      case '[': {
        const end = classEnd(pattern, at);
        if (end < 0) return `missing closing ]: \`${pattern.slice(at)}\``;
        at = end;
        break;
      }
      case '(':
        open++;
        break;
      case ')':
        if (open-- === 0) return `unexpected ): \`${pattern}\``;
        break;
      case '*':
      case '+':
      case '?':
        if (at === 0 || pattern[at - 1] === '|') return `missing argument to repetition operator: \`${pattern[at]}\``;
        break;
    }
  }
  return open > 0 ? `missing closing ): \`${pattern}\`` : undefined;
}

/** Where the character class that begins at `start` ends; -1 when it does not. */
function classEnd(pattern: string, start: number): number {
  let at = start + 1;
  if (pattern[at] === '^') at++;
  // A bracket that comes first is a member.
  if (pattern[at] === ']') at++;
  for (; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++;
    else if (pattern.startsWith('[:', at)) {
      const end = pattern.indexOf(':]', at + 2);
      if (end > 0) at = end + 1;
    } else if (pattern[at] === ']') return at;
  }
  return -1;
}
