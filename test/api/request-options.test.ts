import { describe, expect, it } from 'vitest';
import { isStatusError, managerOfUserAgent, writeRequestOptions } from '../../src/api/index.ts';

function message(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isStatusError(error)) return error.message;
    throw error;
  }
  return '';
}

describe('writeRequestOptions', () => {
  it('defaults the manager to the user agent and validation to warnings', () => {
    expect(writeRequestOptions('CreateOptions', {}, 'my-tool/1.2 (x) y/z')).toEqual({
      dryRun: false,
      fieldManager: 'my-tool',
      fieldValidation: 'Warn',
      force: false,
    });
    expect(
      writeRequestOptions('PatchOptions', { fieldManager: 'x', force: 'maybe', dryRun: 'All' }, '', true),
    ).toMatchObject({
      dryRun: true,
      force: true,
    });
  });

  it.each([
    [
      'CreateOptions',
      { fieldValidation: 'Bogus' },
      false,
      'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Bogus": supported values: "", "Ignore", "Strict", "Warn"',
    ],
    [
      'PatchOptions',
      {},
      true,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ],
    [
      'PatchOptions',
      { force: 'true' },
      false,
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    ],
    [
      'PatchOptions',
      { fieldManager: 'a\x07b' },
      true,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\\ab": invalid character U+0007 (at position 1)',
    ],
    [
      'UpdateOptions',
      { dryRun: ['Nope'] },
      false,
      'UpdateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Nope"]: supported values: "All"',
    ],
    [
      'UpdateOptions',
      { fieldManager: 'm'.repeat(129) },
      false,
      'UpdateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
    ],
  ] as const)('refuses %s of %j', (kind, query, apply, text) => {
    expect(message(() => writeRequestOptions(kind, query, 'a/1', apply))).toBe(text);
  });

  it('cuts user agents at 128 characters', () => {
    expect(managerOfUserAgent('u'.repeat(200))).toHaveLength(128);
  });
});
