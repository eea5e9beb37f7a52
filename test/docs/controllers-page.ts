/**
 * Writes docs/controllers.md from the controllers' definitions and sources: what each watches, writes and emits. Text is enough
 * for that, because requests and events name their resources and reasons where they are made; what is shared (pod control,
 * claiming) is followed into src/controller.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { controllers } from '../../actors/controllers/index.ts';
import type { Resource } from '../../src/client/index.ts';
import * as resources from '../../src/client/resources.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/[^\n]*/gm, '');

/** Files of src/controller by the names that they export. */
const exporters = new Map<string, string>();
for (const file of readdirSync(join(root, 'src/controller'))) {
  if (file === 'index.ts' || file === 'runner.ts') continue;
  for (const [, name = ''] of read(`src/controller/${file}`).matchAll(
    /^export (?:async )?(?:function|const|class) (\w+)/gm,
  )) {
    exporters.set(name, `src/controller/${file}`);
  }
}

/** What in src/controller makes requests or events; the rest only computes. */
const acting = new Set([
  'changeTaints',
  'claim',
  'createPodControl',
  'createReplicaReconciler',
  'createResourceCatalog',
  'createSimulatedCloud',
  'createStatefulPodControl',
  'currentRevision',
  'disrupt',
  'truncateHistory',
]);

/** The controller's own text and that of what it acts through in src/controller. */
function textsOf(path: string, seen = new Set<string>()): string {
  if (seen.has(path)) return '';
  seen.add(path);
  const text = withoutComments(read(path));
  const names = [...text.matchAll(/import \{([^}]*)\} from '(?:\.\.\/\.\.\/src\/controller\/index|\.\/[\w-]+)\.ts'/g)]
    .flatMap(([, list = '']) => list.split(','))
    .map((name) => name.trim())
    .filter((name) => acting.has(name));
  const further = [...new Set(names.flatMap((name) => exporters.get(name) ?? []))];
  return [text, ...further.map((file) => textsOf(file, seen))].join('\n');
}

const byConstant = resources as unknown as Readonly<Record<string, Resource | undefined>>;
const titleOf = ({ group, resource }: Resource) => (group === '' ? resource : `${resource}.${group}`);

function resourceOf(expression: string, text: string): string | undefined {
  const known = byConstant[expression];
  if (known !== undefined) return titleOf(known);
  // Resources that are spelled out in the file itself.
  const own = new RegExp(`const ${expression}: Resource[^=]*= \\{([^}]*)\\}`).exec(text)?.[1];
  const member = (name: string) => new RegExp(`${name}: '([^']*)'`).exec(own ?? '')?.[1];
  if (own === undefined || member('resource') === undefined) return undefined;
  return member('group') === '' ? member('resource') : `${member('resource')}.${member('group')}`;
}

const sorted = (items: Iterable<string>) => [...new Set(items)].sort();

function watched(text: string): string[] {
  const calls = [...text.matchAll(/\b(?:lister|observe|index|parts)\(\s*(\w+)/g)].map(([, name = '']) => name);
  const members = [...text.matchAll(/\b(?:reconciles|resource|needs): (\w+)/g)].map(([, name = '']) => name);
  const lists = [...text.matchAll(/\b(?:owns|reads): \[([^\]]*)\]/g)].flatMap(([, list = '']) => list.split(/,\s*/));
  return sorted([...calls, ...members, ...lists].flatMap((name) => resourceOf(name, text) ?? []));
}

function written(text: string, generic: string | undefined, needed: string | undefined): string[] {
  const found: string[] = [];
  const calls =
    /client\s*\.(create|update|patch|delete|deleteCollection|post)\(\s*([\w.!]+)(?: as \w+)?,([\s\S]{0,3000}?)(?:;\n|\n\s*\)|$)/g;
  for (const [, verb, expression = '', rest = ''] of text.matchAll(calls)) {
    const resource =
      resourceOf(expression, text) ??
      (expression === 'kind.resource' ? generic : expression === 'served' ? needed : undefined);
    const subresource =
      /subresource: '(\w+)'/.exec(rest)?.[1] ?? (verb === 'post' ? /'(\w+)'/.exec(rest)?.[1] : undefined);
    const title =
      resource ??
      (/ownedResource/.test(expression) ? 'what it owns' : /resource/.test(expression) ? 'any kind' : undefined);
    if (title === undefined) continue;
    found.push(`${verb === 'post' ? 'create' : verb} ${title}${subresource === undefined ? '' : `/${subresource}`}`);
  }
  return sorted(found);
}

function emitted(text: string): string[] {
  const literal = [...text.matchAll(/'(?:Normal|Warning)',\s*'([A-Z]\w+)'/g)].map(([, reason = '']) => reason);
  const tuples = [...text.matchAll(/(?:return|normal\() ?\[?'([A-Z]\w+)', (?:arrow|`)/g)].map(
    ([, reason = '']) => reason,
  );
  const chosen = [...text.matchAll(/\? '([A-Z]\w+)' : '([A-Z]\w+)';/g)]
    .flatMap(([, first = '', second = '']) => [first, second])
    .filter((reason) => /^Failed/.test(reason));
  return sorted([...literal, ...tuples, ...chosen]);
}

const list = (items: readonly string[]) =>
  items.length === 0 ? 'nothing' : items.map((item) => `\`${item}\``).join(', ');

/** The first comment of a file without its link. */
function openingOf(text: string): string {
  const comment = /\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? '';
  const lines = comment.split('\n').map((line) => line.replace(/^\s*\* ?/, '').trim());
  return lines.filter((line) => line !== '' && !line.startsWith('@see')).join(' ');
}

/** The page as it should be. */
export function controllersPage(): string {
  const files = readdirSync(join(root, 'actors/controllers'))
    .filter((file) => file !== 'index.ts')
    .map((file) => `actors/controllers/${file}`);
  const sections = controllers.map((definition) => {
    const file = files.find((path) => read(path).includes(`name: '${definition.name}'`)) ?? '';
    const text = textsOf(file);
    const { name, component = name, serviceAccount = name, byDefault = true, reconciles, needs } = definition;
    const needed = needs === undefined ? undefined : titleOf(needs);
    const runs = needed === undefined ? '' : `; runs only where \`${needed}\` are served (\`--runtime-config\`)`;
    const sentence = openingOf(read(file)).replace(new RegExp(`^${name}: `), '');
    return [
      `## ${name}`,
      '',
      `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`,
      '',
      `- source: [${file}](../${file})${byDefault ? runs : '; runs only when it is named'}`,
      `- acts as \`${serviceAccount}\`; its events name \`${component}\``,
      `- watches: ${list([...(/catalog\.all\(\)/.test(text) ? ['all kinds'] : []), ...watched(text)])}`,
      `- writes: ${list(written(text, reconciles === undefined ? undefined : titleOf(reconciles), needed))}`,
      `- emits: ${list(sorted([...emitted(text), ...(definition.emits ?? [])]))}`,
      '',
    ].join('\n');
  });
  return [
    '# Controllers',
    '',
    'Each is an actor of its own, with the name that `kubehive up --components` and kube-controller-manager know it by. This page is',
    'made from their definitions and sources; a test holds it up to date (`UPDATE_DOCS=1 npx vitest run test/docs/controllers.test.ts`',
    'writes it anew). All are level-triggered: the same contract tests run over every one of them',
    '(`test/actors/controllers/contract.test.ts`): a second look writes nothing, a kill on the way and disturbed events change nothing',
    'in the end.',
    '',
    ...sections,
  ].join('\n');
}
