import { expect, it } from 'vitest';
import {
  fieldRequirements,
  fieldSelectorText,
  labelRequirements,
  labelSelectorText,
} from '../../../../actors/apiserver/authorization/selectors.ts';

it('reads requirements on fields that compare with one value, and says what it leaves out', () => {
  const one = { key: 'spec.nodeName', operator: 'In', values: ['n'] };
  const many = { key: 'spec.nodeName', operator: 'In', values: ['a', 'b'] };
  expect(fieldSelectorText({ requirements: [one, { ...one, key: 'a', operator: 'NotIn' }] })).toEqual({
    text: 'spec.nodeName=n,a!=n',
    ignored: undefined,
  });
  expect(fieldSelectorText({ requirements: [one, many] })).toEqual({
    text: 'spec.nodeName=n',
    ignored: 'partially ignored',
  });
  expect(fieldSelectorText({ requirements: [many] })).toEqual({ text: undefined, ignored: 'ignored' });
  expect(fieldSelectorText({ rawSelector: 'what' })).toEqual({ text: undefined, ignored: 'ignored' });
  expect(fieldSelectorText({ rawSelector: 'a=b' })).toEqual({ text: 'a=b' });
  expect(fieldSelectorText(null)).toEqual({ text: undefined });
});

it('reads requirements on labels', () => {
  const requirements = [
    { key: 'a', operator: 'In', values: ['x', 'y'] },
    { key: 'b', operator: 'NotIn', values: ['x'] },
    { key: 'c', operator: 'Exists' },
    { key: 'd', operator: 'DoesNotExist', values: null },
  ];
  expect(labelSelectorText({ requirements }).text).toBe('a in (x,y),b notin (x),c,!d');
  expect(labelSelectorText({ requirements: [{ key: 'a', operator: 'Near' }] }).ignored).toBe('ignored');
});

it('keeps a value with a comma one value', () => {
  const { text } = fieldSelectorText({ requirements: [{ key: 'a', operator: 'In', values: ['n,b=c'] }] });
  expect(fieldRequirements(text)).toEqual([{ key: 'a', operator: 'In', values: ['n,b=c'] }]);
});

it('tells webhooks nothing of what cannot be read', () => {
  for (const text of [undefined, '', 'a in (', 'a>1']) expect(labelRequirements(text)).toBeUndefined();
  for (const text of [undefined, '', 'what']) expect(fieldRequirements(text)).toBeUndefined();
});
