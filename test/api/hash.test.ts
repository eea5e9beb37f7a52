import { describe, expect, it } from 'vitest';
import { revisionHash, safeAlphabet, stableJson, templateHash } from '../../src/api/index.ts';

describe('templateHash', () => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c' }] } };

  it('does not depend on the order of keys, and does on content and collisions', () => {
    const other = { spec: { containers: [{ name: 'c' }] }, metadata: { labels: { a: 'b' } } };
    expect(templateHash(other)).toBe(templateHash(template));
    expect(templateHash({ ...template, spec: {} })).not.toBe(templateHash(template));
    expect(templateHash(template, 1)).not.toBe(templateHash(template));
  });

  it('is short and made of safe characters', () => {
    expect(templateHash(template)).toMatch(new RegExp(`^[${safeAlphabet}]{1,10}$`));
  });

  it('leaves undefined members out', () => {
    expect(stableJson({ b: undefined, a: [1, { d: 1, c: null }] })).toBe('{"a":[1,{"c":null,"d":1}]}');
  });
});

describe('revisionHash', () => {
  const template = {
    metadata: { labels: { app: 'foo' }, annotations: { test: 'value' } },
    spec: {
      terminationGracePeriodSeconds: 30,
      containers: [
        {
          name: 'test',
          image: 'test',
          imagePullPolicy: 'Always',
          resources: {},
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
        },
      ],
      dnsPolicy: 'ClusterFirst',
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      securityContext: {},
    },
  };

  it('is the one that upstream names its revisions by', () => {
    const data = { spec: { template: { ...template, $patch: 'replace' } } };
    expect(revisionHash(data, 0)).toBe('776999688b');
    expect(revisionHash(data, 1)).not.toBe('776999688b');
  });

  it('is that of the text as Go writes it', () => {
    // FNV-1 of `{"a":"\\u0026"}0`.
    expect(revisionHash({ a: '&' }, 0)).toBe('5fbbdb4967');
  });
});
