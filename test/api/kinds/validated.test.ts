import { describe, expect, it } from 'vitest';
import type { ApiObject, KindDefinition } from '../../../src/api/kinds/index.ts';
import { withValidation } from '../../../src/api/kinds/validated.ts';

const kind: KindDefinition = {
  group: '',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  singular: 'thing',
  namespaced: true,
  definition: 'd',
  storagePrefix: '/registry/things',
  strategy: {
    warnings: () => ['first'],
    status: { keptMetadata: [] },
    subresources: { resize: { prepareForUpdate: () => {} } },
  },
};
const object: ApiObject = { apiVersion: 'v1', kind: 'Thing', metadata: {} };

describe('attaching validation to a strategy', () => {
  it('leaves a kind without validation as it is', () => {
    expect(withValidation(kind, undefined)).toBe(kind);
  });

  it('joins what both say of status, subresources and warnings', () => {
    const refuse = () => [];
    const { strategy } = withValidation(kind, {
      validate: refuse,
      warnings: () => ['second'],
      status: { validateUpdate: refuse },
      subresources: { resize: { validateUpdate: refuse }, approval: { validateUpdate: refuse } },
    });
    expect(strategy?.validate).toBe(refuse);
    expect(strategy?.warnings?.(object, undefined)).toEqual(['first', 'second']);
    expect(strategy?.status).toEqual({ keptMetadata: [], validateUpdate: refuse });
    expect(strategy?.subresources?.['resize']?.prepareForUpdate).toBeDefined();
    expect(strategy?.subresources?.['resize']?.validateUpdate).toBe(refuse);
    expect(strategy?.subresources?.['approval']?.validateUpdate).toBe(refuse);
  });

  it('serves a kind that has no strategy of its own', () => {
    const { strategy: _strategy, ...plain } = kind;
    const refuse = () => [];
    expect(withValidation(plain, { validate: refuse }).strategy).toEqual({ validate: refuse });
  });
});
