/**
 * The commands of simulated containers: one literal table. Each does what a small Linux image's does, in the forms that people
 * and `kubectl` use; options that are not known are refused. Commands about files and archives stand in files of their own.
 */
import { archiveCommand } from './archive-command.ts';
import { fileCommands } from './file-commands.ts';
import { resolvePath } from './filesystem.ts';
import type { Command, Process } from './process.ts';
import { readAll } from './process.ts';
import { textCommands } from './text-commands.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function print(process: Process, text: string): Promise<boolean> {
  return process.stdout(encoder.encode(text));
}

async function complain(process: Process, name: string, message: string, code = 1): Promise<number> {
  await process.stderr(encoder.encode(`${name}: ${message}\n`));
  return code;
}

const ok: Command = () => 0;

export const commands: Readonly<Record<string, Command>> = {
  ...fileCommands,
  ...textCommands,
  tar: archiveCommand,
  true: ok,
  ':': ok,
  false: () => 1,
  async echo(process, args) {
    const plain = args[0] === '-n' || args[0] === '-e' || args[0] === '-ne' || args[0] === '-en';
    const flags = plain ? (args[0] as string) : '';
    let text = (plain ? args.slice(1) : args).join(' ');
    if (flags.includes('e')) text = unescaped(text);
    await print(process, flags.includes('n') ? text : `${text}\n`);
    return 0;
  },
  async printf(process, [format = '', ...args]) {
    const rest = [...args];
    const text = unescaped(format).replace(/%([%sd])/g, (_all, kind: string) =>
      kind === '%' ? '%' : kind === 'd' ? String(Math.trunc(Number(rest.shift() ?? 0)) || 0) : (rest.shift() ?? ''),
    );
    await print(process, text);
    return 0;
  },
  exit(process, args) {
    process.shell.exitCode = args[0] === undefined ? process.shell.lastCode : Number.parseInt(args[0], 10) & 255;
    return process.shell.exitCode;
  },
  async cd(process, args) {
    const { shell, machine } = process;
    const path = args[0] ?? shell.variables.get('HOME') ?? '/';
    const target = resolvePath(shell.directory, path);
    const node = machine.files.find(target);
    if (node === undefined) return complain(process, 'sh: cd', `can't cd to ${path}: No such file or directory`, 2);
    if (node.type !== 'directory') return complain(process, 'sh: cd', `can't cd to ${path}: Not a directory`, 2);
    shell.directory = target;
    return 0;
  },
  async pwd(process) {
    await print(process, `${process.shell.directory}\n`);
    return 0;
  },
  export(process, args) {
    for (const assignment of args) {
      const equals = assignment.indexOf('=');
      if (equals > 0) process.shell.variables.set(assignment.slice(0, equals), assignment.slice(equals + 1));
    }
    return 0;
  },
  unset(process, args) {
    for (const name of args) process.shell.variables.delete(name);
    return 0;
  },
  set: ok,
  async env(process, args) {
    if (args.length > 0) return process.run(args);
    for (const [name, value] of process.shell.variables) await print(process, `${name}=${value}\n`);
    return 0;
  },
  async printenv(process, args) {
    if (args.length === 0) {
      for (const [name, value] of process.shell.variables) await print(process, `${name}=${value}\n`);
      return 0;
    }
    let code = 0;
    for (const name of args) {
      const value = process.shell.variables.get(name);
      if (value === undefined) code = 1;
      else await print(process, `${value}\n`);
    }
    return code;
  },
  async hostname(process) {
    await print(process, `${process.machine.hostname}\n`);
    return 0;
  },
  async whoami(process) {
    await print(process, 'root\n');
    return 0;
  },
  async id(process, args) {
    await print(process, args[0] === '-u' || args[0] === '-g' ? '0\n' : 'uid=0(root) gid=0(root) groups=0(root)\n');
    return 0;
  },
  async uname(process, args) {
    const { hostname } = process.machine;
    const option = args[0] ?? '-s';
    const parts = { s: 'Linux', n: hostname, r: '6.12.0', m: 'x86_64' };
    const text = option === '-a' ? Object.values(parts).join(' ') : parts[option[1] as keyof typeof parts];
    if (text === undefined) return complain(process, 'uname', `unrecognized option: ${option}`);
    await print(process, `${text}\n`);
    return 0;
  },
  async date(process, args) {
    const now = new Date(process.machine.clock.now());
    const iso = now.toISOString();
    const format = args.find((arg) => arg.startsWith('+'));
    const [day = '', month = '', weekday = ''] = [
      String(now.getUTCDate()).padStart(2, ' '),
      now.toUTCString().slice(8, 11),
      now.toUTCString().slice(0, 3),
    ];
    const text =
      format === undefined
        ? `${weekday} ${month} ${day} ${iso.slice(11, 19)} UTC ${iso.slice(0, 4)}`
        : format.slice(1).replace(/%([sYmdHMSFTZ%])/g, (_all, kind: string) => dateParts(now, iso)[kind] ?? '');
    await print(process, `${text}\n`);
    return 0;
  },
  async sleep(process, args) {
    let ms = 0;
    for (const arg of args) {
      const match = /^(\d+(?:\.\d+)?|inf|infinity)([smhd]?)$/.exec(arg);
      if (match === null) return complain(process, 'sleep', `invalid number '${arg}'`);
      const scale = { s: 1, m: 60, h: 3600, d: 86_400 }[match[2] === '' ? 's' : (match[2] as 's')];
      ms += match[1]?.startsWith('inf') === true ? Number.POSITIVE_INFINITY : Number(match[1]) * scale * 1000;
    }
    if (args.length === 0) return complain(process, 'sleep', 'missing operand');
    return sleep(process, ms);
  },
  async ps(process) {
    const rows = [...process.machine.programs, 'ps'].map(
      (program, at) => `${String(at + 1).padStart(5, ' ')} root      0:00 ${program}\n`,
    );
    await print(process, `PID   USER     TIME  COMMAND\n${rows.join('')}`);
    return 0;
  },
  async read(process, args) {
    const text = await process.stdin.line?.();
    if (text === undefined) return 1;
    const name = args.find((arg) => !arg.startsWith('-')) ?? 'REPLY';
    process.shell.variables.set(name, text);
    return 0;
  },
  async xargs(process, args) {
    const words = decoder
      .decode(await readAll(process.stdin))
      .split(/\s+/)
      .filter((word) => word !== '');
    return process.run([...(args.length === 0 ? ['echo'] : args), ...words]);
  },
};

async function sleep(process: Process, ms: number): Promise<number> {
  // A longer wait than timers can hold is made of several.
  const longestMs = 24 * 3600 * 1000;
  try {
    for (let left = ms; left > 0; left -= longestMs) {
      await process.machine.clock.sleep(Math.min(left, longestMs), { signal: process.signal, background: true });
    }
    return 0;
  } catch {
    return 130;
  }
}

function dateParts(now: Date, iso: string): Record<string, string> {
  return {
    s: String(Math.floor(now.getTime() / 1000)),
    Y: iso.slice(0, 4),
    m: iso.slice(5, 7),
    d: iso.slice(8, 10),
    H: iso.slice(11, 13),
    M: iso.slice(14, 16),
    S: iso.slice(17, 19),
    F: iso.slice(0, 10),
    T: iso.slice(11, 19),
    Z: 'UTC',
    '%': '%',
  };
}

function unescaped(text: string): string {
  const known: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\', '0': '\0' };
  return text.replace(/\\([ntr\\0])/g, (_all, char: string) => known[char] ?? '');
}
