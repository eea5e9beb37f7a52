/**
 * Ranges of service addresses.
 * @see pkg/apis/networking/validation/validation.go ValidateServiceCIDR
 */
import { fieldPath } from '../field-errors.ts';
import type { ServiceCIDR } from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { checkRange, hasHostBits, rangeFamily } from './addresses.ts';
import { at, collect } from './check.ts';

const specPath = fieldPath('spec');

export const serviceCidrValidation = strategyOf<ServiceCIDR>({
  validate: (range: ServiceCIDR) =>
    collect((check) => {
      const ranges = range.spec?.cidrs ?? [];
      const path = at(specPath, 'cidrs');
      if (ranges.length === 0) {
        check.required(path, '', 'at least one CIDR required');
        return;
      }
      const whole = { CIDRs: ranges };
      if (ranges.length > 2) {
        check.invalid(path, '', whole, 'may only hold up to 2 values');
        return;
      }
      if (
        ranges.length === 2 &&
        (ranges.some((text) => rangeFamily(text) === 0) || new Set(ranges.map(rangeFamily)).size < 2)
      ) {
        check.invalid(
          path,
          '',
          whole,
          'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
        );
        return;
      }
      ranges.forEach((text, index) => {
        if (checkRange(check, path, index, text) && hasHostBits(text))
          check.invalid(path, index, text, 'must not have bits set beyond the prefix length');
      });
    }),
  validateUpdate: (range: ServiceCIDR, previous: ServiceCIDR) =>
    collect((check) => {
      const ranges = range.spec?.cidrs;
      check.unchanged(specPath, 'cidrs', ranges, semanticEqual(ranges, previous.spec?.cidrs));
    }),
});
