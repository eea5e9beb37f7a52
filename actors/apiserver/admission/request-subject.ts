/**
 * The common name and the organizations in the subject of a PKCS#10 certificate request, read from its DER: SEQUENCE { SEQUENCE { version, subject, … } … },
 * where the subject is a SEQUENCE of SETs of SEQUENCE { type, value }. Nothing else of it is looked at. @see RFC 2986
 */

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const OBJECT_IDENTIFIER = 0x06;
/** 2.5.4.3. */
const COMMON_NAME = '550403';
/** 2.5.4.10, organizationName. */
const ORGANIZATION = '55040a';

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/** @throws Error when it is no certificate request */
export function organizationsOf(pem: string): string[] {
  return subjectOf(pem, ORGANIZATION);
}

/** The last one where there are several, and empty where there is none. @throws Error when it is no certificate request */
export function commonNameOf(pem: string): string {
  return subjectOf(pem, COMMON_NAME).at(-1) ?? '';
}

function subjectOf(pem: string, wanted: string): string[] {
  const text = /-----BEGIN CERTIFICATE REQUEST-----([\s\S]*?)-----END CERTIFICATE REQUEST-----/.exec(pem)?.[1];
  if (text === undefined) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const [request] = elementsOf(Buffer.from(text, 'base64'));
  const [info] = elementsOf(contentOf(request, SEQUENCE));
  const [version, subject] = elementsOf(contentOf(info, SEQUENCE));
  contentOf(version, INTEGER);
  return elementsOf(contentOf(subject, SEQUENCE)).flatMap((set) =>
    elementsOf(contentOf(set, SET)).flatMap((pair) => {
      const [type, value] = elementsOf(contentOf(pair, SEQUENCE));
      const isWanted = contentOf(type, OBJECT_IDENTIFIER).toString('hex') === wanted;
      return isWanted && value !== undefined ? [value.content.toString('utf8')] : [];
    }),
  );
}

function contentOf(element: Element | undefined, tag: number): Buffer {
  if (element?.tag !== tag) throw new Error('asn1: structure error: tags do not match');
  return element.content;
}

function elementsOf(bytes: Buffer): Element[] {
  const elements: Element[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const tag = bytes[offset] as number;
    let length = bytes[offset + 1] ?? 0;
    let start = offset + 2;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets === 0 || octets > 4 || start + octets > bytes.length)
        throw new Error('asn1: syntax error: invalid length');
      length = bytes.readUIntBE(start, octets);
      start += octets;
    }
    if (start + length > bytes.length) throw new Error('asn1: syntax error: data truncated');
    elements.push({ tag, content: bytes.subarray(start, start + length) });
    offset = start + length;
  }
  return elements;
}
