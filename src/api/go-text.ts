/**
 * Values as upstream's messages print them: Go's `%q` and JSON with its escapes. Called by whatever builds a message.
 */

const shortEscapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

/** Go's `%q`: in double quotes, with what cannot be printed escaped. */
export function quote(text: string): string {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  let quoted = '"';
  for (const character of text) {
    const short = shortEscapes[character];
    const code = character.codePointAt(0) ?? 0;
    if (short !== undefined) quoted += short;
    else if (code < 0x20 || code === 0x7f) quoted += `\\x${hex(code, 2)}`;
    else if (code < 0x7f) quoted += character;
    else if (code >= 0xd800 && code <= 0xdfff) quoted += '\\ufffd';
    else if (/^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character)) quoted += character;
    else quoted += code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
  }
  return `${quoted}"`;
}

/** JSON text with `<`, `>`, `&` and the line separators escaped, as Go's encoder does. */
export function goEscapedJson(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (character) => `\\u${hex(character.charCodeAt(0), 4)}`);
}

/** JSON as Go's encoder writes it. */
export function goJson(value: unknown): string {
  return goEscapedJson(JSON.stringify(value ?? null));
}

/** A value as Go's `%v` prints JSON that it has decoded: `map[a:1 b:[x y]]`. */
export function goValueText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goValueText).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const record = value as Record<string, unknown>;
  const members = Object.keys(record).sort();
  return `map[${members.map((key) => `${key}:${goValueText(record[key])}`).join(' ')}]`;
}

/** The kind of a decoded JSON value, as Go names it. */
export function goKind(value: unknown): string {
  if (value === null || value === undefined) return 'nil';
  if (Array.isArray(value)) return 'slice';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64';
    case 'object':
      return 'map';
    default:
      return typeof value;
  }
}

const goTypes: Readonly<Record<string, string>> = {
  nil: '<nil>',
  map: 'map[string]interface {}',
  slice: '[]interface {}',
};

/** Go's name of the type that a decoded JSON value has: `%T`. */
export function goTypeName(value: unknown): string {
  const kind = goKind(value);
  return goTypes[kind] ?? kind;
}
