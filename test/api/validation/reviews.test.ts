import { describe, expect, it } from 'vitest';
import { fieldErrorText } from '../../../src/api/field-errors.ts';
import { type ReviewScope, validateAccessReview } from '../../../src/api/index.ts';

const texts = (scope: ReviewScope, review: object) => validateAccessReview(scope, review).map(fieldErrorText);
const of = (spec: object, metadata: object = {}) => ({ metadata, spec });
const user = { user: 'u' };
const asks = (resourceAttributes: object) => of({ ...user, resourceAttributes });
const fields = 'spec.resourceAttributes.fieldSelector';
const labels = 'spec.resourceAttributes.labelSelector';

describe('validateAccessReview', () => {
  it.each<[ReviewScope, object]>([
    ['self', of({ resourceAttributes: { verb: 'get' } })],
    ['any', of({ groups: ['g'], nonResourceAttributes: { path: '/', verb: 'get' } })],
    ['any', asks({ fieldSelector: { requirements: [{ key: 'a', operator: 'In', values: ['b'] }] } })],
    ['any', asks({ labelSelector: { rawSelector: 'a=b' } })],
    ['local', of({ ...user, resourceAttributes: { namespace: 'n' } }, { namespace: 'n' })],
  ])('takes %s %j', (scope, review) => {
    expect(texts(scope, review)).toEqual([]);
  });

  it.each<[ReviewScope, object, string[]]>([
    [
      'any',
      {},
      [
        'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
        'spec.user: Invalid value: "": at least one of user or group must be specified',
      ],
    ],
    [
      'self',
      of({ resourceAttributes: {}, nonResourceAttributes: { path: '/a' } }),
      [
        'spec.nonResourceAttributes: Invalid value: {"Path":"/a","Verb":""}: cannot be specified in combination with resourceAttributes',
      ],
    ],
    [
      'any',
      of({ ...user, resourceAttributes: {} }, { namespace: 'n' }),
      ['metadata: Invalid value: {"namespace":"n"}: must be empty'],
    ],
    [
      'local',
      of({ ...user, resourceAttributes: { namespace: 'm' } }, { namespace: 'n', name: 'x' }),
      [
        'metadata: Invalid value: {"namespace":"n","name":"x"}: must be empty except for namespace',
        'spec.resourceAttributes.namespace: Invalid value: "m": must match metadata.namespace',
      ],
    ],
    [
      'any',
      asks({ fieldSelector: {}, labelSelector: { rawSelector: 'a', requirements: [{ key: '', operator: 'In' }] } }),
      [
        `${fields}.requirements: Required value: when ${fields} is specified, requirements or rawSelector is required`,
        `${labels}.rawSelector: Invalid value: "a": may not specified at the same time as requirements`,
        `${labels}.requirements[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
      ],
    ],
    [
      'any',
      asks({ fieldSelector: { requirements: [{ operator: 'Exists', values: ['a'] }] } }),
      [
        `${fields}.requirements[0].key: Required value: must be specified`,
        `${fields}.requirements[0].values: Forbidden: may not be specified when \`operator\` is 'Exists' or 'DoesNotExist'`,
      ],
    ],
  ])('refuses %s %j', (scope, review, expected) => {
    expect(texts(scope, review)).toEqual(expect.arrayContaining(expected));
  });
});
