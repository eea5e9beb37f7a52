// Builds dist/: generated schema tables, one bundle an entry point (shared chunks), and type declarations.
// `--quick` leaves out the declarations, which only users of the published package need; `--if-stale` does nothing when no
// source is newer than the last build.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const quick = process.argv.includes('--quick');
const stamp = join(root, 'dist/.built');

const isFile = (path) => existsSync(path) && statSync(path).isFile();

/** Entry points of the main build: every public face, the command and the actor host. */
function entryPoints() {
  const entries = {};
  const add = (name, path) => {
    if (isFile(join(root, path))) entries[name] = path;
  };
  add('index', 'src/index.ts');
  add('cli', 'src/cli/main.ts');
  for (const face of ['runtime', 'store', 'api', 'client', 'controller', 'scheduling', 'node', 'network', 'cluster']) {
    add(face, `src/${face}/index.ts`);
  }
  add('bench', 'bench/index.ts');
  add('bench-workload', 'bench/workload-process.ts');
  add('bench-controllers', 'bench/controllers/index.ts');
  add('bench-api', 'bench/api/index.ts');
  add('bench-api-generator', 'bench/api/generator.ts');
  return entries;
}

/** Each actor by its own name. */
const actorEntryPoints = () =>
  Object.fromEntries(readdirSync(join(root, 'actors')).map((name) => [`actors/${name}`, `actors/${name}/index.ts`]));

/**
 * Each controller by its own name, in a bundle beside those of the actors: forty threads need one controller each. The source of
 * such a bundle is written here, from what the controllers' files define.
 */
function controllerEntries() {
  const folder = join(root, 'actors/controllers');
  const definition = /export const (\w+): ControllerDefinition = \{\s*name: '([\w-]+)'/g;
  const entries = new Map();
  for (const file of readdirSync(folder)) {
    for (const [, variable, name] of readFileSync(join(folder, file), 'utf8').matchAll(definition)) {
      entries.set(
        `actors/${name}`,
        `import { ${variable} } from './actors/controllers/${file}';
import { controllerActorOf } from './src/controller/controller-actor.ts';
export const controllerActor = controllerActorOf({ definitions: [${variable}], module: '' });`,
      );
    }
  }
  return entries;
}

/** Makes entry points of what {@link controllerEntries} wrote. */
const controllersAlone = (entries) => ({
  name: 'controllers-alone',
  setup(plugin) {
    plugin.onResolve({ filter: /^alone:/ }, ({ path }) => ({ path, namespace: 'alone' }));
    plugin.onLoad({ filter: /.*/, namespace: 'alone' }, ({ path }) => ({
      contents: entries.get(path.slice('alone:'.length)),
      resolveDir: root,
      loader: 'ts',
    }));
  },
});

/**
 * In the main build an actor's definition says that worker threads load it from dist/actors/: a bundle of just what that actor
 * needs, since a thousand threads each hold a copy of all that they load.
 */
const loadedFromBundle = {
  name: 'actors-loaded-from-their-bundle',
  setup(plugin) {
    plugin.onLoad({ filter: /\/actors\/[^/]+\/index\.ts$/ }, ({ path }) => {
      const name = path.split('/').at(-2);
      const contents = readFileSync(path, 'utf8').replaceAll(
        'module: import.meta.url',
        `module: new URL('./actors/${name}.js', import.meta.url).href`,
      );
      return { contents, loader: 'ts' };
    });
  },
};

/** In the actors' bundles the runtime and RxJS are those of the host: there is one of each in a thread. */
const sharedWithHost = {
  name: 'runtime-shared-with-host',
  setup(plugin) {
    plugin.onResolve({ filter: /^rxjs$|\/runtime\/index\.ts$/ }, () => ({ path: '../host.js', external: true }));
  },
};

/** The names that the sources import from RxJS. */
function namesFromRxjs() {
  const names = new Set();
  for (const folder of ['src', 'actors']) {
    for (const file of readdirSync(join(root, folder), { recursive: true })) {
      if (!file.endsWith('.ts')) continue;
      const text = readFileSync(join(root, folder, file), 'utf8');
      for (const [, list] of text.matchAll(/^import \{([^}]*)\} from 'rxjs';$/gm)) {
        for (const name of list.split(',').map((part) => part.trim())) if (!/^type |^$/.test(name)) names.add(name);
      }
    }
  }
  return [...names].sort();
}

/**
 * What a worker thread loads beside its actor, in one file: the host, the runtime as actors see it, and as much of RxJS as is
 * used. Each further file, and each part that no actor needs, would cost a thousand threads some milliseconds and map entries.
 */
const hostSource = () => `
export { runHost } from './src/runtime/host.ts';
export * from './src/runtime/actor.ts';
export { ${namesFromRxjs().join(', ')} } from 'rxjs';
`;

/** The expression language is a bundle of its own, loaded with the first expression: few actors ever meet one. */
const expressionsApart = {
  name: 'expressions-loaded-when-needed',
  setup(plugin) {
    plugin.onResolve({ filter: /\/cel\/index\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './cel.js', external: true } : undefined,
    );
  },
};

/**
 * Libraries that every worker thread loads are bundled, as ES modules of which only the used part stays: two hundred small files
 * a thread would cost more than all the rest of its start.
 */
const bundled = {
  rxjs: join(root, 'node_modules/rxjs/dist/esm/index.js'),
  'rxjs/internal/scheduler/timeoutProvider': join(
    root,
    'node_modules/rxjs/dist/esm/internal/scheduler/timeoutProvider.js',
  ),
  tslib: join(root, 'node_modules/tslib/tslib.es6.mjs'),
  'msgpackr/pack': join(root, 'node_modules/msgpackr/index.js'),
};

/** The newest change below a folder, in milliseconds since the epoch. */
function newest(path) {
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return Math.max(mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

const sources = ['src', 'actors', 'bench', 'scripts', 'package.json'].map((name) => join(root, name));
const isFresh = existsSync(stamp) && sources.every((path) => newest(path) <= statSync(stamp).mtimeMs);
if (process.argv.includes('--if-stale') && isFresh) process.exit(0);

execFileSync(process.execPath, [join(root, 'scripts/generate.mjs')], { stdio: 'inherit' });
const out = join(root, 'dist');
for (const name of existsSync(out) ? readdirSync(out) : []) {
  if (name !== 'types' || !quick) rmSync(join(out, name), { recursive: true, force: true });
}
const common = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: 'linked',
  // Every worker thread holds its own copy of the text.
  minifyWhitespace: true,
  minifySyntax: true,
  logLevel: 'warning',
};
await build({
  ...common,
  entryPoints: entryPoints(),
  splitting: true,
  alias: bundled,
  chunkNames: '[name]-[hash]',
  plugins: [loadedFromBundle],
});
await build({
  ...common,
  stdin: { contents: hostSource(), resolveDir: root, sourcefile: 'host.ts', loader: 'ts' },
  outdir: undefined,
  outfile: 'dist/host.js',
  alias: bundled,
});
await build({ ...common, entryPoints: actorEntryPoints(), plugins: [sharedWithHost, expressionsApart] });
const alone = controllerEntries();
await build({
  ...common,
  entryPoints: Object.fromEntries([...alone.keys()].map((name) => [name, `alone:${name}`])),
  plugins: [sharedWithHost, expressionsApart, controllersAlone(alone)],
});
await build({ ...common, entryPoints: { 'actors/cel': 'src/api/cel/index.ts' }, plugins: [sharedWithHost] });
for (const folder of [out, join(out, 'actors')]) {
  cpSync(join(root, 'src/api/generated'), join(folder, 'generated'), {
    recursive: true,
    filter: (path) => !path.endsWith('.ts'),
  });
}
if (isFile(join(out, 'cli.js'))) chmodSync(join(out, 'cli.js'), 0o755);
if (!quick) {
  execFileSync(
    process.execPath,
    [
      join(root, 'node_modules/typescript/bin/tsc'),
      '-p',
      relative(process.cwd(), join(root, 'tsconfig.build.json')) || '.',
    ],
    { stdio: 'inherit' },
  );
}
writeFileSync(stamp, '');
