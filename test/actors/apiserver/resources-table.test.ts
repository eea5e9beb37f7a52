/**
 * Tries every verb on every resource and writes what is served into docs/api-resources.md. After a change:
 * `npx vitest run test/actors/apiserver/resources-table.test.ts -u`.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServer, type TestServer } from './fixtures.ts';

interface Resource {
  name: string;
  namespaced: boolean;
  kind: string;
  verbs: string[];
}

const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'] as const;

let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    serviceAccountAdmission: false,
    runtimeConfig: { 'api/all': 'true' },
  });
});
afterAll(() => server.stop());

async function resourceLists(): Promise<{ groupVersion: string; path: string; resources: Resource[] }[]> {
  const { body } = await server.http('GET', '/apis');
  const versions = (body.groups as { versions: { groupVersion: string }[] }[]).flatMap(({ versions: all }) =>
    all.map(({ groupVersion }) => ({ groupVersion, path: `/apis/${groupVersion}` })),
  );
  const paths = [{ groupVersion: 'v1', path: '/api/v1' }, ...versions];
  return Promise.all(
    paths.map(async (place) => ({ ...place, resources: (await server.http('GET', place.path)).body.resources })),
  );
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function send(method: string, path: string, body?: object, type = 'application/json'): Promise<Answer> {
  const response = await fetch(server.url + path, {
    method,
    headers: { 'content-type': type },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.status === 200 && path.includes('watch=1')) {
    await response.body?.cancel();
    return { status: 200, text: '' };
  }
  return { status: response.status, text: await response.text() };
}

/** One request that a server without the verb refuses as such, and one with it refuses for another reason or carries out. */
function attempt(verb: (typeof VERBS)[number], collection: string, object: string): Promise<Answer> {
  switch (verb) {
    case 'get':
      return send('GET', object);
    case 'list':
      return send('GET', `${collection}?limit=1`);
    case 'watch':
      return send('GET', `${collection}?watch=1&timeoutSeconds=1&resourceVersion=0`);
    case 'create':
      return send('POST', `${collection}?dryRun=All`, {});
    case 'update':
      return send('PUT', `${object}?dryRun=All`, {});
    case 'patch':
      return send('PATCH', `${object}?dryRun=All`, {}, 'application/merge-patch+json');
    case 'delete':
      return send('DELETE', `${object}?dryRun=All`);
    case 'deletecollection':
      return send('DELETE', `${collection}?dryRun=All`);
  }
}

/** Verbs of subresources: those of collections are not theirs. */
const PARTIAL: readonly (typeof VERBS)[number][] = ['get', 'create', 'update', 'patch', 'delete'];

/** A path or a verb that is not there is refused with 405, or with a 404 that names no object; a proxy tells of no endpoints. */
const isServed = ({ status, text }: Answer): boolean =>
  (status < 500 || text.includes('no endpoints available for service')) &&
  status !== 405 &&
  !(status === 404 && !text.includes('"name":') && text.includes('"reason"'));

it('serves what discovery says, and the documentation shows it', async () => {
  const rows: string[] = [];
  const previewRows: string[] = [];
  const different: string[] = [];
  for (const { groupVersion, path, resources } of await resourceLists()) {
    for (const { name, namespaced, verbs } of resources) {
      const [plural = '', ...rest] = name.split('/');
      const collection = `${path}/${namespaced ? 'namespaces/default/' : ''}${plural}`;
      const isPart = rest.length > 0;
      const object = `${collection}/${[plural === 'namespaces' && !isPart ? 'default' : 'none', ...rest].join('/')}`;
      const tries = isPart ? PARTIAL : VERBS;
      const served = await Promise.all(
        tries.map(async (verb) => (isServed(await attempt(verb, isPart ? object : collection, object)) ? verb : '')),
      );
      const found = VERBS.filter((verb) => served.includes(verb));
      const named = VERBS.filter((verb) => verbs.includes(verb));
      if (found.join() !== named.join()) {
        different.push(`${groupVersion} ${name}: discovery ${named.join()}, served ${found.join()}`);
      }
      const list = /\/v\d+(alpha|beta)\d+$/.test(groupVersion) ? previewRows : rows;
      list.push(
        `| ${groupVersion} | ${name} | ${VERBS.map((verb) => (found.includes(verb) ? 'x' : '')).join(' | ')} |`,
      );
    }
  }
  expect(different).toEqual([]);
  const head = [`| group version | resource | ${VERBS.join(' | ')} |`, `|---|---|${VERBS.map(() => '---|').join('')}`];
  const text = [
    '# Resources and their verbs',
    '',
    'Written by `test/actors/apiserver/resources-table.test.ts`, which tries every verb on every resource.',
    '',
    ...head,
    ...rows,
    '',
    '## Alpha and beta versions',
    '',
    'Served when they are switched on, as upstream: `--runtime-config api/beta=true`, `api/all=true`, or by name',
    '(`resource.k8s.io/v1beta1=true`, `scheduling.k8s.io/v1alpha2/podgroups=true`).',
    '',
    ...head,
    ...previewRows,
    '',
  ].join('\n');
  await expect(text).toMatchFileSnapshot('../../../docs/api-resources.md');
}, 120_000);
