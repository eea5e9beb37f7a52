import { describe, expect, it } from 'vitest';
import type { Volume } from '../../../src/api/generated/types.ts';
import { podErrors } from './context.ts';

/** Of a pod whose only volume that is. */
function errorsOfVolume(volume: Omit<Volume, 'name'>): string[] {
  return podErrors((spec) => {
    spec.volumes = [{ name: 'data', ...volume }];
    spec.containers[0]!.volumeMounts = [];
  });
}

const portal = '192.0.2.1:3260-and-a-long-name-that-goes-on-and-on-and-on-and-on';

describe('volumes of a pod', () => {
  const cases: readonly (readonly [what: string, volume: Omit<Volume, 'name'>, errors: readonly string[]])[] = [
    [
      'a name and portal that are too long together for an initiator',
      {
        iscsi: {
          targetPortal: portal,
          iqn: 'iqn.2015-02.example.com:test',
          lun: 0,
          initiatorName: 'iqn.2015-02.example.com:init',
        },
      },
      [
        'spec.volumes[0].name: Invalid value: "data": Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.',
      ],
    ],
    [
      'trust bundles by a bad name',
      { projected: { sources: [{ clusterTrustBundle: { name: 'example.com:signer:UP', path: 'x' } }] } },
      [
        "spec.volumes[0].projected.sources[0].clusterTrustBundle.name: Invalid value: \"example.com:signer:UP\": not a valid clustertrustbundlename: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ],
    ],
    [
      'a certificate of an unknown type that lives too long',
      {
        projected: {
          sources: [
            {
              podCertificate: {
                signerName: 'kubernetes.io/x',
                keyType: 'DSA',
                maxExpirationSeconds: 90_000,
                keyPath: 'k',
              },
            },
          ],
        },
      },
      [
        'spec.volumes[0].projected.sources[0].podCertificate.keyType: Unsupported value: "DSA": supported values: "RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"',
        'spec.volumes[0].projected.sources[0].podCertificate.maxExpirationSeconds: Invalid value: 90000: if provided, maxExpirationSeconds must be <= 86400',
      ],
    ],
    ['no source', {}, ['spec.volumes[0]: Required value: must specify a volume type']],
  ];
  it.each(cases)('refuses %s', (_, volume, errors) => {
    expect(errorsOfVolume(volume)).toEqual(errors);
  });

  it('lets the bundles of a signer be named after it', () => {
    const bundle = { name: 'Example.com:Signer:bundle', path: 'x' };
    expect(errorsOfVolume({ projected: { sources: [{ clusterTrustBundle: bundle }] } })).toEqual([]);
  });
});
