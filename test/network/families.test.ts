import { describe, expect, it } from 'vitest';
import { iptablesRules, ipvsRules, nftablesRules, Router } from '../../src/network/index.ts';
import { endpoint, place, service, slice, table } from './fixtures.ts';

const both = { ...place, nodeIps: ['172.16.0.1', 'fd00:172:16::1'] };
const services = table(
  service({ clusterIPs: ['10.96.0.10', 'fd00:10:96::a'], ports: [{ name: 'http', port: 80, nodePort: 30_080 }] }),
  slice([endpoint('10.1.0.1')], 'web-4'),
  { ...slice([endpoint('fd00:1::1'), endpoint('fd00:1::2')], 'web-6'), addressType: 'IPv6' },
);

describe('a proxy of two families', () => {
  it('sends each connection to an endpoint of its own family', () => {
    const router = new Router(
      both,
      () => 0.99,
      () => 0,
    );
    const to = (address: string, port: number) =>
      router.route(services, { source: address, address, port, protocol: 'TCP' });
    expect(to('10.96.0.10', 80)).toMatchObject({ endpoint: { ip: '10.1.0.1' }, candidates: 1 });
    expect(to('fd00:10:96::a', 80)).toMatchObject({ endpoint: { ip: 'fd00:1::2' }, candidates: 2 });
    expect(to('fd00:172:16::1', 30_080)).toMatchObject({ endpoint: { ip: 'fd00:1::2' }, entry: 'node port' });
  });

  it('writes the rules of each family by themselves', () => {
    const [v4 = '', v6 = ''] = iptablesRules(services.rules(), both).split('# ip6tables\n');
    expect(v4).toContain('--to-destination 10.1.0.1:8080');
    expect(v4).not.toContain('fd00');
    expect(v6).toContain('--to-destination [fd00:1::2]:8080');
    expect(v6).not.toContain('10.1.0.1');
    const tables = nftablesRules(services.rules(), both);
    expect(tables).toContain('table ip6 kube-proxy {');
    expect(tables).toContain('type ipv6_addr . inet_proto . inet_service : verdict');
    expect(tables).toContain('dnat to [fd00:1::1]:8080');
    expect(ipvsRules(services.rules(), both)).toContain('-a -t [fd00:10:96::a]:80 -r [fd00:1::1]:8080 -m -w 1');
  });

  it('knows one family only on a node of one', () => {
    expect(iptablesRules(services.rules(), place)).not.toContain('fd00');
    expect(nftablesRules(services.rules(), place)).not.toContain('fd00');
    expect(ipvsRules(services.rules(), place)).not.toContain('fd00');
  });
});
