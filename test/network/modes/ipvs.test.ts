import { describe, expect, it } from 'vitest';
import { ipvsRules } from '../../../src/network/index.ts';
import { endpoint, place, service, slice, table, terminating } from '../fixtures.ts';

describe('the IPVS form', () => {
  it('has a virtual server for each address and a real one for each endpoint', () => {
    const services = table(
      service({ type: 'NodePort', sessionAffinity: 'ClientIP', ports: [{ name: 'http', port: 80, nodePort: 30_080 }] }),
      slice([endpoint('10.1.0.1'), endpoint('10.1.0.2', { conditions: terminating })]),
    );
    expect(ipvsRules(services.rules(), place)).toBe(
      [
        '-A -t 10.96.0.10:80 -s rr -p 10800',
        '-a -t 10.96.0.10:80 -r 10.1.0.1:8080 -m -w 1',
        '-A -t 172.16.0.1:30080 -s rr -p 10800',
        '-a -t 172.16.0.1:30080 -r 10.1.0.1:8080 -m -w 1',
        '',
      ].join('\n'),
    );
  });
});
