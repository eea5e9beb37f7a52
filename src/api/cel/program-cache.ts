/** Keeps what was compiled, within bounds: the same expression in the same environment is compiled once. */
import type { Environment } from './environment.ts';
import { compile, type Program } from './program.ts';
import { type CelType, typeText } from './types.ts';

/** Programs of one environment; when there are more, the oldest goes. */
const PROGRAMS_MAX = 2000;

const byEnvironment = new Map<string, Map<string, Program>>();

/** A type with the types of its fields, one level deep. */
function shapeOf(type: CelType): string {
  if (type.kind !== 'struct') return typeText(type);
  return [...type.fields].map(([name, field]) => `${name}:${typeText(field.type)}`).join();
}

/**
 * Only for environments whose variables' types are told apart by their names, such as those of admission and devices.
 * @throws CelCompileError
 */
export function compileCached(source: string, environment: Environment): Program {
  const variables = Object.entries(environment.variables).map(([name, type]) => `${name}:${shapeOf(type)}`);
  const key = `${environment.message === undefined ? '' : 'messages '}${variables.join(' ')}`;
  let programs = byEnvironment.get(key);
  if (programs === undefined) {
    if (byEnvironment.size >= 100) byEnvironment.clear();
    programs = new Map();
    byEnvironment.set(key, programs);
  }
  let program = programs.get(source);
  if (program === undefined) {
    program = compile(source, environment);
    const [oldest] = programs.keys();
    if (programs.size >= PROGRAMS_MAX && oldest !== undefined) programs.delete(oldest);
    programs.set(source, program);
  }
  return program;
}
