/**
 * Makes objects whose names have come before, in the same order, in one piece: the engine then knows their layout beforehand, where it
 * would follow a step for every member that is added to an empty object. The decoder goes down this tree with the names that it reads:
 *
 *     root ── metadata ── spec ── status      made often enough: (values, at) => ({ metadata: values[at], spec: …, status: … })
 *                  └───── data                not yet: a member at a time
 *
 * Always: what is made equals what assignments in the same order make. The tree is bounded; a full one is begun anew.
 */

/** A row of names as far as it was read. */
export class Row {
  /** The name that came last, and where it led: most rows have one way on. */
  lastName: string | undefined;
  last: Row | undefined;
  readonly name: string;
  readonly before: Row | undefined;
  others: Map<string, Row> | undefined;
  /** Times that a map ended here. */
  ended = 0;
  make: ((values: readonly unknown[], at: number) => Record<string, unknown>) | undefined;

  constructor(name: string, before: Row | undefined) {
    this.name = name;
    this.before = before;
  }
}

/** A row that was seen so often gets a maker. */
const ENDED_MIN = 8;
const ROWS_MAX = 16_384;
/** Ways on from one row: names of users' data have no end. */
const WAYS_MAX = 512;

export class ObjectMakers {
  #root = new Row('', undefined);
  #rows = 0;

  /** Where maps begin. */
  get root(): Row {
    return this.#root;
  }

  /** The row with one name more; undefined when there are too many. */
  next(row: Row, name: string): Row | undefined {
    let next = row.others?.get(name);
    if (next === undefined) {
      if (row.others !== undefined && row.others.size >= WAYS_MAX) return undefined;
      if (++this.#rows > ROWS_MAX) {
        this.#root = new Row('', undefined);
        this.#rows = 0;
        return undefined;
      }
      next = new Row(name, row);
      row.others ??= new Map();
      row.others.set(name, next);
    }
    row.lastName = name;
    row.last = next;
    return next;
  }

  /** The object of all names of the row, with the values from `at` on. */
  objectOf(row: Row, values: readonly unknown[], at: number): Record<string, unknown> {
    if (row.make !== undefined) return row.make(values, at);
    const names: string[] = [];
    for (let place: Row = row; place.before !== undefined; place = place.before) names.push(place.name);
    names.reverse();
    if (++row.ended >= ENDED_MIN) row.make = makerOf(names);
    const object: Record<string, unknown> = {};
    for (let index = 0; index < names.length; index++) object[names[index]!] = values[at + index];
    return object;
  }
}

/** Names go into the text as JSON, which is a string literal whatever they hold. */
function makerOf(names: readonly string[]): Row['make'] {
  const members = names.map((name, index) => `${JSON.stringify(name)}: values[at + ${index}]`);
  return new Function('values', 'at', `return { ${members.join(', ')} };`) as NonNullable<Row['make']>;
}
