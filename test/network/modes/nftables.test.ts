import { describe, expect, it } from 'vitest';
import { nftablesRules } from '../../../src/network/index.ts';
import { endpoints, place, service, table } from '../fixtures.ts';

describe('the nftables form', () => {
  it('numbers the endpoints of a service evenly', () => {
    const text = nftablesRules(endpoints(3).rules(), place);
    expect(text).toMatch(/10\.96\.0\.10 \. tcp \. 80 : goto service-[A-Z2-7]{8}-default\/web\/tcp\/http/);
    expect(text).toMatch(
      /numgen random mod 3 vmap \{ 0 : goto endpoint-\S+, 1 : goto endpoint-\S+, 2 : goto endpoint-\S+ \}/,
    );
    expect(text).toContain('dnat to 10.1.0.2:8080');
  });

  it('lists services without endpoints', () => {
    const text = nftablesRules(table(service()).rules(), place);
    expect(text).toContain('10.96.0.10 . tcp . 80 comment "default/web:http" : goto reject-chain');
  });
});
