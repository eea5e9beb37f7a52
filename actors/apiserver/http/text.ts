/** Objects as text: JSON as Go writes it, and YAML. */
import { formatYaml } from '../../../src/api/index.ts';
import type { Format } from './negotiation.ts';

const ESCAPED: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** Go's JSON encoder escapes what could break out of HTML or JavaScript. */
export function goJsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, undefined, indent);
  return /[<>&\u2028\u2029]/.test(text) ? text.replace(/[<>&\u2028\u2029]/g, (char) => ESCAPED[char] as string) : text;
}

export function textOf(value: unknown, format: Exclude<Format, 'protobuf'>, pretty: boolean): string {
  if (format === 'yaml') return formatYaml(JSON.parse(JSON.stringify(value)));
  return pretty ? `${goJsonText(value, 2)}\n` : `${goJsonText(value)}\n`;
}

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};
