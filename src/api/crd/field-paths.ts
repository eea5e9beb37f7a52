/**
 * Paths of fields as rules and selectable fields name them: `.spec.color`, `.spec['a.b']`, `.labels.app`. They are held against the
 * schema that they lead through.
 * @see apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go ValidFieldPath
 */
import { type CustomSchema, isJsonObject, ownProperty } from './structural.ts';

export interface FoundField {
  /** Names of properties, and keys of maps in brackets: the same for every spelling of a path. */
  readonly steps: readonly string[];
  readonly schema: CustomSchema | undefined;
}

/** The field, or what is wrong with its path in upstream's words. */
export function fieldAt(schema: CustomSchema, path: string, brackets = true): FoundField | string {
  const tokens = tokensOf(path);
  const steps: string[] = [];
  let current: CustomSchema | undefined = schema;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token !== '.' && token !== '[') return `expected [ or . but got: ${token}`;
    if (token === '[' && !brackets) return 'array notation is not allowed';
    const next = tokens[++at];
    if (next === undefined) return 'unexpected end of JSON path';
    const name = token === '.' ? next : unquoted(next);
    if (name === undefined) return `expected single quoted string but got ${next}`;
    const named: boolean = Object.keys(current?.properties ?? {}).length > 0;
    const additional: CustomSchema | boolean | undefined = current?.additionalProperties;
    const below: CustomSchema | undefined = named
      ? ownProperty(current, name)
      : isJsonObject(additional)
        ? (additional as CustomSchema)
        : undefined;
    if (below === undefined) return 'does not refer to a valid field';
    steps.push(named ? name : `[${name}]`);
    current = below;
    if (token === '[') {
      const end = tokens[++at];
      if (end === undefined) return 'unexpected end of JSON path';
      if (end !== ']') return `expected ] but got ${end}`;
    }
  }
  return { steps, schema: current };
}

/** The delimiters by themselves, what stands between them, and quoted texts whole. */
function tokensOf(path: string): string[] {
  return path.match(/[.[\]]|'(?:.*?[^\\])?'|[^.[\]]+/gs) ?? [];
}

function unquoted(token: string): string | undefined {
  if (token.length < 2 || !token.startsWith("'") || !token.endsWith("'")) return undefined;
  return token.slice(1, -1).replace(/\\(['\\])/g, '$1');
}
