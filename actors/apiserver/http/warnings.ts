/**
 * The Warning headers of an answer: each text once, none that a header cannot carry, and shortened when there are many.
 * @see staging/src/k8s.io/apiserver/pkg/endpoints/filters/warning.go, apimachinery/pkg/util/net/http.go NewWarningHeader
 */

/** Upstream's limits, in characters: of all texts together, and of each once there are more than that. */
const TOTAL_MAX = 4 * 1024;
const ITEM_MAX = 256;

/** The values of the headers, in their order. UTF-8 travels as its bytes, each of which is a character of the value. */
export function warningHeaders(texts: readonly string[]): string[] {
  const unique = [...new Set(texts)].filter((text) => text !== '');
  const whole = unique.filter(isCarried);
  const total = whole.reduce((sum, text) => sum + lengthOf(text), 0);
  if (total <= TOTAL_MAX) return whole.map(headerOf);
  const headers: string[] = [];
  let written = 0;
  for (const text of unique) {
    if (written >= TOTAL_MAX) break;
    const short = lengthOf(text) > ITEM_MAX ? [...text].slice(0, ITEM_MAX).join('') : text;
    if (!isCarried(short)) continue;
    written += lengthOf(short);
    headers.push(headerOf(short));
  }
  return headers;
}

const lengthOf = (text: string): number => (/^[\x20-\x7e]*$/.test(text) ? text.length : [...text].length);

/** Control characters and halves of characters are in no header. */
const isCarried = (text: string): boolean => !/[\p{Cc}\p{Cs}]/u.test(text);

function headerOf(text: string): string {
  return Buffer.from(`299 - "${text.replace(/[\\"]/g, '\\$&')}"`, 'utf8').toString('latin1');
}
