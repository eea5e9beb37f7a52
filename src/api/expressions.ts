/**
 * The way to the expression language, which is loaded with the first expression: neither the start of a thread nor one that meets no
 * expression pays for it. Whoever compiles in functions that cannot wait (validation) awaits {@link loadExpressions} before.
 */
export type {
  AuthorizationAnswer,
  AuthorizationQuestion,
  DeviceSelector as CompiledDeviceSelector,
  MatchConditions,
  MatchResult,
  Program,
  SelectableDevice,
} from './cel/index.ts';

/** The language's public face. */
export type Expressions = typeof import('./cel/index.ts');

let loaded: Expressions | undefined;

/** Loads the language; at once when that has been done. */
export async function loadExpressions(): Promise<Expressions> {
  loaded ??= await import('./cel/index.ts');
  return loaded;
}

/** The language when it is loaded already: then nobody needs to wait. */
export function expressionsIfLoaded(): Expressions | undefined {
  return loaded;
}

/** @throws Error (a bug) when nobody has loaded it */
export function expressions(): Expressions {
  if (loaded === undefined) throw new Error('expressions are used before loadExpressions() has been awaited');
  return loaded;
}
