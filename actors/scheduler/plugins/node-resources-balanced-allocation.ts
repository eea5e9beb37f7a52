/**
 * Favours nodes whose resources would be used in equal parts: 100 less the standard deviation of the used fractions.
 * @see plugins/noderesources/balanced_allocation.go
 */
import {
  Dimension,
  dimensionOf,
  type PluginDefinition,
  type PodInfo,
  requestOf,
  skip,
} from '../../../src/scheduling/index.ts';

const name = 'NodeResourcesBalancedAllocation';

export const nodeResourcesBalancedAllocation: PluginDefinition = {
  name,
  create({ nodes }, args) {
    const listed = (args['resources'] as { name: string }[] | undefined) ?? [{ name: 'cpu' }, { name: 'memory' }];
    const dimensions = listed.map((resource) => dimensionOf(resource.name));
    const fractions = new Float64Array(dimensions.length);

    const scoreOf = (info: PodInfo, row: number): number => {
      let used = 0;
      let sum = 0;
      for (const dimension of dimensions) {
        const capacity = nodes.allocatable[dimension]?.[row] ?? 0;
        if (capacity === 0) continue;
        const asked = requestOf(info.requests, dimension);
        if (asked === 0 && dimension > Dimension.EphemeralStorage) continue;
        const fraction = Math.min(((nodes.requested[dimension]?.[row] ?? 0) + asked) / capacity, 1);
        fractions[used++] = fraction;
        sum += fraction;
      }
      let deviation = 0;
      if (used === 2) deviation = Math.abs((fractions[0]! - fractions[1]!) / 2);
      else if (used > 2) {
        const mean = sum / used;
        let squares = 0;
        for (let i = 0; i < used; i++) squares += (fractions[i]! - mean) ** 2;
        deviation = Math.sqrt(squares / used);
      }
      return Math.trunc((1 - deviation) * 100);
    };

    return {
      name,
      // Pods that ask for nothing would all go where the balance happens to be best.
      preScore: (_cycle, info) =>
        dimensions.some((dimension) => requestOf(info.requests, dimension) > 0) ? undefined : skip,
      score: (_cycle, info, row) => scoreOf(info, row),
      scoreRows(_cycle, info, rows, count, scores) {
        for (let i = 0; i < count; i++) scores[i] = scoreOf(info, rows[i]!);
      },
    };
  },
};
