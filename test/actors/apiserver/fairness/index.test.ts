import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, startServer, type TestServer } from '../fixtures.ts';

const FLOWS = '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas';
const LEVELS = '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations';
const MAPS = '/api/v1/namespaces/default/configmaps';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    tokens: ['flooder', 'quiet', 'bare', 'narrow', 'leaver'].map((user) => ({
      token: user,
      user,
      groups: ['system:tests'],
    })),
    authorizationModes: ['AlwaysAllow'],
    // Few seats, so that the test needs few requests to fill them.
    maxRequestsInflight: 60,
  });
  await server.http('POST', MAPS, configMap('one', { text: 'x'.repeat(1000) }));
});
afterAll(() => server.stop());

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 3000; attempt++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`never came true: ${holds}`);
}

const as = (user: string) => ({ authorization: `Bearer ${user}` });
const uidOf = async (path: string) => (await server.http('GET', path)).body.metadata.uid;

describe('answers', () => {
  it('say which schema and level the request was of', async () => {
    const admin = await server.http('GET', MAPS);
    expect(admin.headers.get('x-kubernetes-pf-flowschema-uid')).toBe(await uidOf(`${FLOWS}/exempt`));
    const user = await server.http('GET', MAPS, undefined, as('quiet'));
    expect(user.headers.get('x-kubernetes-pf-flowschema-uid')).toBe(await uidOf(`${FLOWS}/global-default`));
    expect(user.headers.get('x-kubernetes-pf-prioritylevel-uid')).toBe(await uidOf(`${LEVELS}/global-default`));
    const refused = await server.http('GET', `${MAPS}/none`, undefined, as('quiet'));
    expect(refused.headers.get('x-kubernetes-pf-flowschema-uid')).not.toBeNull();
  });

  it('are 429 with Retry-After when a level without queues has no seat', async () => {
    const level = {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'PriorityLevelConfiguration',
      metadata: { name: 'bare' },
      spec: {
        type: 'Limited',
        limited: { nominalConcurrencyShares: 1, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } },
      },
    };
    expect((await server.http('POST', LEVELS, level)).status).toBe(201);
    const schema = {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'FlowSchema',
      metadata: { name: 'bare' },
      spec: {
        matchingPrecedence: 50,
        priorityLevelConfiguration: { name: 'bare' },
        rules: [
          {
            subjects: [{ kind: 'User', user: { name: 'bare' } }],
            resourceRules: [
              { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true },
            ],
          },
        ],
      },
    };
    expect((await server.http('POST', FLOWS, schema)).status).toBe(201);
    // Requests that wait for a revision which does not come keep their seats for as long.
    const waiting = `${MAPS}?resourceVersion=99999999`;
    const held = Array.from({ length: 3 }, () => server.http('GET', waiting, undefined, as('bare')));
    await until(async () => (await server.http('GET', `${MAPS}/one`, undefined, as('bare'))).status === 429);
    const refused = await server.http('GET', `${MAPS}/one`, undefined, as('bare'));
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.text).toBe('Too many requests, please try again later.\n');
    expect((await Promise.all(held)).map(({ status }) => status)).toContain(504);
    expect((await server.http('GET', `${MAPS}/one`, undefined, as('bare'))).status).toBe(200);
    const { text } = await server.http('GET', '/metrics');
    expect(text).toMatch(/apiserver_flowcontrol_rejected_requests_total\{[^}]*flow_schema="bare"[^}]*\} [1-9]/);
    expect(text).toMatch(/apiserver_flowcontrol_dispatched_requests_total\{[^}]*flow_schema="global-default"/);
  });
});

describe('the dumps', () => {
  const DUMPS = '/debug/api_priority_and_fairness';
  const cellsOf = (text: string, first: string) =>
    text
      .split('\n')
      .map((line) => line.split(/, */))
      .filter(([cell]) => cell === first);

  it('tell of levels, queues and requests', async () => {
    const level = {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'PriorityLevelConfiguration',
      metadata: { name: 'narrow' },
      spec: {
        type: 'Limited',
        limited: {
          nominalConcurrencyShares: 1,
          borrowingLimitPercent: 0,
          limitResponse: { type: 'Queue', queuing: { queues: 4, handSize: 2, queueLengthLimit: 5 } },
        },
      },
    };
    expect((await server.http('POST', LEVELS, level)).status).toBe(201);
    const subjects = [{ kind: 'User', user: { name: 'narrow' } }];
    const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true };
    const schema = {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'FlowSchema',
      metadata: { name: 'narrow' },
      spec: {
        matchingPrecedence: 51,
        distinguisherMethod: { type: 'ByUser' },
        priorityLevelConfiguration: { name: 'narrow' },
        rules: [{ subjects, resourceRules: [all] }],
      },
    };
    expect((await server.http('POST', FLOWS, schema)).status).toBe(201);
    // The level has one seat; this request keeps it until it gives up to wait for its revision.
    const held = Array.from({ length: 3 }, () =>
      server.http('GET', `${MAPS}?resourceVersion=99999999`, undefined, as('narrow')),
    );
    const dump = async (what: string) => (await server.http('GET', `${DUMPS}/${what}`)).text;
    await until(async () => cellsOf(await dump('dump_requests'), 'narrow').length === 3);
    const [head, ...requests] = (await dump('dump_requests?includeRequestDetails=1')).split('\n');
    expect(head?.split(/, */)).toEqual([
      ...['PriorityLevelName', 'FlowSchemaName', 'QueueIndex', 'RequestIndexInQueue', 'FlowDistingsher', 'ArriveTime'],
      ...['InitialSeats', 'FinalSeats', 'AdditionalLatency', 'StartTime'],
      ...['UserName', 'Verb', 'APIPath', 'Namespace', 'Name', 'APIVersion', 'Resource', 'SubResource'],
    ]);
    const own = cellsOf(requests.join('\n'), 'narrow');
    expect(own.map(([, , queue]) => queue === '-1').sort()).toEqual([false, false, true]);
    expect(own[0]?.slice(10)).toEqual(['narrow', 'list', '', 'default', '', 'v1', 'configmaps', '']);
    const [levelRow] = cellsOf(await dump('dump_priority_levels'), 'narrow');
    expect(levelRow?.slice(2, 6)).toEqual(['false', 'false', '2', '1']);
    const queues = cellsOf(await dump('dump_queues'), 'narrow');
    expect(queues.map(([, index]) => index)).toEqual(['0', '1', '2', '3']);
    expect(queues.reduce((sum, [, , pending]) => sum + Number(pending), 0)).toBe(2);
    const metrics = (await server.http('GET', '/metrics')).text;
    const lineOf = (name: string) =>
      metrics
        .split('\n')
        .find((line) => line.startsWith(`apiserver_flowcontrol_${name}{`) && line.includes('"narrow"'));
    expect(lineOf('current_inqueue_requests')).toMatch(/ 2$/);
    expect(lineOf('current_executing_seats')).toMatch(/ 1$/);
    expect(lineOf('nominal_limit_seats')).toMatch(/ 1$/);
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([504, 504, 504]);
    await until(async () => cellsOf(await dump('dump_requests'), 'narrow').length === 0);
    expect((await server.http('GET', `${DUMPS}/nothing`)).status).toBe(404);
  });
});

describe('a client that goes while its request waits', () => {
  it('takes the request out of its queue', async () => {
    const level = {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'PriorityLevelConfiguration',
      metadata: { name: 'left' },
      spec: {
        type: 'Limited',
        limited: {
          nominalConcurrencyShares: 1,
          borrowingLimitPercent: 0,
          limitResponse: { type: 'Queue', queuing: { queues: 1, handSize: 1, queueLengthLimit: 1 } },
        },
      },
    };
    expect((await server.http('POST', LEVELS, level)).status).toBe(201);
    const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true };
    const schema = {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'FlowSchema',
      metadata: { name: 'left' },
      spec: {
        matchingPrecedence: 52,
        priorityLevelConfiguration: { name: 'left' },
        rules: [{ subjects: [{ kind: 'User', user: { name: 'leaver' } }], resourceRules: [all] }],
      },
    };
    expect((await server.http('POST', FLOWS, schema)).status).toBe(201);
    const row = async () => {
      const { text } = await server.http('GET', '/debug/api_priority_and_fairness/dump_priority_levels');
      const cells = text.split('\n').map((line) => line.split(/, */));
      return cells.find(([name]) => name === 'left')?.slice(4) ?? [];
    };
    const begin = (method: string, path: string, headers: Record<string, string>) => {
      const sent = request(server.url + path, { method, headers: { ...as('leaver'), ...headers }, agent: new Agent() });
      sent.on('error', () => undefined);
      return sent;
    };
    // The one seat of the level is kept by a request whose body does not come.
    const keeper = begin('POST', MAPS, { 'content-type': 'application/json', 'content-length': '1000' });
    keeper.flushHeaders();
    await until(async () => (await row())[1] === '1');
    const leaver = begin('GET', `${MAPS}/one`, {});
    leaver.end();
    await until(async () => (await row())[0] === '1');
    expect((await server.http('GET', `${MAPS}/one`, undefined, as('leaver'))).status).toBe(429);
    leaver.destroy();
    await until(async () => (await row())[0] === '0');
    expect(await row()).toEqual(['0', '1', '1', '2', '0', '1']);
    const next = server.http('GET', `${MAPS}/one`, undefined, as('leaver'));
    await until(async () => (await row())[0] === '1');
    keeper.destroy();
    expect((await next).status).toBe(200);
    const { text } = await server.http('GET', '/metrics');
    expect(text).toMatch(/rejected_requests_total\{[^}]*flow_schema="left"[^}]*reason="cancelled"[^}]*\} 1/);
  });
});

describe('an answer that nobody reads', () => {
  it('keeps its seat until its client goes', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'large' } };
    expect((await server.http('POST', '/api/v1/namespaces', namespace)).status).toBe(201);
    const maps = '/api/v1/namespaces/large/configmaps';
    // More than the buffers of a connection take on their own.
    for (let index = 0; index < 24; index++) {
      const map = { ...configMap(`large-${index}`, { text: 'x'.repeat(900_000) }) };
      map.metadata = { ...map.metadata, namespace: 'large' };
      expect((await server.http('POST', maps, map)).status).toBe(201);
    }
    const executing = async () => {
      const { text } = await server.http('GET', '/metrics');
      const line = text
        .split('\n')
        .find((each) => /_current_executing_requests\{[^}]*"global-default"[^}]*"global-default"/.test(each));
      return Number(line?.split(' ').at(-1));
    };
    await until(async () => (await executing()) === 0);
    const reader = request(server.url + maps, { headers: as('quiet'), agent: new Agent() });
    reader.on('error', () => undefined);
    const answered = new Promise<void>((resolve) => {
      reader.on('response', (response) => {
        response.pause();
        resolve();
      });
    });
    reader.end();
    await answered;
    await until(async () => (await executing()) === 1);
    // It still has it later: others come and go.
    expect((await server.http('GET', `${MAPS}/one`, undefined, as('quiet'))).status).toBe(200);
    await until(async () => (await executing()) === 1);
    reader.destroy();
    await until(async () => (await executing()) === 0);
  });
});

describe('what fairness needs', () => {
  it('is put back when somebody takes or changes it', async () => {
    await server.http('DELETE', `${FLOWS}/catch-all`);
    await until(async () => (await server.http('GET', `${FLOWS}/catch-all`)).status === 200);
    const level = (await server.http('GET', `${LEVELS}/catch-all`)).body;
    level.spec.limited.nominalConcurrencyShares = 77;
    await server.http('PUT', `${LEVELS}/catch-all`, level);
    await until(async () => {
      const { body } = await server.http('GET', `${LEVELS}/catch-all`);
      return body.spec.limited.nominalConcurrencyShares === 5;
    });
  });

  it('is the operators own where it says so', async () => {
    const level = (await server.http('GET', `${LEVELS}/workload-low`)).body;
    level.metadata.annotations['apf.kubernetes.io/autoupdate-spec'] = 'false';
    level.spec.limited.nominalConcurrencyShares = 55;
    await server.http('PUT', `${LEVELS}/workload-low`, level);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { body } = await server.http('GET', `${LEVELS}/workload-low`);
    expect(body.spec.limited.nominalConcurrencyShares).toBe(55);
  });

  it('is told of at each FlowSchema', async () => {
    const condition = async (name: string) =>
      (await server.http('GET', `${FLOWS}/${name}`)).body.status.conditions?.[0];
    await until(async () => (await condition('global-default')) !== undefined);
    expect(await condition('global-default')).toMatchObject({
      type: 'Dangling',
      status: 'False',
      reason: 'Found',
      message: 'This FlowSchema references the PriorityLevelConfiguration object named "global-default" and it exists',
    });
  });
});

describe('a client that floods', () => {
  it('does not starve another one', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 60 });
    const get = (user: string, path: string, way?: Agent) =>
      new Promise<number>((resolve, reject) => {
        const headers = as(user);
        request(server.url + path, { headers, ...(way === undefined ? {} : { agent: way }) }, (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
        })
          .on('error', reject)
          .end();
      });
    let served = 0;
    let flooding = true;
    const flood = Array.from({ length: 60 }, async () => {
      while (flooding) {
        await get('flooder', `${MAPS}/one`, agent).catch(() => 0);
        served++;
      }
    });
    const overtaken: number[] = [];
    while (served < 300) await new Promise((resolve) => setTimeout(resolve, 5));
    for (let round = 0; round < 9; round++) {
      const before = served;
      expect(await get('quiet', `${MAPS}/one`)).toBe(200);
      overtaken.push(served - before);
    }
    flooding = false;
    await Promise.all(flood);
    agent.destroy();
    overtaken.sort((a, b) => a - b);
    // Without fairness it would wait behind all that the flooder has sent before it, and the client here is as slow as that.
    expect(overtaken[4]).toBeLessThan(60);
  }, 60_000);
});
