import { describe, expect, it } from 'vitest';
import {
  maskTrailingDash,
  validateConfigMapKey,
  validateDns1035Label,
  validateDnsLabel,
  validateDnsSubdomain,
  validateEnvironmentName,
  validateHttpHeaderName,
  validateLabelValue,
  validatePathSegmentName,
  validatePortName,
  validatePortNumber,
  validateQualifiedName,
  validateSelectorKey,
  validateStrictEnvironmentName,
  validateWildcardSubdomain,
} from '../../src/api/index.ts';

describe('names', () => {
  it.each([
    [validateDnsLabel, 'my-name'],
    [validateDnsSubdomain, 'a.b-c.d'],
    [validateDns1035Label, 'abc-123'],
    [validateWildcardSubdomain, '*.example.com'],
    [validateQualifiedName, 'example.com/MyName'],
    [validateSelectorKey, 'example.com/MyName'],
    [validateLabelValue, ''],
    [validateConfigMapKey, 'key.name'],
    [validateEnvironmentName, 'a b!'],
    [validateStrictEnvironmentName, 'my.env-name'],
    [validatePortName, 'http-1'],
    [validateHttpHeaderName, 'X-Header'],
    [validatePathSegmentName, 'system:x'],
  ])('%o takes %s', (validate, text) => {
    expect(validate(text)).toEqual([]);
  });

  it.each([
    [
      validateDnsSubdomain,
      'A_b',
      [
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ],
    ],
    [validateDnsSubdomain, 'a'.repeat(254), ['must be no more than 253 characters']],
    [validateDnsLabel, 'a.b', ['must not contain dots']],
    [
      validateDnsLabel,
      'a_b',
      [
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    [validateLabelValue, 'a'.repeat(64), ['must be no more than 63 bytes']],
    [validatePortName, '1-', ['must contain at least one letter (a-z)', 'must not begin or end with a hyphen']],
    [validatePathSegmentName, 'a%b', ["may not contain '%'"]],
    [validateConfigMapKey, '..', ["must not be '..'"]],
    [
      validateEnvironmentName,
      'a=b',
      ["a valid environment variable name must consist only of printable ASCII characters other than '='"],
    ],
  ])('%o refuses %j', (validate, text, messages) => {
    expect(validate(text)).toEqual(messages);
  });

  it('says which part of a qualified name is wrong', () => {
    expect(validateQualifiedName('')).toHaveLength(2);
    expect(validateQualifiedName('')[0]).toBe('name part must be non-empty');
    expect(validateQualifiedName('/x')).toEqual(['prefix part must be non-empty']);
    expect(validateQualifiedName('A/x')[0]).toMatch(/^prefix part a lowercase RFC 1123 subdomain/);
    expect(validateQualifiedName('a/b/c')[0]).toMatch(
      /^a qualified name must consist .*\(e\.g\. 'example\.com\/MyName'\)$/,
    );
    expect(validateSelectorKey('a/b/c')[0]).toMatch(/^a valid label key must consist/);
  });

  it('checks ports and masks the dash of a prefix', () => {
    expect(validatePortNumber(0)).toEqual(['must be between 1 and 65535, inclusive']);
    expect(maskTrailingDash('web-')).toBe('wea');
    expect(maskTrailingDash('web')).toBe('web');
  });

  it('is not slowed down by long text', () => {
    expect(validateDnsSubdomain(`${'a'.repeat(200_000)}!`)).toHaveLength(2);
    expect(validateQualifiedName(`${'a'.repeat(200_000)}!`)).toHaveLength(2);
  });
});
