/** `tar`, in the forms that `kubectl cp` and people use: `tar cf - path…`, `tar -xmf - -C directory`, `tar tf -`. */
import { FileError, resolvePath } from './filesystem.ts';
import type { Process } from './process.ts';
import { archiveEnd, readArchive, writeArchive } from './tar.ts';

const encoder = new TextEncoder();

interface Options {
  mode: 'c' | 'x' | 't' | undefined;
  file: string;
  directory: string;
  touch: boolean;
  verbose: boolean;
  paths: string[];
}

const ignored = /^--(no-same-owner|no-same-permissions|no-overwrite-dir|warning=.*|numeric-owner)$/;

/** Undefined for an option that is not known. */
function optionsOf(args: readonly string[], directory: string): Options | string {
  const options: Options = { mode: undefined, file: '-', directory, touch: false, verbose: false, paths: [] };
  const rest = [...args];
  let first = true;
  while (rest.length > 0) {
    const arg = rest.shift() as string;
    if (ignored.test(arg)) continue;
    if (arg.startsWith('--')) return arg;
    if (!arg.startsWith('-') && !first) {
      options.paths.push(arg);
      continue;
    }
    first = false;
    // The letters of `cf` and `-cf` are options; those with a value take the next argument.
    for (const letter of arg.replace(/^-/, '')) {
      if (letter === 'c' || letter === 'x' || letter === 't') options.mode = letter;
      else if (letter === 'f') options.file = rest.shift() ?? '-';
      else if (letter === 'C') options.directory = resolvePath(directory, rest.shift() ?? '.');
      else if (letter === 'm') options.touch = true;
      else if (letter === 'v') options.verbose = true;
      else if (!'pohk'.includes(letter)) return letter;
    }
  }
  return options;
}

export async function archiveCommand(process: Process, args: readonly string[]): Promise<number> {
  const complain = async (message: string): Promise<number> => {
    await process.stderr(encoder.encode(`tar: ${message}\n`));
    return 1;
  };
  const options = optionsOf(args, process.shell.directory);
  if (typeof options === 'string') return complain(`unrecognized option: ${options}`);
  if (options.mode === undefined) return complain('must specify one of -c, -t, -x');
  try {
    return options.mode === 'c' ? await create(process, options) : await extract(process, options);
  } catch (error) {
    if (error instanceof FileError) return complain(error.message);
    throw error;
  }
}

async function create(process: Process, { paths, directory, file, verbose }: Options): Promise<number> {
  const { files } = process.machine;
  const chunks: Uint8Array[] = [];
  const write = async (bytes: Uint8Array): Promise<boolean> => {
    if (file === '-') return process.stdout(bytes);
    chunks.push(bytes);
    return true;
  };
  let code = 0;
  if (paths.length === 0) throw new FileError('empty archive');
  for (const given of paths) {
    const name = given
      .replace(/^(\/|\.\.\/)+/, '')
      .replace(/^\.\//, '')
      .replace(/\/+$/, '');
    if (given.startsWith('/')) await process.stderr(encoder.encode("tar: removing leading '/' from member names\n"));
    if (verbose) await process.stderr(encoder.encode(`${name}\n`));
    try {
      await writeArchive(files, resolvePath(directory, given), name === '.' ? '' : name, write);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await process.stderr(encoder.encode(`tar: ${given}: ${error.message}\n`));
      code = 1;
    }
  }
  await write(archiveEnd);
  if (code === 1) await process.stderr(encoder.encode('tar: error exit delayed from previous errors\n'));
  if (file !== '-') files.write(resolvePath(process.shell.directory, file), Buffer.concat(chunks));
  return code;
}

async function extract(process: Process, { mode, file, directory, touch, verbose }: Options): Promise<number> {
  const { files, clock } = process.machine;
  files.directory(directory);
  let source = process.stdin;
  if (file !== '-') {
    let content: Uint8Array | undefined = files.read(resolvePath(process.shell.directory, file));
    source = {
      read: () => {
        const bytes = content;
        content = undefined;
        return Promise.resolve(bytes);
      },
    };
  }
  const names: string[] = [];
  const listOnly = mode === 't';
  const entry = listOnly || verbose ? (name: string) => names.push(name) : undefined;
  try {
    await readArchive(files, source, { directory, touch, nowMs: clock.now(), entry, listOnly });
  } catch (error) {
    // Whoever sends the archive must be able to finish.
    while ((await source.read()) !== undefined);
    throw error;
  }
  await process.stdout(encoder.encode(names.map((name) => `${name}\n`).join('')));
  return 0;
}
