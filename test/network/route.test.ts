import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RouteAnswer, Router } from '../../src/network/index.ts';
import { seededRandom } from '../../src/runtime/index.ts';
import { endpoint, place, service, slice, table, terminating, unready } from './fixtures.ts';

const clusterIp = { source: '10.1.0.5', address: '10.96.0.10', port: 80, protocol: 'TCP' } as const;

function router(at = place, seed = 1, now = () => 0): Router {
  const random = seededRandom(seed);
  return new Router(at, () => random.next(), now);
}

function targetOf(answer: RouteAnswer): string {
  return answer.outcome === 'endpoint' ? answer.endpoint.ip : answer.outcome;
}

describe('a cluster IP', () => {
  it('reaches every ready endpoint, evenly, and no other', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 4 }),
        fc.integer(),
        (ready, others, seed) => {
          const endpoints = [
            ...Array.from({ length: ready }, (_, at) => endpoint(`10.1.0.${at + 1}`)),
            ...Array.from({ length: others }, (_, at) => endpoint(`10.2.0.${at + 1}`, { conditions: unready })),
          ];
          const services = table(service(), slice(endpoints));
          const one = router(place, seed);
          const counts = new Map<string, number>();
          const rounds = 400 * ready;
          for (let round = 0; round < rounds; round++) {
            const target = targetOf(one.route(services, clusterIp));
            counts.set(target, (counts.get(target) ?? 0) + 1);
          }
          expect([...counts.keys()].sort()).toEqual(
            endpoints
              .slice(0, ready)
              .map(({ addresses }) => addresses[0])
              .sort(),
          );
          for (const count of counts.values()) expect(Math.abs(count - 400)).toBeLessThan(120);
        },
      ),
      { numRuns: 25, seed: 7 },
    );
  });

  it('names the pod, the target port and how it came in', () => {
    const services = table(service(), slice([endpoint('10.1.0.1')]));
    expect(router().route(services, clusterIp)).toEqual({
      outcome: 'endpoint',
      service: 'default/web',
      portName: 'http',
      entry: 'cluster IP',
      endpoint: { ip: '10.1.0.1', port: 8080, nodeName: 'node-2', pod: 'default/pod-10.1.0.1' },
      candidates: 1,
      sticky: false,
    });
  });

  it('without endpoints rejects, and an unknown one is nobody', () => {
    const services = table(service(), slice([endpoint('10.1.0.1', { conditions: unready })]));
    expect(router().route(services, clusterIp)).toMatchObject({
      outcome: 'reject',
      reason: 'default/web:http has no endpoints',
    });
    expect(router().route(services, { ...clusterIp, port: 81 }).outcome).toBe('none');
    expect(router().route(services, { ...clusterIp, protocol: 'UDP' }).outcome).toBe('none');
  });

  it('falls back to serving endpoints that terminate', () => {
    const dying = endpoint('10.1.0.1', { conditions: terminating });
    const services = table(service(), slice([dying, endpoint('10.1.0.2', { conditions: unready })]));
    expect(targetOf(router().route(services, clusterIp))).toBe('10.1.0.1');
    services.putSlice(slice([dying, endpoint('10.1.0.3')]));
    expect(targetOf(router().route(services, clusterIp))).toBe('10.1.0.3');
  });

  it('with the internal policy Local stays on the node or drops', () => {
    const services = table(
      service({ internalTrafficPolicy: 'Local' }),
      slice([endpoint('10.1.0.1'), endpoint('10.1.0.2', { nodeName: 'node-1' })]),
    );
    for (let seed = 0; seed < 20; seed++)
      expect(targetOf(router(place, seed).route(services, clusterIp))).toBe('10.1.0.2');
    const elsewhere = router({ ...place, nodeName: 'node-3' });
    expect(elsewhere.route(services, clusterIp)).toMatchObject({
      outcome: 'drop',
      reason: 'default/web:http has no local endpoints',
    });
  });
});

describe('topology hints', () => {
  const inZone = (zone: string) => ({ hints: { forZones: [{ name: zone }] } });

  it('keep traffic in the zone', () => {
    const services = table(service(), slice([endpoint('10.1.0.1', inZone('a')), endpoint('10.1.0.2', inZone('b'))]));
    for (let seed = 0; seed < 20; seed++)
      expect(targetOf(router(place, seed).route(services, clusterIp))).toBe('10.1.0.1');
  });

  it('count for nothing when one endpoint has none, or none is for the zone', () => {
    const mixed = table(service(), slice([endpoint('10.1.0.1', inZone('a')), endpoint('10.1.0.2')]));
    const far = table(service(), slice([endpoint('10.1.0.1', inZone('b')), endpoint('10.1.0.2', inZone('b'))]));
    for (const services of [mixed, far]) {
      const targets = new Set(
        Array.from({ length: 40 }, (_, seed) => targetOf(router(place, seed).route(services, clusterIp))),
      );
      expect(targets).toEqual(new Set(['10.1.0.1', '10.1.0.2']));
    }
  });

  it('for the node win over those for the zone', () => {
    const hints = (node: string) => ({ hints: { forZones: [{ name: 'a' }], forNodes: [{ name: node }] } });
    const services = table(
      service(),
      slice([endpoint('10.1.0.1', hints('node-1')), endpoint('10.1.0.2', hints('node-2'))]),
    );
    for (let seed = 0; seed < 20; seed++)
      expect(targetOf(router(place, seed).route(services, clusterIp))).toBe('10.1.0.1');
  });
});

describe('traffic from outside', () => {
  const local = {
    type: 'NodePort',
    externalTrafficPolicy: 'Local',
    ports: [{ name: 'http', port: 80, nodePort: 30_080 }],
  } as const;
  const viaNodePort = { source: '203.0.113.9', address: '172.16.0.1', port: 30_080, protocol: 'TCP' } as const;

  it('comes in by node port and by external IP', () => {
    const services = table(
      service({
        type: 'NodePort',
        externalIPs: ['198.51.100.1'],
        ports: [{ name: 'http', port: 80, nodePort: 30_080 }],
      }),
      slice([endpoint('10.1.0.1')]),
    );
    expect(router().route(services, viaNodePort)).toMatchObject({ outcome: 'endpoint', entry: 'node port' });
    expect(router().route(services, { ...clusterIp, address: '198.51.100.1' })).toMatchObject({ entry: 'external IP' });
    expect(router().route(services, { ...viaNodePort, address: '172.16.0.9' }).outcome).toBe('none');
  });

  it('with the external policy Local goes to this node only, but a client on the node goes anywhere', () => {
    const services = table(service({ ...local, ports: [...local.ports] }), slice([endpoint('10.1.0.1')]));
    expect(router().route(services, viaNodePort).outcome).toBe('drop');
    expect(targetOf(router().route(services, { ...viaNodePort, source: '172.16.0.1' }))).toBe('10.1.0.1');
    services.putSlice(slice([endpoint('10.1.0.1'), endpoint('10.1.0.2', { nodeName: 'node-1' })]));
    for (let seed = 0; seed < 20; seed++)
      expect(targetOf(router(place, seed).route(services, viaNodePort))).toBe('10.1.0.2');
  });

  it('through a load balancer must come from its source ranges', () => {
    const balanced = service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['203.0.113.0/24'] });
    balanced.status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };
    const services = table(balanced, slice([endpoint('10.1.0.1')]));
    const connection = { ...clusterIp, address: '192.0.2.1' };
    expect(router().route(services, { ...connection, source: '203.0.113.77' })).toMatchObject({
      entry: 'load balancer IP',
    });
    expect(router().route(services, { ...connection, source: '203.0.114.77' }).outcome).toBe('drop');
  });
});

describe('session affinity', () => {
  it('keeps a client with its endpoint until it has been quiet for too long, or the endpoint is gone', () => {
    let now = 0;
    const endpoints = Array.from({ length: 8 }, (_, at) => endpoint(`10.1.0.${at + 1}`));
    const services = table(
      service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 100 } } }),
      slice(endpoints),
    );
    const one = router(place, 3, () => now);
    const first = targetOf(one.route(services, clusterIp));
    for (let round = 0; round < 30; round++) {
      now += 90_000;
      expect(one.route(services, clusterIp)).toMatchObject({ endpoint: { ip: first }, sticky: true });
    }
    now += 101_000;
    expect(one.route(services, clusterIp)).toMatchObject({ sticky: false });
    const second = targetOf(one.route(services, clusterIp));
    services.putSlice(slice(endpoints.filter(({ addresses }) => addresses[0] !== second)));
    expect(targetOf(one.route(services, clusterIp))).not.toBe(second);
  });
});

describe('the table', () => {
  it('forgets a Service that is deleted and one that has become headless', () => {
    const services = table(service(), slice([endpoint('10.1.0.1')]));
    expect(router().route(services, clusterIp).outcome).toBe('endpoint');
    services.putService(service({ clusterIP: 'None', clusterIPs: ['None'] }));
    expect(router().route(services, clusterIp).outcome).toBe('none');
    services.putService(service());
    services.removeService(service());
    expect(router().route(services, clusterIp).outcome).toBe('none');
  });

  it('gives an address to the Service that has it now, whichever order the news come in', () => {
    const services = table(service({}, 'old'), slice([endpoint('10.1.0.1')], 'new-1', 'new'));
    expect(services.find('10.96.0.10', 80, 'TCP')?.rule.service).toBe('old');
    services.putService(service({}, 'new'));
    services.removeService(service({}, 'old'));
    expect(services.find('10.96.0.10', 80, 'TCP')?.rule.service).toBe('new');
  });

  it('takes each endpoint once when two slices name it', () => {
    const services = table(
      service(),
      slice([endpoint('10.1.0.1', { conditions: unready })]),
      slice([endpoint('10.1.0.1')], 'web-2'),
    );
    expect(services.rules()[0]?.endpoints).toHaveLength(1);
    expect(targetOf(router().route(services, clusterIp))).toBe('10.1.0.1');
  });

  it('leaves Services of other proxies and external names alone', () => {
    const foreign = service();
    foreign.metadata!.labels = { 'service.kubernetes.io/service-proxy-name': 'other' };
    expect(table(foreign).rules()).toEqual([]);
    expect(table(service({ type: 'ExternalName', externalName: 'x.example' })).rules()).toEqual([]);
  });
});
