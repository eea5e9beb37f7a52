/** Commands about files and directories: cat, ls, mkdir, rm, touch, cp, mv, test, tee. */
import { type DirectoryNode, FileError, type Node, resolvePath } from './filesystem.ts';
import type { Command, Process } from './process.ts';

const encoder = new TextEncoder();

/** Runs `work` for each path; a FileError is told on standard error in the command's name, and makes the exit code 1. */
async function each(
  process: Process,
  name: string,
  paths: readonly string[],
  work: (path: string, given: string) => unknown,
) {
  let code = 0;
  for (const given of paths) {
    try {
      await work(resolvePath(process.shell.directory, given), given);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await process.stderr(encoder.encode(`${name}: ${given}: ${error.message}\n`));
      code = 1;
    }
  }
  return code;
}

function split(args: readonly string[]): { flags: string; paths: string[] } {
  let flags = '';
  const paths: string[] = [];
  let only = false;
  for (const arg of args) {
    if (!only && arg === '--') only = true;
    else if (!only && arg.length > 1 && arg.startsWith('-')) flags += arg.replace(/^-+/, '');
    else paths.push(arg);
  }
  return { flags, paths };
}

const missing = async (process: Process, name: string): Promise<number> => {
  await process.stderr(encoder.encode(`${name}: missing operand\n`));
  return 1;
};

export const fileCommands: Readonly<Record<string, Command>> = {
  async cat(process, args) {
    const { paths } = split(args);
    const { files } = process.machine;
    const copyInput = async () => {
      for (;;) {
        const chunk = await process.stdin.read();
        if (chunk === undefined || !(await process.stdout(chunk))) return;
      }
    };
    if (paths.length === 0) {
      await copyInput();
      return 0;
    }
    let code = 0;
    for (const given of paths) {
      if (given === '-') await copyInput();
      else {
        code |= await each(process, 'cat', [given], (path) => process.stdout(files.read(path)));
      }
    }
    return code;
  },
  async ls(process, args) {
    const { flags, paths } = split(args);
    const wanted = paths.length === 0 ? ['.'] : paths;
    return each(process, 'ls', wanted, async (path, given) => {
      const { files } = process.machine;
      const node = files.find(path, !flags.includes('l'));
      if (node === undefined) throw new FileError('No such file or directory');
      const heading = wanted.length > 1 && node.type === 'directory' ? `${given}:\n` : '';
      const isListed = node.type === 'directory' && !flags.includes('d');
      const entries: [string, Node][] = isListed
        ? [...(node as DirectoryNode).entries].sort(([left], [right]) => (left < right ? -1 : 1))
        : [[given, node]];
      const shown = entries.filter(([name]) => /[aA]/.test(flags) || !isListed || !name.startsWith('.'));
      const lines = shown.map(([name, entry]) => (flags.includes('l') ? longLine(name, entry) : name));
      await process.stdout(encoder.encode(heading + lines.map((line) => `${line}\n`).join('')));
    });
  },
  async mkdir(process, args) {
    const { flags, paths } = split(args);
    if (paths.length === 0) return missing(process, 'mkdir');
    return each(process, "mkdir: can't create directory", paths, (path) => {
      process.machine.files.makeDirectory(path, flags.includes('p'));
    });
  },
  async rm(process, args) {
    const { flags, paths } = split(args);
    const { files } = process.machine;
    return each(process, "rm: can't remove", paths, (path) => {
      if (flags.includes('f') && files.find(path, false) === undefined) return;
      files.remove(path, /[rR]/.test(flags));
    });
  },
  async rmdir(process, args) {
    const { files } = process.machine;
    return each(process, 'rmdir', split(args).paths, (path) => {
      if (files.directory(path).entries.size > 0) throw new FileError('Directory not empty');
      files.remove(path, true);
    });
  },
  async touch(process, args) {
    const { files } = process.machine;
    return each(process, 'touch', split(args).paths, (path) => {
      const node = files.find(path);
      if (node === undefined) files.write(path, new Uint8Array());
      else if (node.type === 'file') node.modifiedMs = process.machine.clock.now();
    });
  },
  cp: (process, args) => copy(process, 'cp', args, false),
  mv: (process, args) => copy(process, 'mv', args, true),
  test: (process, args) => (isTrue(process, args) ? 0 : 1),
  '[': (process, args) => (args.at(-1) === ']' && isTrue(process, args.slice(0, -1)) ? 0 : 1),
  async tee(process, args) {
    const { flags, paths } = split(args);
    const { files } = process.machine;
    const targets = paths.map((path) => resolvePath(process.shell.directory, path));
    if (!flags.includes('a')) await each(process, 'tee', paths, (path) => files.write(path, new Uint8Array()));
    for (;;) {
      const chunk = await process.stdin.read();
      if (chunk === undefined) return 0;
      for (const path of targets) files.write(path, chunk, { append: true });
      await process.stdout(chunk);
    }
  },
};

function longLine(name: string, node: Node): string {
  const kind = node.type === 'directory' ? 'd' : node.type === 'link' ? 'l' : '-';
  const bits = [...'rwxrwxrwx'].map((letter, at) => ((node.mode >> (8 - at)) & 1 ? letter : '-')).join('');
  const size = node.type === 'file' ? node.bytes.length : node.type === 'directory' ? 4096 : node.target.length;
  const when = new Date(node.modifiedMs);
  const day = String(when.getUTCDate()).padStart(2, ' ');
  const time = `${when.toUTCString().slice(8, 11)} ${day} ${when.toISOString().slice(11, 16)}`;
  const links = node.type === 'directory' ? 2 : 1;
  const shown = node.type === 'link' ? `${name} -> ${node.target}` : name;
  return `${kind}${bits} ${String(links).padStart(4)} root     root     ${String(size).padStart(9)} ${time} ${shown}`;
}

async function copy(process: Process, name: string, args: readonly string[], removes: boolean): Promise<number> {
  const { paths, flags } = split(args);
  const given = paths.pop();
  if (given === undefined || paths.length === 0) return missing(process, name);
  const { files } = process.machine;
  const target = resolvePath(process.shell.directory, given);
  const intoDirectory = files.find(target)?.type === 'directory';
  return each(process, name, paths, (path) => {
    const node = files.find(path);
    if (node === undefined) throw new FileError('No such file or directory');
    if (node.type === 'directory' && !removes && !/[rRa]/.test(flags)) throw new FileError('omitting directory');
    const to = intoDirectory ? resolvePath(target, path.slice(path.lastIndexOf('/') + 1)) : target;
    if (to === path || to.startsWith(`${path}/`)) throw new FileError('Invalid argument');
    copyNode(process, node, to);
    if (removes) files.remove(path, true);
  });
}

function copyNode(process: Process, node: Node, to: string): void {
  const { files } = process.machine;
  if (node.type === 'file') files.write(to, node.bytes, { mode: node.mode });
  else if (node.type === 'link') files.link(to, node.target, node.modifiedMs);
  else {
    files.makeDirectory(to, true);
    for (const [name, entry] of [...node.entries]) copyNode(process, entry, `${to}/${name}`);
  }
}

function isTrue(process: Process, args: readonly string[]): boolean {
  if (args[0] === '!') return !isTrue(process, args.slice(1));
  const [left = '', operator, right = ''] = args;
  if (args.length === 3) {
    switch (operator) {
      case '=':
      case '==':
        return left === right;
      case '!=':
        return left !== right;
      case '-eq':
        return Number(left) === Number(right);
      case '-ne':
        return Number(left) !== Number(right);
      case '-lt':
        return Number(left) < Number(right);
      case '-gt':
        return Number(left) > Number(right);
      default:
        return false;
    }
  }
  if (args.length < 2) return left !== '';
  const subject = operator ?? '';
  if (left === '-n') return subject !== '';
  if (left === '-z') return subject === '';
  const node = process.machine.files.find(
    resolvePath(process.shell.directory, subject),
    left !== '-L' && left !== '-h',
  );
  switch (left) {
    case '-e':
    case '-r':
    case '-w':
    case '-x':
      return node !== undefined;
    case '-f':
      return node?.type === 'file';
    case '-d':
      return node?.type === 'directory';
    case '-L':
    case '-h':
      return node?.type === 'link';
    case '-s':
      return node?.type === 'file' && node.bytes.length > 0;
    default:
      return false;
  }
}
