/** Parts of a resource: what is followed while it is wanted, and that nothing else is. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiserverActor } from '../../actors/apiserver/index.ts';
import { storeActor } from '../../actors/store/index.ts';
import { type Client, configMaps, createBusClient, createParts, namespaces } from '../../src/client/index.ts';
import { ActorSystem, seededRandom } from '../../src/runtime/index.ts';

const silent = () => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };

let system: ActorSystem;
let client: Client;
let seen: string[];
let stop: AbortController;

beforeEach(async () => {
  system = new ActorSystem({ placement: 'inline', clock: 'virtual' });
  await system.start([{ definition: storeActor }, { definition: apiserverActor }]);
  const { bus } = await system.connect('test', { user: 'admin', groups: ['system:masters'] });
  client = createBusClient(bus);
  seen = [];
  stop = new AbortController();
  for (const name of ['a', 'b', 'c']) await client.create(namespaces, { metadata: { name } });
});
afterEach(async () => {
  stop.abort();
  await system.stop();
});

function partsOf(partsMax?: number) {
  return createParts(client, {
    clock: system.clock,
    random: seededRandom(1),
    log,
    signal: stop.signal,
    resource: configMaps,
    selectionOf: (namespace) => ({ namespace }),
    onChange({ type, object }) {
      seen.push(`${type} ${object.metadata?.namespace}/${object.metadata?.name}`);
    },
    ...(partsMax === undefined ? {} : { partsMax }),
  });
}
const create = (namespace: string, name: string) => client.create(configMaps, { metadata: { namespace, name } });
const update = (namespace: string, name: string) =>
  client.patch(configMaps, { namespace, name }, 'merge', { data: { a: 'b' } });

describe('parts', () => {
  it('hold what is wanted and follow it; of the others nothing is heard', async () => {
    await create('a', 'first');
    await create('b', 'first');
    const parts = partsOf();
    expect(parts.lister.list()).toEqual([]);
    await parts.want('a');
    expect(parts.lister.list('a')).toHaveLength(1);
    await create('a', 'second');
    await create('b', 'second');
    await update('a', 'first');
    await client.delete(configMaps, { namespace: 'a', name: 'first' });
    await system.settled();
    expect(seen).toEqual(['added a/first', 'added a/second', 'updated a/first', 'deleted a/first']);
    expect(parts.lister.list('b')).toEqual([]);
  });

  it('forget a part that is dropped without a word, and list it anew when it is wanted again', async () => {
    await create('a', 'first');
    const parts = partsOf();
    await parts.want('a');
    parts.drop('a');
    await update('a', 'first');
    await system.settled();
    expect(parts.lister.list()).toEqual([]);
    expect(seen).toEqual(['added a/first']);
    await parts.want('a');
    expect(seen).toEqual(['added a/first', 'added a/first']);
  });

  it('tell who waits for a part that it was dropped', async () => {
    const parts = partsOf();
    const wanted = parts.want('a');
    parts.drop('a');
    await expect(wanted).rejects.toThrow('no longer followed');
  });

  it('become one watch of everything when they are many, without telling anything twice, until nothing is wanted', async () => {
    for (const namespace of ['a', 'b', 'c']) await create(namespace, 'first');
    const parts = partsOf(1);
    await parts.want('a');
    await parts.want('b');
    await update('a', 'first');
    await system.settled();
    // Beside what the server itself keeps in kube-system.
    const ours = seen.filter((line) => !line.includes('kube-system')).sort();
    expect(ours).toEqual(['added a/first', 'added b/first', 'added c/first', 'updated a/first']);
    parts.drop('a');
    expect(parts.lister.list('a')).toHaveLength(1);
    parts.drop('b');
    expect(parts.lister.list()).toEqual([]);
  });

  it('end with the signal', async () => {
    const parts = partsOf();
    await parts.want('a');
    stop.abort();
    await create('a', 'late');
    await system.settled();
    expect(seen).toEqual([]);
    await expect(parts.want('b')).rejects.toThrow('no longer followed');
  });
});
