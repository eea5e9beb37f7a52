/**
 * Recorded shell sessions for the end-to-end tests: scenes of commands, each with what it printed. A scene runs in a namespace of its own.
 *
 * The form: `## name` begins a scene, `## name (from 1.29)` one that older kubectls leave out, and `(all)` one that every kubectl plays; `$ command`
 * is a command, `> line` continues it, and what follows is its output, both streams, with `[exit 1]` where it failed. Everything that differs from
 * run to run is replaced before comparing: see {@link settled}.
 */
import { execFile } from 'node:child_process';

export interface Step {
  readonly command: string;
  output: string;
}

export interface Scene {
  readonly name: string;
  /** The header as it is written. */
  readonly title: string;
  /** First minor version of kubectl that plays it. */
  readonly from: number;
  /** Played by every kubectl, not by the newest only. */
  readonly everywhere: boolean;
  readonly steps: readonly Step[];
}

/** Takes a file of scenes apart. */
export function parseScenes(text: string): Scene[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const [title = '', ...lines] = part.split('\n');
      const steps: Step[] = [];
      for (const line of lines) {
        const last = steps.at(-1);
        if (line.startsWith('$ ')) steps.push({ command: line.slice(2), output: '' });
        else if (last === undefined) continue;
        else if (line.startsWith('> ') && last.output === '')
          steps[steps.length - 1] = { command: `${last.command}\n${line.slice(2)}`, output: '' };
        else last.output += `${line}\n`;
      }
      return {
        name: title.replace(/ \(.*\)$/, ''),
        title,
        from: Number(/\(.*from 1\.(\d+).*\)$/.exec(title)?.[1] ?? 0),
        everywhere: /\(.*\ball\b.*\)$/.test(title),
        steps: steps.map(({ command, output }) => ({ command, output: output.trimEnd() })),
      };
    });
}

/** The text of scenes, as {@link parseScenes} reads it. */
export function formatScenes(scenes: readonly Scene[]): string {
  return scenes
    .map(({ title, steps }) => {
      const texts = steps.map(({ command, output }) => `$ ${command.replaceAll('\n', '\n> ')}\n${output}`.trimEnd());
      return `## ${title}\n\n${texts.join('\n\n')}\n`;
    })
    .join('\n');
}

export interface Shell {
  /** Folder that holds `kubectl` under its plain name. */
  readonly path: string;
  readonly kubeconfig: string;
  /** Working and home folder. */
  readonly folder: string;
  /** What stands for itself in expectations: the namespace becomes `NAMESPACE`. */
  readonly namespace: string;
}

/** Runs a command line and gives its output as it is compared. */
export function play(command: string, { path, kubeconfig, folder, namespace }: Shell): Promise<string> {
  const env = { PATH: `${path}:/usr/bin:/bin`, KUBECONFIG: kubeconfig, HOME: folder, NAMESPACE: namespace, TZ: 'UTC' };
  return new Promise((resolve) => {
    execFile('sh', ['-c', `{ ${command}\n} 2>&1`], { cwd: folder, env, timeout: 60_000 }, (error, stdout) => {
      const code = error === null ? '' : `\n[exit ${typeof error.code === 'number' ? error.code : error.signal}]`;
      resolve(settled(`${stdout.trimEnd()}${code}`, namespace));
    });
  });
}

const replacements: readonly (readonly [pattern: RegExp, text: string])[] = [
  // Colours, which some kubectls print also into a pipe.
  [new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g'), ''],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>'],
  [/X509SHA256=[0-9a-f]{64}/g, 'X509SHA256=<digest>'],
  [/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<token>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
  [/\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, '<time>'],
  [/https:\/\/127\.0\.0\.1:\d+/g, '<server>'],
  [/\b(\d{1,3}\.){3}\d{1,3}\b(?!\/)/g, '<ip>'],
  [/\b3[0-2]\d{3}\b/g, '<port>'],
  [/<unknown>|\b(\d+(ms|s|m|h|d))+\b/g, '<age>'],
  [/\b([a-z][a-z0-9-]*?)-[bcdf-hj-np-tv-z2456789]{8,10}-[bcdf-hj-np-tv-z2456789]{5}\b/g, '$1-<hash>-<rand>'],
  [/\b([a-z][a-z0-9-]*?)-(?=[a-z]*\d)[bcdf-hj-np-tv-z2456789]{8,10}\b/g, '$1-<hash>'],
  [/pod-template-hash=\w+/g, 'pod-template-hash=<hash>'],
  // The client's own log, with its time and process.
  [/^[IWE]\d{4} \d\d:.*\n?/gm, ''],
  [/\b(debugger|kube-api-access)-[bcdf-hj-np-tv-z2456789]{5}\b/g, '$1-<rand>'],
  [/(?<=\S)[ \t]{2,}/g, '  '],
  [/[ \t]+$/gm, ''],
];

/** Text without what no two runs have in common: times, ages, addresses, generated names, widths of columns. */
export function settled(text: string, namespace: string): string {
  return replacements.reduce(
    (result, [pattern, replacement]) => result.replace(pattern, replacement),
    text.replaceAll(namespace, 'NAMESPACE'),
  );
}
