/**
 * Favours nodes whose balance the pod improves: by how much the standard deviation of the used fractions of their
 * resources shrinks. No change scores 75, from even to as uneven as can be 50, the other way round 100. As upstream, each
 * balance is cut to whole percents first.
 * @see plugins/noderesources/balanced_allocation.go
 */
import {
  Dimension,
  dimensionOf,
  type PluginDefinition,
  type PodInfo,
  type Requests,
  rememberLast,
  requestOf,
  skip,
} from '../../../src/scheduling/index.ts';

const name = 'NodeResourcesBalancedAllocation';

/** Standard deviation of the first `count` fractions. */
function deviation(fractions: Float64Array, count: number): number {
  if (count === 2) return Math.abs((fractions[0]! - fractions[1]!) / 2);
  if (count < 2) return 0;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += fractions[i]!;
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (fractions[i]! - mean) ** 2;
  return Math.sqrt(squares / count);
}

const textOf = rememberLast(({ dimensions, amounts }: Requests) => `${dimensions.join()}:${amounts.join()}`);

const balance = (spread: number): number => Math.trunc((1 - spread) * 100);

/** From the deviations without the pod and with it. */
const improvement = (before: number, after: number): number => 50 + ((50 + balance(after) - balance(before)) >> 1);

export const nodeResourcesBalancedAllocation: PluginDefinition = {
  name,
  create({ nodes }, args) {
    const listed = (args['resources'] as { name: string }[] | undefined) ?? [{ name: 'cpu' }, { name: 'memory' }];
    const dimensions = listed.map((resource) => dimensionOf(resource.name));
    const before = new Float64Array(dimensions.length);
    const after = new Float64Array(dimensions.length);

    const scoreOf = (info: PodInfo, row: number): number => {
      let used = 0;
      for (const dimension of dimensions) {
        const capacity = nodes.allocatable[dimension]?.[row] ?? 0;
        if (capacity === 0) continue;
        const asked = requestOf(info.requests, dimension);
        if (asked === 0 && dimension > Dimension.EphemeralStorage) continue;
        const requested = nodes.requested[dimension]?.[row] ?? 0;
        before[used] = Math.min(requested / capacity, 1);
        after[used++] = Math.min((requested + asked) / capacity, 1);
      }
      return improvement(deviation(before, used), deviation(after, used));
    };

    /** The default case, CPU and memory, with everything in registers. */
    const twoResources = (
      info: PodInfo,
      first: number,
      second: number,
      rows: Int32Array,
      count: number,
      scores: Float64Array,
    ): void => {
      const firstCapacity = nodes.allocatable[first]!;
      const secondCapacity = nodes.allocatable[second]!;
      const firstUsed = nodes.requested[first]!;
      const secondUsed = nodes.requested[second]!;
      const firstAsked = requestOf(info.requests, first);
      const secondAsked = requestOf(info.requests, second);
      for (let i = 0; i < count; i++) {
        const row = rows[i]!;
        const a = firstCapacity[row]!;
        const b = secondCapacity[row]!;
        if (a === 0 || b === 0) {
          scores[i] = 75;
          continue;
        }
        const old = Math.abs((Math.min(firstUsed[row]! / a, 1) - Math.min(secondUsed[row]! / b, 1)) / 2);
        const one = Math.min((firstUsed[row]! + firstAsked) / a, 1);
        const two = Math.min((secondUsed[row]! + secondAsked) / b, 1);
        scores[i] = improvement(old, Math.abs((one - two) / 2));
      }
    };

    return {
      name,
      // Pods that ask for nothing would all go where the balance happens to be best.
      preScore: (_cycle, info) =>
        dimensions.some((dimension) => requestOf(info.requests, dimension) > 0) ? undefined : skip,
      sign: ({ requests }) => textOf(requests),
      score: (_cycle, info, row) => scoreOf(info, row),
      scoreRows(_cycle, info, rows, count, scores) {
        const [first, second] = dimensions;
        if (dimensions.length === 2 && first! <= Dimension.EphemeralStorage && second! <= Dimension.EphemeralStorage) {
          twoResources(info, first!, second!, rows, count, scores);
          return;
        }
        for (let i = 0; i < count; i++) scores[i] = scoreOf(info, rows[i]!);
      },
    };
  },
};
