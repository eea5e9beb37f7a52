import { describe, expect, it } from 'vitest';
import { ActorMetrics, mergeSnapshots, prometheusText } from '../../src/runtime/index.ts';

describe('metrics', () => {
  it('are written in Prometheus text, one HELP and TYPE a name', () => {
    const metrics = new ActorMetrics();
    metrics.counter('requests_total', 'Requests.', { verb: 'GET' }).add();
    metrics.counter('requests_total', 'Requests.', { verb: 'LIST "all"\n' }).add(2);
    metrics.gauge('depth', 'Depth.').set(5);
    const histogram = metrics.histogram('seconds', 'Time.', [0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 9]) histogram.observe(value);
    expect(metrics.text()).toBe(
      [
        '# HELP requests_total Requests.',
        '# TYPE requests_total counter',
        'requests_total{verb="GET"} 1',
        'requests_total{verb="LIST \\"all\\"\\n"} 2',
        '# HELP depth Depth.',
        '# TYPE depth gauge',
        'depth 5',
        '# HELP seconds Time.',
        '# TYPE seconds histogram',
        'seconds_bucket{le="0.1"} 2',
        'seconds_bucket{le="1"} 3',
        'seconds_bucket{le="+Inf"} 4',
        'seconds_sum 9.65',
        'seconds_count 4',
        '',
      ].join('\n'),
    );
  });

  it('give the same cell for the same name and labels, in any order of labels', () => {
    const metrics = new ActorMetrics();
    metrics.counter('n', 'N.', { a: '1', b: '2' }).add();
    metrics.counter('n', 'N.', { b: '2', a: '1' }).add();
    expect(metrics.text()).toContain('n{a="1",b="2"} 2');
    expect(() => metrics.gauge('n', 'N.', { a: '1', b: '2' })).toThrow('n is a counter already');
  });

  it('add up over actors', () => {
    const actors = [new ActorMetrics(), new ActorMetrics()];
    actors.forEach((metrics, at) => {
      metrics.counter('n', 'N.').add(at + 1);
      metrics.histogram('h', 'H.', [1]).observe(at);
    });
    actors[1]!.counter('only_here', 'O.').add();
    const text = prometheusText(mergeSnapshots(actors.map((metrics) => metrics.snapshot())));
    expect(text).toContain('\nn 3\n');
    expect(text).toContain('h_count 2\n');
    expect(text).toContain('only_here 1\n');
  });
});
