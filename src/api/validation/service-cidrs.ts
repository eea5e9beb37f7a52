/**
 * Ranges of service addresses: one, or one of each family. A second may be added later, and nothing else changes.
 * @see pkg/apis/networking/validation/validation.go ValidateServiceCIDR
 */
import { fieldPath } from '../field-errors.ts';
import type { ServiceCIDR } from '../generated/types.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { rangeFamily, strictRangeMessages } from './addresses.ts';
import { at, type Check, collect, immutableField } from './check.ts';

const specPath = fieldPath('spec');
const rangesPath = at(specPath, 'cidrs');

function checkRanges(check: Check, ranges: readonly string[]): void {
  if (ranges.length === 0) {
    check.required(rangesPath, '', 'at least one CIDR required');
    return;
  }
  if (ranges.length > 2) {
    check.invalid(rangesPath, '', { CIDRs: ranges }, 'may only hold up to 2 values');
    return;
  }
  ranges.forEach((text, index) => {
    check.all(rangesPath, index, text, strictRangeMessages(text));
  });
  const [first = '', second] = ranges;
  if (second !== undefined && rangeFamily(first) !== 0 && rangeFamily(first) === rangeFamily(second))
    check.invalid(
      rangesPath,
      '',
      ranges,
      'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    );
}

export const serviceCidrValidation = strategyOf<ServiceCIDR>({
  validate: (range: ServiceCIDR) => collect((check) => checkRanges(check, range.spec?.cidrs ?? [])),
  validateUpdate: (range: ServiceCIDR, previous: ServiceCIDR) =>
    collect((check) => {
      const ranges = range.spec?.cidrs ?? [];
      const before = previous.spec?.cidrs ?? [];
      if (ranges.length === before.length)
        ranges.forEach((text, index) => {
          check.unchanged(rangesPath, index, text, text === before[index]);
        });
      else if (before.length === 1 && ranges.length === 2) {
        check.unchanged(rangesPath, 0, ranges[0], ranges[0] === before[0]);
        checkRanges(check, ranges);
      } else check.invalid(specPath, 'cidrs', range.spec?.cidrs ?? null, immutableField);
    }),
});
