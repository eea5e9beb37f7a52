/**
 * Architecture and style as a test: which way imports go, what code may not touch, that no file is dead and no list incomplete.
 * A rule that has to bend bends here, in the open, with its reason.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

function filesBelow(folder: string, found: string[] = []): string[] {
  if (!existsSync(join(root, folder))) return found;
  for (const name of readdirSync(join(root, folder))) {
    const path = join(folder, name);
    if (path === 'src/api/generated') continue;
    if (statSync(join(root, path)).isDirectory()) filesBelow(path, found);
    else if (path.endsWith('.ts')) found.push(path);
  }
  return found;
}

/** Code without comments and with strings emptied, so that words in texts are not taken for calls. */
const withoutTexts = (source: string): string =>
  source
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|[^:'"`\\])\/\/[^\n]*/g, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''");

const withoutComments = (source: string): string =>
  source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/[^\n]*/gm, '');

interface Source {
  readonly path: string;
  readonly text: string;
  /** Paths, relative to the root, of the project's files that it imports; types included. */
  readonly imports: readonly string[];
}

function readSource(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  const specifiers = [...withoutComments(text).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
    (match) => match[1] ?? '',
  );
  return { path, text, imports: specifiers.map((specifier) => relative(root, join(root, dirname(path), specifier))) };
}

const product = [...filesBelow('src'), ...filesBelow('actors')].map(readSource);
const suites = [...filesBelow('bench'), ...filesBelow('test')].map(readSource);

/** The layers, lowest first. A file imports from its own layer's folder or from lower ones. */
const layers: readonly (readonly string[])[] = [
  ['src/api', 'src/runtime'],
  ['src/store'],
  ['src/client'],
  ['src/controller', 'src/scheduling', 'src/node', 'src/network'],
  ['actors'],
  ['src/cluster'],
  ['src/index.ts', 'src/cli'],
];

const layerOf = (path: string): number =>
  layers.findIndex((folders) => folders.some((folder) => path === folder || path.startsWith(`${folder}/`)));
const folderOf = (path: string): string =>
  path.startsWith('src/') ? path.split('/').slice(0, 2).join('/') : path.split('/').slice(0, 2).join('/');

/** Files in such folders that are no entry of the list, but what runs the entries. */
const runners = new Set(['actors/apiserver/admission/chain.ts']);

/** Folders in which each file stands for itself and none imports another. */
const oneFileEach = [
  'actors/controllers',
  'actors/scheduler/plugins',
  'actors/apiserver/admission',
  'actors/kubelet/stages',
  'src/api/kinds/strategies',
  'bench/operations',
];

const violations = (find: (source: Source) => readonly string[], sources: readonly Source[] = product): string[] =>
  sources.flatMap((source) => find(source).map((what) => `${source.path}: ${what}`));

describe('imports', () => {
  it('go from higher layers to lower ones only', () => {
    expect(
      violations((source) =>
        source.imports
          .filter((target) => layerOf(target) > layerOf(source.path))
          .map((target) => `imports ${target}, which stands above it`),
      ),
    ).toEqual([]);
  });

  it('enter another folder through its index.ts', () => {
    // Tokens of resources are many; the facade re-exports the module as one name.
    const allowed = new Set([
      'src/client/resources.ts',
      'src/client/protocol.ts',
      'src/node/protocol.ts',
      'src/network/protocol.ts',
    ]);
    expect(
      violations((source) =>
        source.imports
          .filter((target) => target.startsWith('src/') && folderOf(target) !== folderOf(source.path))
          .filter(
            (target) => target.split('/').length > 2 && !/^src\/[^/]+\/index\.ts$/.test(target) && !allowed.has(target),
          )
          .map((target) => `reaches into ${target}`),
      ),
    ).toEqual([]);
  });

  it('never lead from one actor to another', () => {
    expect(
      violations((source) =>
        source.path.startsWith('actors/')
          ? source.imports
              .filter((target) => target.startsWith('actors/') && folderOf(target) !== folderOf(source.path))
              .map((target) => `imports ${target} of another actor`)
          : [],
      ),
    ).toEqual([]);
  });

  it('never lead to the benchmarks or the tests', () => {
    expect(
      violations((source) =>
        source.imports.filter((target) => /^(bench|test)\//.test(target)).map((target) => `imports ${target}`),
      ),
    ).toEqual([]);
  });
});

describe('lists', () => {
  it.each(oneFileEach)('%s: every file has its line in the list, and its test', (folder) => {
    const index = join(folder, 'index.ts');
    if (!existsSync(join(root, index))) return;
    const listed = new Set(readSource(index).imports);
    const missing = filesBelow(folder)
      .filter((path) => dirname(path) === folder && path !== index && !listed.has(path) && !runners.has(path))
      // Files that several entries share are reached through those entries.
      .filter(
        (path) =>
          ![...product, ...suites].some((source) => dirname(source.path) === folder && source.imports.includes(path)),
      );
    expect(missing).toEqual([]);
  });
});

describe('controllers', () => {
  it('stand in the table of the contract tests, each with its scenario', () => {
    const table = ['scenarios', 'preview-scenarios']
      .map((name) => readSource(`test/actors/controllers/${name}.ts`).text)
      .join('\n');
    const names = product
      .filter(({ path }) => dirname(path) === 'actors/controllers')
      .flatMap(({ text }) => [...text.matchAll(/^\s*name: '([a-z-]+-controller)',$/gm)].map((match) => match[1] ?? ''));
    expect(names.length).toBeGreaterThan(30);
    expect(names.filter((name) => !table.includes(`  '${name}': {`))).toEqual([]);
  });
});

describe('time and chance', () => {
  const bans: readonly (readonly [RegExp, string])[] = [
    [/\bDate\.now\s*\(/, 'Date.now'],
    [/\bnew Date\(\s*\)/, 'new Date()'],
    [/\bperformance\.now\s*\(/, 'performance.now'],
    [/\bset(Timeout|Interval|Immediate)\s*\(/, 'a timer of its own'],
    [/\bMath\.random\s*\(/, 'Math.random'],
    [/\brandomUUID\s*\(/, 'randomUUID'],
    [/\bconsole\./, 'console'],
  ];
  it('come from the actor context everywhere but in the runtime and the command line', () => {
    expect(
      violations((source) => {
        if (source.path.startsWith('src/runtime/') || source.path.startsWith('src/cli/')) return [];
        const code = withoutTexts(source.text);
        return bans.filter(([pattern]) => pattern.test(code)).map(([, name]) => `uses ${name}`);
      }),
    ).toEqual([]);
  });
});

describe('files', () => {
  it('are reachable from a public face', () => {
    const faces = [
      'src/index.ts',
      'src/cli/main.ts',
      'src/runtime/host.ts',
      // The generator of the schema tables reads these.
      'src/api/field-presence.ts',
      'src/api/markers.ts',
      ...product
        .map(({ path }) => path)
        .filter((path) => /^src\/[^/]+\/index\.ts$|^actors\/[^/]+\/index\.ts$/.test(path)),
    ];
    const seen = new Set<string>();
    const byPath = new Map(product.map((source) => [source.path, source]));
    const visit = (path: string): void => {
      if (seen.has(path)) return;
      seen.add(path);
      for (const target of byPath.get(path)?.imports ?? []) visit(target);
    };
    for (const face of faces) visit(face);
    expect(product.map(({ path }) => path).filter((path) => !seen.has(path))).toEqual([]);
  });

  it('open with a comment that says what they hold', () => {
    expect(
      violations(
        (source) => (/^(#!.*\n)?(\/\*\*|\/\/)/.test(source.text) ? [] : ['has no opening comment']),
        [...product],
      ),
    ).toEqual([]);
  });

  it('have names that say something', () => {
    expect(violations(({ path }) => (/\b(utils?|common|helpers?|misc)\b/.test(path) ? ['names nothing'] : []))).toEqual(
      [],
    );
  });

  it('stay short enough to read', () => {
    // Tables of facts are as long as the facts are many.
    const tables = /^src\/api\/(markers|kinds|tables|validation)|^src\/client\/resources\.ts$/;
    const linesMax = 700;
    expect(
      violations(({ path, text }) => {
        const lines = text.split('\n').length;
        return lines > linesMax && !tables.test(path) ? [`has ${lines} lines; at most ${linesMax}`] : [];
      }),
    ).toEqual([]);
  });

  it('have no default exports', () => {
    expect(violations(({ text }) => (/^export default/m.test(text) ? ['has a default export'] : []))).toEqual([]);
  });

  it('are finished', () => {
    expect(
      violations(
        ({ path, text }) =>
          path === 'test/tidy.test.ts' ? [] : /\b(TODO|FIXME|XXX|HACK)\b/.test(text) ? ['says it is not finished'] : [],
        [...product, ...suites],
      ),
    ).toEqual([]);
  });
});

describe('tests', () => {
  it('mirror a source file or folder', () => {
    const own = /^test\/(contract|simulation|golden|e2e|regressions|support|docs|tidy\.test\.ts|package\.test\.ts)/;
    const orphans = filesBelow('test')
      .filter((path) => path.endsWith('.test.ts') && !own.test(path))
      .filter((path) => {
        const bare = path.replace(/^test\//, '').replace(/\.test\.ts$/, '');
        const places = [bare, `src/${bare}`];
        return !places.some(
          (place) =>
            existsSync(join(root, `${place}.ts`)) ||
            existsSync(join(root, place)) ||
            existsSync(join(root, dirname(place))),
        );
      });
    expect(orphans).toEqual([]);
  });

  it('never run alone or not at all without a reason', () => {
    expect(
      violations(
        ({ path, text }) =>
          path === 'test/tidy.test.ts'
            ? []
            : /\b(it|test|describe)\.(only|todo)\b/.test(withoutTexts(text))
              ? ['uses only or todo']
              : [],
        suites,
      ),
    ).toEqual([]);
  });
});
