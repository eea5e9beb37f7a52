/**
 * What the simulation makes of a container's command: a handful of shell words (`echo`, `sleep`, `true`, `false`, `exit`,
 * `cat`, `hostname`, …), joined by `;`, `&&` and `||`, also inside `sh -c`. So `kubectl run --image busybox -- echo hi` prints
 * and ends as a person expects. A command with any other word is not understood, and its container simply runs.
 */

/** One effect of a script, in order. The script's exit code follows the last one. */
export type ScriptStep =
  | { readonly type: 'print'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly type: 'sleep'; readonly durationMs: number };

export interface Script {
  readonly steps: readonly ScriptStep[];
  /** Undefined: the script never ends (`sleep infinity`). */
  readonly exitCode: number | undefined;
}

/** What words such as `hostname` and `env` answer with. */
export interface ScriptEnvironment {
  readonly hostname: string;
  readonly variables: ReadonlyMap<string, string>;
  readonly stdin: string;
  readonly now: string;
}

const shells = new Set(['sh', 'bash', 'ash', '/bin/sh', '/bin/bash', '/bin/ash', '/usr/bin/sh', '/usr/bin/bash']);
const stepsMax = 1000;

/** Gives the script, or undefined when a word of it is not understood. */
export function interpret(argv: readonly string[], environment: ScriptEnvironment): Script | undefined {
  const [program, ...rest] = argv;
  if (program === undefined) return undefined;
  if (shells.has(program)) {
    const flag = rest[0];
    if (flag === undefined || !/^-[a-z]*c$/.test(flag) || rest[1] === undefined) return undefined;
    return interpretLine(rest[1], environment);
  }
  const steps: ScriptStep[] = [];
  const outcome = run([program.replace(/^(\/usr)?\/bin\//, ''), ...rest], environment, steps);
  return outcome === undefined ? undefined : { steps, exitCode: outcome === 'forever' ? undefined : outcome.code };
}

type Outcome = { readonly code: number; readonly exits: boolean } | 'forever' | undefined;

function interpretLine(line: string, environment: ScriptEnvironment): Script | undefined {
  const parts = split(line);
  if (parts === undefined) return undefined;
  const steps: ScriptStep[] = [];
  let code = 0;
  for (const { joiner, words } of parts) {
    if ((joiner === '&&' && code !== 0) || (joiner === '||' && code === 0)) continue;
    const outcome = run(words, environment, steps);
    if (outcome === undefined || steps.length > stepsMax) return undefined;
    if (outcome === 'forever') return { steps, exitCode: undefined };
    code = outcome.code;
    if (outcome.exits) break;
  }
  return { steps, exitCode: code };
}

interface Part {
  readonly joiner: ';' | '&&' | '||';
  readonly words: string[];
}

/** Splits a shell line into commands. Undefined when it holds syntax beyond words, quotes, joiners and `>&2`. */
function split(line: string): Part[] | undefined {
  const parts: Part[] = [];
  let joiner: Part['joiner'] = ';';
  let words: string[] = [];
  const close = (next: Part['joiner']): void => {
    if (words.length > 0) parts.push({ joiner, words });
    words = [];
    joiner = next;
  };
  const token = /\s*(?:(&&|\|\||;|\n)|(1?>&2)|((?:"(?:[^"\\$`]|\\.)*"|'[^']*'|\\.|[^\s;&|<>()$`"'\\#])+))/y;
  let at = 0;
  while (at < line.length) {
    if (/^\s*$/.test(line.slice(at)) && !line.slice(at).includes('\n')) break;
    const newline = /[ \t]*\n/y;
    newline.lastIndex = at;
    if (newline.test(line)) {
      close(';');
      at = newline.lastIndex;
      continue;
    }
    token.lastIndex = at;
    const match = token.exec(line);
    if (match === null) return undefined;
    at = token.lastIndex;
    if (match[1] !== undefined) close(match[1] === '&&' || match[1] === '||' ? match[1] : ';');
    else if (match[2] !== undefined) words.push('>&2');
    else words.push(unquote(match[3]!));
  }
  close(';');
  return parts;
}

function unquote(word: string): string {
  return word.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g, (_all, double, single, escaped) =>
    double !== undefined ? double.replace(/\\(["\\$`])/g, '$1') : (single ?? escaped),
  );
}

function run(words: readonly string[], environment: ScriptEnvironment, steps: ScriptStep[]): Outcome {
  const toStderr = words.includes('>&2');
  const [name, ...args] = words.filter((word) => word !== '>&2');
  const print = (text: string): Outcome => {
    steps.push({ type: 'print', stream: toStderr ? 'stderr' : 'stdout', text });
    return { code: 0, exits: false };
  };
  switch (name) {
    case 'true':
    case ':':
      return { code: 0, exits: false };
    case 'false':
      return { code: 1, exits: false };
    case 'exit':
      return { code: Number(args[0] ?? 0) & 255, exits: true };
    case 'echo':
      return print(args[0] === '-n' ? args.slice(1).join(' ') : `${args.join(' ')}\n`);
    case 'hostname':
      return print(`${environment.hostname}\n`);
    case 'date':
      return print(`${environment.now}\n`);
    case 'pwd':
      return print('/\n');
    case 'whoami':
      return print('root\n');
    case 'env':
    case 'printenv':
      return print([...environment.variables].map(([key, value]) => `${key}=${value}\n`).join(''));
    case 'cat':
      return args.length === 0 ? print(environment.stdin) : undefined;
    case 'sleep': {
      if (args[0] === 'infinity' || args[0] === 'inf') return 'forever';
      const seconds = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(args[0] ?? '');
      if (seconds === null) return undefined;
      const scale = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }[seconds[2] ?? ''] ?? 1;
      steps.push({ type: 'sleep', durationMs: Number(seconds[1]) * scale * 1000 });
      return { code: 0, exits: false };
    }
    default:
      return undefined;
  }
}
