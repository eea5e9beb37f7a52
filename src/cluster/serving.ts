/**
 * The certificates that the API server is given and keeps being given: its own, renewed while it runs, and the front proxy's
 * authority, whose client certificate lies beside it in the data directory.
 */
import { join } from 'node:path';
import { apiserverChannels } from '../client/index.ts';
import type { Bus, Clock } from '../runtime/index.ts';
import { kubernetesAddress } from './addresses.ts';
import { type ClusterOptions, ClusterOptionsError } from './options.ts';
import { type CertificateAuthority, type Credential, createAuthority, keepCredential, openAuthority } from './pki.ts';

const DAY_MS = 24 * 3600 * 1000;
/** Certificates hold for a year and are renewed after two thirds of it. */
const RENEWAL_MS = 243 * DAY_MS;

/** A serving certificate for all names of the API server. */
export function issueServing(
  authority: CertificateAuthority,
  options: ClusterOptions,
  host: string,
  nowMs: number,
): Promise<Credential> {
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const hosts = [
    host,
    '127.0.0.1',
    '::1',
    ...names,
    'kubernetes.default.svc.cluster.local',
    kubernetesAddress(options),
  ];
  return authority.issue({ commonName: 'kube-apiserver', usage: 'server', hosts: [...new Set(hosts)], nowMs });
}

/** Issues the certificate that the API server shows to the servers behind it. */
export function issueProxyClient(frontProxy: CertificateAuthority, nowMs: number): Promise<Credential> {
  return frontProxy.issue({ commonName: 'front-proxy-client', usage: 'client', nowMs });
}

/** Gives the API server new certificates long before the last ones end. */
export function renewServing(
  bus: Bus,
  clock: Clock,
  issue: () => Promise<{ readonly serving: Credential; readonly proxyClient: Credential }>,
  failed: (error: unknown) => void,
): void {
  let renewedMs = clock.now();
  const renew = async (nowMs: number): Promise<void> => {
    const { serving, proxyClient } = await issue();
    await bus.call('apiserver', apiserverChannels.renew, {
      certPem: serving.certificate,
      keyPem: serving.key,
      proxyClient: { certPem: proxyClient.certificate, keyPem: proxyClient.key },
    });
    renewedMs = nowMs;
  };
  clock.every(
    DAY_MS,
    () => {
      // One that fails is tried again tomorrow; there are months left.
      if (clock.now() - renewedMs >= RENEWAL_MS) renew(clock.now()).catch(failed);
    },
    { background: true },
  );
}

/** The authority of proxies in front. With a data directory it is kept there, with a certificate for one proxy. */
export async function openFrontProxy(options: ClusterOptions, nowMs: number): Promise<CertificateAuthority> {
  if (options.dataDirectory === undefined) return createAuthority(nowMs, 'front-proxy-ca');
  const directory = join(options.dataDirectory, 'pki');
  const authority = await openAuthority(directory, nowMs, 'front-proxy-ca', 'front-proxy-ca');
  const client = await issueProxyClient(authority, nowMs);
  keepCredential(directory, 'front-proxy-client', client);
  return authority;
}

/** Why there cannot be a kubeconfig for a user. */
export const noCertificates = (): ClusterOptionsError =>
  new ClusterOptionsError('https: is off, so there are no client certificates; start the cluster with https on');
