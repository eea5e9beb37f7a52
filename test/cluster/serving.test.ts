/** Certificates are made anew long before they end, on a clock that passes years at once. */
import { X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { apiserverChannels, type RenewedCertificates } from '../../src/client/protocol.ts';
import { createAuthority } from '../../src/cluster/pki.ts';
import { issueProxyClient, issueServing, renewServing } from '../../src/cluster/serving.ts';
import { ActorSystem, defineActor } from '../../src/runtime/index.ts';

const DAY_MS = 24 * 3600 * 1000;
const until = (pem: string | undefined) => Date.parse(new X509Certificate(pem ?? '').validTo);

it('gives the server new certificates while the old ones hold for months', async () => {
  const given: { readonly atMs: number; readonly certificates: RenewedCertificates }[] = [];
  let refuses = false;
  const takes = defineActor<undefined>({
    name: 'apiserver',
    module: import.meta.url,
    start({ bus, clock }) {
      bus.serve(apiserverChannels.renew, (certificates) => {
        if (refuses) throw new Error('not now');
        given.push({ atMs: clock.now(), certificates });
        return {};
      });
      return {};
    },
  });
  const system = new ActorSystem({ placement: 'inline', clock: 'virtual', logLevel: 'silent' });
  await system.start({ definition: takes });
  const { clock } = system;
  const began = clock.now();
  const authority = await createAuthority(began);
  const frontProxy = await createAuthority(began, 'front-proxy-ca');
  const failures: unknown[] = [];
  const issue = async () => ({
    serving: await issueServing(authority, {}, '127.0.0.1', clock.now()),
    proxyClient: await issueProxyClient(frontProxy, clock.now()),
  });
  renewServing(system.bus, clock, issue, (error) => failures.push(error));
  const days = async (count: number) => {
    for (let day = 0; day < count; day++) await system.advance(DAY_MS);
  };
  await days(242);
  expect(given).toHaveLength(0);
  await system.advance(DAY_MS);
  // Keys are made by the machine, for which the virtual clock does not wait.
  await expect.poll(() => given.length, { timeout: 60_000 }).toBe(1);
  for (const pem of [given[0]?.certificates.certPem, given[0]?.certificates.proxyClient?.certPem]) {
    expect(until(pem) - clock.now()).toBeGreaterThan(360 * DAY_MS);
  }
  // A year after the start, the first certificates would have ended: these have not.
  await days(365 - 243);
  expect(until(given[0]?.certificates.certPem)).toBeGreaterThan(clock.now());
  refuses = true;
  await days(243 - (365 - 243));
  await expect.poll(() => failures.length, { timeout: 60_000 }).toBeGreaterThan(0);
  refuses = false;
  await system.advance(DAY_MS);
  await expect.poll(() => given.length, { timeout: 60_000 }).toBe(2);
  await system.stop();
});
