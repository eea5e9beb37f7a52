/**
 * YAML 1.1 bodies as upstream's parser reads them: `yes` is true, `012` is ten, times and base 60 stay text, of several documents
 * the first counts, and of repeated keys the last.
 */
import { isMap, isScalar, LineCounter, parseAllDocuments, type ScalarTag, visit } from 'yaml';

/** The text is not YAML; the message is Go's, as far as it can be told. */
export class YamlSyntaxError extends Error {
  override readonly name = 'YamlSyntaxError';
}

const booleans: readonly ScalarTag[] = [
  {
    tag: 'tag:yaml.org,2002:bool',
    default: true,
    test: /^(?:[Yy]es|YES|[Tt]rue|TRUE|[Oo]n|ON)$/,
    resolve: () => true,
    identify: (value) => value === true,
  },
  {
    tag: 'tag:yaml.org,2002:bool',
    default: true,
    test: /^(?:[Nn]o|NO|[Ff]alse|FALSE|[Oo]ff|OFF)$/,
    resolve: () => false,
    identify: (value) => value === false,
  },
];

/** A point alone is a text: field sets have it as a key. */
const point: ScalarTag = { tag: 'tag:yaml.org,2002:str', default: true, test: /^[-+]?\._*$/, resolve: (text) => text };

/** Tags of YAML 1.1 that upstream's parser does not know, by the expression that finds them. */
const isForeign = (tag: unknown): boolean => {
  if (typeof tag === 'string') return tag === 'timestamp' || tag === 'binary';
  const { tag: name, format } = tag as { tag?: string; format?: string };
  return format === 'TIME' || name === 'tag:yaml.org,2002:timestamp' || name === 'tag:yaml.org,2002:bool';
};

const goMessages: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'found character that cannot start any token',
  BAD_SCALAR_START: 'found character that cannot start any token',
  MISSING_CHAR: 'did not find expected key',
  BLOCK_AS_IMPLICIT_KEY: 'mapping values are not allowed in this context',
  BAD_ALIAS: 'unknown anchor referenced',
};

export interface ParsedYaml {
  /** Plain JSON; null for an empty text. */
  readonly value: unknown;
  /** `line 7: key "a" already set in map`, for keys that are repeated. */
  readonly repeated: readonly string[];
}

/** @throws YamlSyntaxError */
export function parseYaml(text: string): ParsedYaml {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, {
    version: '1.1',
    uniqueKeys: false,
    lineCounter,
    customTags: (tags) => [...booleans, point, ...tags.filter((tag) => !isForeign(tag))],
  });
  const document = Array.isArray(documents) ? documents[0] : undefined;
  if (document === undefined) return { value: null, repeated: [] };
  const error = document.errors[0];
  if (error !== undefined) {
    const line = error.linePos?.[0].line ?? 1;
    const flow = /flow (sequence|collection|map)/i.exec(error.message);
    const message =
      flow === null
        ? (goMessages[error.code] ?? 'did not find expected key')
        : `did not find expected ',' or '${/map/i.test(error.message) ? '}' : ']'}'`;
    throw new YamlSyntaxError(`yaml: line ${line}: ${message}`);
  }
  const repeated: string[] = [];
  visit(document, {
    Map: (_, map) => {
      if (!isMap(map)) return;
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) {
          repeated.push(
            `line ${lineCounter.linePos(key.range?.[0] ?? 0).line}: key ${JSON.stringify(name)} already set in map`,
          );
        }
        seen.add(name);
      }
    },
  });
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown, repeated };
  } catch (thrown) {
    // The parser's word for aliases that would unfold without end.
    if (thrown instanceof ReferenceError) throw new YamlSyntaxError('yaml: document contains excessive aliasing');
    throw thrown;
  }
}
