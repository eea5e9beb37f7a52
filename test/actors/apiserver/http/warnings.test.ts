/** What becomes of warnings on their way into headers. */
import { describe, expect, it } from 'vitest';
import { warningHeaders } from '../../../../actors/apiserver/http/warnings.ts';

describe('warning headers', () => {
  it('quote their text', () => {
    expect(warningHeaders(['unknown field "spec.x"', 'a\\b'])).toEqual([
      '299 - "unknown field \\"spec.x\\""',
      '299 - "a\\\\b"',
    ]);
  });

  it('say a thing once and nothing never', () => {
    expect(warningHeaders(['a', '', 'a', 'b'])).toEqual(['299 - "a"', '299 - "b"']);
  });

  it('carry UTF-8 as bytes, and no control characters or halves of characters', () => {
    expect(warningHeaders(['é', 'a\nb', '\u0000', '\ud800', '\u{1f600}'])).toEqual(
      ['299 - "é"', '299 - "\u{1f600}"'].map((text) => Buffer.from(text).toString('latin1')),
    );
  });

  it('are whole up to 4096 characters and shortened to 256 each beyond', () => {
    const long = Array.from({ length: 16 }, (_, at) => String.fromCharCode(97 + at).repeat(256));
    expect(warningHeaders(long)).toHaveLength(16);
    expect(warningHeaders(['x'.repeat(4096)])).toEqual([`299 - "${'x'.repeat(4096)}"`]);
    expect(warningHeaders(['x'.repeat(4097)])).toEqual([`299 - "${'x'.repeat(256)}"`]);
    expect(warningHeaders([...long, 'y', 'z'])).toHaveLength(16);
    expect(warningHeaders(['é'.repeat(300), 'x'.repeat(4096)])[0]).toHaveLength('299 - ""'.length + 2 * 256);
  });
});
