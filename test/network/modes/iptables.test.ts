import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { iptablesRules } from '../../../src/network/index.ts';
import { endpoint, endpoints, place, service, slice, table, unready } from '../fixtures.ts';

/** Follows the nat table from KUBE-SERVICES: the chance of each destination for a new connection to `ip`:`port`. */
function chances(text: string, ip: string, port: number): Map<string, number> {
  const nat = text
    .slice(text.indexOf('*nat'))
    .split('\n')
    .filter((line) => line.startsWith('-A '));
  const of = (chain: string) => nat.filter((line) => line.startsWith(`-A ${chain} `));
  const found = new Map<string, number>();
  const walk = (chain: string, chance: number): void => {
    let left = chance;
    for (const line of of(chain)) {
      const destination = /--to-destination (\S+)/.exec(line)?.[1];
      const target = /-j (\S+)/.exec(line)?.[1] ?? '';
      if (destination !== undefined) found.set(destination, (found.get(destination) ?? 0) + left);
      else if (target.startsWith('KUBE-SEP-') && !line.includes('-m recent')) {
        const part = Number(/--probability (\S+)/.exec(line)?.[1] ?? 1);
        walk(target, left * part);
        left *= 1 - part;
      }
    }
  };
  const entry = of('KUBE-SERVICES').find((line) => line.includes(`-d ${ip} --dport ${port} `));
  const chain = entry === undefined ? undefined : /-j (\S+)/.exec(entry)?.[1];
  if (chain !== undefined) walk(chain, 1);
  return found;
}

describe('the iptables form', () => {
  it('gives every ready endpoint the same chance', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (count) => {
        const found = chances(iptablesRules(endpoints(count).rules(), place), '10.96.0.10', 80);
        expect(found.size).toBe(count);
        for (const chance of found.values()) expect(chance).toBeCloseTo(1 / count, 6);
      }),
    );
  });

  it('prints a service with two endpoints as upstream does', () => {
    const text = iptablesRules(endpoints(2).rules(), place);
    expect(text).toMatch(
      /-A KUBE-SERVICES -m comment --comment "default\/web:http cluster IP" -m tcp -p tcp -d 10\.96\.0\.10 --dport 80 -j KUBE-SVC-[A-Z2-7]{16}\n/,
    );
    expect(text).toMatch(
      /-A KUBE-SVC-[A-Z2-7]{16} -m comment --comment "default\/web:http -> 10\.1\.0\.1:8080" -m statistic --mode random --probability 0\.5000000000 -j KUBE-SEP-[A-Z2-7]{16}\n/,
    );
    expect(text).toContain('-s 10.1.0.1 -j KUBE-MARK-MASQ\n');
    expect(text).toContain('-m tcp -p tcp -j DNAT --to-destination 10.1.0.1:8080\n');
    for (const [, chain] of text.matchAll(/-j (KUBE-[A-Z]+-[A-Z2-7]{16})/g))
      expect(text).toContain(`:${chain} - [0:0]`);
  });

  it('rejects what has no endpoints and drops what has none here', () => {
    const none = table(service(), slice([endpoint('10.1.0.1', { conditions: unready })]));
    expect(iptablesRules(none.rules(), place)).toContain(
      '-A KUBE-SERVICES -m comment --comment "default/web:http has no endpoints" -m tcp -p tcp -d 10.96.0.10 --dport 80 -j REJECT',
    );
    const away = table(service({ internalTrafficPolicy: 'Local' }), slice([endpoint('10.1.0.1')]));
    expect(iptablesRules(away.rules(), place)).toContain('"default/web:http has no local endpoints"');
  });

  it('sends node ports with the policy Local to local endpoints', () => {
    const services = table(
      service({
        type: 'NodePort',
        externalTrafficPolicy: 'Local',
        ports: [{ name: 'http', port: 80, nodePort: 30_080 }],
      }),
      slice([endpoint('10.1.0.1'), endpoint('10.1.0.2', { nodeName: 'node-1' })]),
    );
    const text = iptablesRules(services.rules(), place);
    expect(text).toMatch(
      /-A KUBE-NODEPORTS -m comment --comment "default\/web:http" -m tcp -p tcp --dport 30080 -j KUBE-EXT-/,
    );
    const chain = /-A (KUBE-SVL-\S+)/.exec(text)?.[1];
    expect(text.split('\n').filter((line) => line.startsWith(`-A ${chain} `))).toHaveLength(1);
  });
});
