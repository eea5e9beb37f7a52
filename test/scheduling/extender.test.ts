/** Extenders over real connections: what they are asked, what their answers mean, and what happens when they fail. */
import { afterEach, describe, expect, test } from 'vitest';
import { createAuthority } from '../../src/cluster/pki.ts';
import { VirtualClock } from '../../src/runtime/index.ts';
import { Extender, makePodInfo, NodeTable, parseConfiguration } from '../../src/scheduling/index.ts';
import { type Respond, startExtender, type TestExtender } from '../support/extender.ts';
import { makeNode, makePod } from '../support/scheduling.ts';

let server: TestExtender | undefined;
afterEach(() => {
  server?.stop();
  server = undefined;
});

const pod = makePod('p', { requests: { 'example.com/gpu': '1' } });
const nodes = [makeNode('n1'), makeNode('n2'), makeNode('n3')];
const clock = new VirtualClock();

async function extender(more: Record<string, unknown>, respond: Respond, tls?: Parameters<typeof startExtender>[1]) {
  server = await startExtender(respond, tls);
  const { extenders } = parseConfiguration({ extenders: [{ urlPrefix: server.urlPrefix, ...more }] });
  return new Extender(extenders[0]!, clock);
}

describe('filter', () => {
  test('nodes are sent whole, and those that come back are left', async () => {
    const one = await extender({ filterVerb: 'filter' }, (_path, { Nodes }) => ({
      Nodes: { items: Nodes.items.slice(1) },
      FailedNodes: { n1: 'too far away' },
    }));
    expect(await one.filter(pod, nodes)).toEqual({
      kept: ['n2', 'n3'],
      rejected: new Map([['n1', { reason: 'too far away', resolvable: true }]]),
    });
    expect(server!.asked[0]).toMatchObject({
      path: 'filter',
      body: {
        Pod: { metadata: { name: 'p' } },
        Nodes: { items: [{ metadata: { name: 'n1' } }, {}, {}] },
        NodeNames: null,
      },
    });
  });

  test('one that knows the nodes is sent names, and may say that no preemption helps', async () => {
    const one = await extender({ filterVerb: 'filter', nodeCacheCapable: true }, () => ({
      nodenames: ['n3'],
      failedAndUnresolvableNodes: { n1: 'never', n2: 'never' },
    }));
    expect(await one.filter(pod, nodes)).toEqual({
      kept: ['n3'],
      rejected: new Map([
        ['n1', { reason: 'never', resolvable: false }],
        ['n2', { reason: 'never', resolvable: false }],
      ]),
    });
    expect(server!.asked[0]?.body).toMatchObject({ Nodes: null, NodeNames: ['n1', 'n2', 'n3'] });
  });

  test('one without the verb is not asked', async () => {
    const one = await extender({ prioritizeVerb: 'rank', weight: 1 }, () => 500);
    expect((await one.filter(pod, nodes)).kept).toEqual(['n1', 'n2', 'n3']);
    expect(server!.asked).toEqual([]);
  });

  test.each<[string, Respond, string]>([
    ['says what went wrong', () => ({ Error: 'out of order' }), 'out of order'],
    ['answers with another status', () => 503, 'failed filter with extender at URL'],
    ['answers no JSON', () => 'hello', 'JSON'],
    ['names a node that it was not asked about', () => ({ NodeNames: ['n9'] }), 'claims a filtered node "n9"'],
  ])('one that %s fails', async (_what, respond, message) => {
    const one = await extender({ filterVerb: 'filter', nodeCacheCapable: true }, respond);
    await expect(one.filter(pod, nodes)).rejects.toThrow(message);
  });

  test('one that is not there fails in the words of the client that upstream uses', async () => {
    const one = await extender({ filterVerb: 'filter' }, () => ({}));
    server!.stop();
    const { host } = new URL(server!.urlPrefix);
    const url = `http://${host}/extender/filter`;
    await expect(one.filter(pod, nodes)).rejects.toThrow(
      `Post "${url}": dial tcp ${host}: connect: connection refused`,
    );
  });

  test('one that does not answer in time fails', async () => {
    let reached = () => {};
    const waiting = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const one = await extender({ filterVerb: 'filter', httpTimeout: '2s' }, () => {
      reached();
      return undefined;
    });
    const answer = expect(one.filter(pod, nodes)).rejects.toThrow('context deadline exceeded');
    await waiting;
    await clock.advance(2000);
    await answer;
  });
});

describe('prioritize', () => {
  test('scores count by their weight, on the scale of plugins', async () => {
    const one = await extender({ prioritizeVerb: 'rank', weight: 3 }, () => [
      { Host: 'n1', Score: 10 },
      { host: 'n2', score: 1 },
    ]);
    expect(await one.prioritize(pod, nodes)).toEqual(
      new Map([
        ['n1', 300],
        ['n2', 30],
      ]),
    );
  });
});

describe('preempt', () => {
  const info = makePodInfo(makePod('victim'), new NodeTable().index);
  const candidates = new Map([['n1', { victims: [info], violations: 1 }]]);

  test('victims are sent whole', async () => {
    const one = await extender({ preemptVerb: 'preempt' }, () => ({
      NodeNameToMetaVictims: { n1: { Pods: [{ UID: info.uid }], NumPDBViolations: 2 } },
    }));
    expect(await one.preempt(pod, candidates)).toEqual(new Map([['n1', { uids: new Set([info.uid]), violations: 2 }]]));
    expect(server!.asked[0]?.body).toMatchObject({
      NodeNameToVictims: { n1: { Pods: [{ metadata: { name: 'victim' } }], NumPDBViolations: 1 } },
      NodeNameToMetaVictims: null,
    });
  });

  test('or by uid, and no answer about a node takes it away', async () => {
    const one = await extender({ preemptVerb: 'preempt', nodeCacheCapable: true }, () => ({}));
    expect(await one.preempt(pod, candidates)).toEqual(new Map());
    expect(server!.asked[0]?.body).toMatchObject({
      NodeNameToVictims: null,
      NodeNameToMetaVictims: { n1: { Pods: [{ UID: info.uid }], NumPDBViolations: 1 } },
    });
  });
});

describe('bind', () => {
  const info = makePodInfo(pod, new NodeTable().index);

  test('it is told pod and node', async () => {
    const one = await extender({ bindVerb: 'bind' }, () => ({}));
    await one.bind(info, 'n2');
    expect(server!.asked).toEqual([
      { path: 'bind', body: { PodName: 'p', PodNamespace: 'default', PodUID: info.uid, Node: 'n2' } },
    ]);
  });

  test('it may refuse', async () => {
    const one = await extender({ bindVerb: 'bind' }, () => ({ Error: 'node is full' }));
    await expect(one.bind(info, 'n2')).rejects.toThrow('node is full');
  });
});

test('an extender of some resources is asked about pods that request them', async () => {
  const one = await extender({ filterVerb: 'filter', managedResources: [{ name: 'example.com/gpu' }] }, () => ({}));
  expect(one.isInterestedIn(pod)).toBe(true);
  expect(one.isInterestedIn(makePod('q', { requests: { cpu: '1' } }))).toBe(false);
  const byLimit = [{ name: 'c', image: 'i', resources: { limits: { 'example.com/gpu': '1' } } }];
  expect(one.isInterestedIn(makePod('r', { initContainers: byLimit }))).toBe(true);
});

describe('over HTTPS', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  async function authorities() {
    const authority = await createAuthority(Date.now());
    const served = await authority.issue({ commonName: 'extender', usage: 'server', hosts: ['extender.example'] });
    const shown = await authority.issue({ commonName: 'scheduler', usage: 'client' });
    return { authority, served, shown };
  }
  const keep: Respond = (_path, { NodeNames }) => ({ NodeNames });
  const filters = { filterVerb: 'filter', nodeCacheCapable: true };

  test('its certificate is checked against the authority and the name of the configuration', async () => {
    const { authority, served } = await authorities();
    const tls = { cert: served.certificate, key: served.key };
    const tlsConfig = { caData: base64(authority.certificate), serverName: 'extender.example' };
    const one = await extender({ ...filters, tlsConfig }, keep, tls);
    expect((await one.filter(pod, nodes)).kept).toEqual(['n1', 'n2', 'n3']);
    const { extenders } = parseConfiguration({
      extenders: [
        { urlPrefix: server!.urlPrefix, ...filters, tlsConfig: { ...tlsConfig, serverName: 'other.example' } },
      ],
    });
    await expect(new Extender(extenders[0]!, clock).filter(pod, nodes)).rejects.toThrow(/other\.example/);
  });

  test('the scheduler shows its own certificate', async () => {
    const { authority, served, shown } = await authorities();
    const demands = { ca: authority.certificate, requestCert: true, rejectUnauthorized: true };
    const tlsConfig = {
      caData: base64(authority.certificate),
      certData: base64(shown.certificate),
      keyData: base64(shown.key),
      serverName: 'extender.example',
    };
    const tls = { cert: served.certificate, key: served.key, ...demands };
    const one = await extender({ ...filters, tlsConfig }, keep, tls);
    expect((await one.filter(pod, nodes)).kept).toHaveLength(3);
    const { extenders } = parseConfiguration({
      extenders: [{ urlPrefix: server!.urlPrefix, ...filters, tlsConfig: { insecure: true } }],
    });
    await expect(new Extender(extenders[0]!, clock).filter(pod, nodes)).rejects.toThrow();
  });

  test('an unknown authority is refused, unless HTTPS is asked for without any', async () => {
    const { served } = await authorities();
    const one = await extender(filters, keep, { cert: served.certificate, key: served.key });
    await expect(one.filter(pod, nodes)).rejects.toThrow(/certificate/);
    const { extenders } = parseConfiguration({
      extenders: [{ urlPrefix: server!.urlPrefix, ...filters, enableHTTPS: true }],
    });
    expect((await new Extender(extenders[0]!, clock).filter(pod, nodes)).kept).toHaveLength(3);
  });
});
