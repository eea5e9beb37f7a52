import { describe, expect, it } from 'vitest';
import {
  type SecurityPod,
  violationReasons,
  violations,
} from '../../../../actors/apiserver/admission/pod-security-evaluation.ts';

const baseline = (minor?: number) => ({ level: 'baseline', minor }) as const;
const restricted = (minor?: number) => ({ level: 'restricted', minor }) as const;

/** A pod that every level takes. */
const safe = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [{ name: 'c', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }],
} as const;
const withSpec = (spec: object): SecurityPod => ({ spec: { ...safe, ...spec } });
const withContext = (securityContext: object, spec: object = {}): SecurityPod =>
  withSpec({
    containers: [{ name: 'c', securityContext: { ...safe.containers[0].securityContext, ...securityContext } }],
    ...spec,
  });

describe('the standards', () => {
  it('take a careful pod at every version', () => {
    for (let minor = 0; minor <= 36; minor++) expect(violations(restricted(minor), withSpec({}))).toBe('');
  });

  it('let pods in a user namespace unmask proc at the baseline from 1.35 on, and never when restricted', () => {
    const unmasked = withContext({ procMount: 'Unmasked' }, { hostUsers: false });
    const refused = 'procMount (container "c" must not set securityContext.procMount to "Unmasked")';
    expect(violations(baseline(34), unmasked)).toBe(refused);
    expect(violations(baseline(35), unmasked)).toBe('');
    expect(violations(baseline(), withContext({ procMount: 'Unmasked' }))).toBe(refused);
    for (const minor of [34, 35, undefined]) expect(violations(restricted(minor), unmasked)).toBe(refused);
  });

  it('let pods in a user namespace be root from 1.35 on', () => {
    const root = withContext(
      { runAsUser: 0 },
      { hostUsers: false, securityContext: { seccompProfile: { type: 'Localhost' } } },
    );
    expect(violationReasons(restricted(34), root)).toBe('runAsNonRoot != true, runAsUser=0');
    expect(violations(restricted(35), root)).toBe('');
  });

  it('take volumes of images, and name the types of others', () => {
    const volumes = (...list: object[]) => withSpec({ volumes: list });
    expect(violations(restricted(), volumes({ name: 'oci', image: { reference: 'a' } }))).toBe('');
    expect(violations(restricted(), volumes({ name: 'a', nfs: {} }, { name: 'b', hostPath: { path: '/' } }))).toBe(
      'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")',
    );
    expect(violations(baseline(), volumes({ name: 'a', nfs: {} }, { name: 'b', hostPath: { path: '/' } }))).toBe(
      'hostPath volumes (volume "b")',
    );
  });

  it('list the ports of the host in the order of their texts', () => {
    const ports = [9000, 10000, 443].map((hostPort) => ({ hostPort }));
    expect(violations(baseline(), withSpec({ containers: [{ name: 'c', ports }] }))).toBe(
      'hostPort (container "c" uses hostPorts 10000, 443, 9000)',
    );
  });
});
