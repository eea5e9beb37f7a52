/**
 * Whether a value of one type may stand where another is wanted, finding out type variables on the way. An attempt that fails leaves
 * no trace.
 * @see cel-go checker/types.go
 */
import { type CelType, dynType, isDyn, resolved, type TypeVariable } from './types.ts';

export class Assignability {
  #trail: TypeVariable[] = [];

  /** Binds variables when it holds. */
  assignable(from: readonly CelType[], to: readonly CelType[]): boolean {
    if (from.length !== to.length) return false;
    const mark = this.#trail.length;
    if (from.every((type, at) => this.#assign(type, to[at] as CelType))) return true;
    for (const variable of this.#trail.splice(mark)) variable.bound = undefined;
    return false;
  }

  #bind(variable: TypeVariable, type: CelType): boolean {
    if (resolved(type) === variable) return true;
    if (mentions(type, variable)) return false;
    variable.bound = type;
    this.#trail.push(variable);
    return true;
  }

  #assign(given: CelType, wanted: CelType): boolean {
    const from = resolved(given);
    const to = resolved(wanted);
    if (from === to) return true;
    if (to.kind === 'variable') return this.#bind(to, from);
    if (from.kind === 'variable') return this.#bind(from, to);
    if (isDyn(from) || isDyn(to)) return true;
    if (from.kind === 'null') {
      return ['null', 'struct', 'opaque', 'timestamp', 'duration'].includes(to.kind);
    }
    switch (to.kind) {
      case 'list':
        return from.kind === 'list' && this.#assign(from.element, to.element);
      case 'map':
        return from.kind === 'map' && this.#assign(from.key, to.key) && this.#assign(from.value, to.value);
      case 'struct':
        return from.kind === 'struct' && from.name === to.name;
      case 'opaque':
        return (
          from.kind === 'opaque' &&
          from.name === to.name &&
          from.parameters.every((parameter, at) => this.#assign(parameter, to.parameters[at] ?? dynType))
        );
      default:
        return from.kind === to.kind;
    }
  }

  /** The more general of two types of which one is assignable to the other. */
  static moreGeneral(left: CelType, right: CelType): CelType {
    return isDyn(left) ? left : isDyn(right) ? right : resolved(left).kind === 'null' ? right : left;
  }
}

function mentions(given: CelType, variable: TypeVariable): boolean {
  const type = resolved(given);
  if (type === variable) return true;
  if (type.kind === 'list') return mentions(type.element, variable);
  if (type.kind === 'map') return mentions(type.key, variable) || mentions(type.value, variable);
  return type.kind === 'opaque' && type.parameters.some((parameter) => mentions(parameter, variable));
}
