/**
 * Certificate requests and ranges of service addresses.
 * @see pkg/apis/certificates/validation, pkg/apis/networking/validation
 */
import { fieldPath } from '../field-errors.ts';
import type { CertificateSigningRequest, ServiceCIDR } from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { checkRange, rangeFamily } from './addresses.ts';
import { at, collect } from './check.ts';
import { checkSignerName } from './volumes.ts';

const specPath = fieldPath('spec');
const secondsMin = 600;

export const certificateSigningRequestValidation = strategyOf<CertificateSigningRequest>({
  // Any name that can stand in a path: the rule of this kind asks for nothing.
  validateName: () => [],
  validate: (request: CertificateSigningRequest) =>
    collect((check) => {
      const { request: encoded = '', usages = [], signerName, expirationSeconds } = request.spec ?? {};
      const pem = Buffer.from(encoded, 'base64').toString();
      if (!/-----BEGIN CERTIFICATE REQUEST-----[\s\S]*-----END CERTIFICATE REQUEST-----/.test(pem))
        check.invalid(specPath, 'request', encoded, 'PEM block type must be CERTIFICATE REQUEST');
      if (usages.length === 0) check.required(specPath, 'usages');
      usages.forEach((usage, index) => {
        if (usages.indexOf(usage) < index) check.duplicate(at(specPath, 'usages'), index, usage);
      });
      checkSignerName(check, specPath, signerName ?? '');
      if (expirationSeconds !== undefined && expirationSeconds < secondsMin)
        check.invalid(
          specPath,
          'expirationSeconds',
          expirationSeconds,
          `may not specify a duration less than ${secondsMin} seconds (10 minutes)`,
        );
    }),
});

export const serviceCidrValidation = strategyOf<ServiceCIDR>({
  validate: (range: ServiceCIDR) =>
    collect((check) => {
      const ranges = range.spec?.cidrs ?? [];
      const path = at(specPath, 'cidrs');
      if (ranges.length === 0) {
        check.required(path, '', 'at least one CIDR required');
        return;
      }
      if (ranges.length > 2) {
        check.invalid(specPath, '', ranges, 'may only hold up to 2 values');
        return;
      }
      if (ranges.length === 2 && new Set(ranges.map(rangeFamily)).size < 2)
        check.invalid(
          specPath,
          '',
          ranges,
          'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
        );
      ranges.forEach((text, index) => {
        checkRange(check, path, index, text);
      });
    }),
  validateUpdate: (range: ServiceCIDR, previous: ServiceCIDR) =>
    collect((check) => {
      const ranges = range.spec?.cidrs;
      check.unchanged(specPath, 'cidrs', ranges, semanticEqual(ranges, previous.spec?.cidrs));
    }),
});
