import { expect, it } from 'vitest';
import { LogRing, logLinesMax } from '../../../src/node/simulated/log-ring.ts';

const line = (text: string) => ({ time: 0, stream: 'stdout', text }) as const;

it('keeps the newest lines in order, and no more than its bound', () => {
  const ring = new LogRing();
  for (let at = 0; at < logLinesMax + 5; at++) ring.append(line(String(at)));
  expect(ring.lines).toHaveLength(logLinesMax);
  expect(ring.lines[0]?.text).toBe('5');
  expect(ring.lines.at(-1)?.text).toBe(String(logLinesMax + 4));
});

it('tells followers what comes, and the end once, also when it came before', () => {
  const ring = new LogRing();
  const seen: string[] = [];
  const stop = ring.follow(
    ({ text }) => seen.push(text),
    () => seen.push('END'),
  );
  ring.append(line('a'));
  stop();
  ring.append(line('b'));
  ring.follow(
    ({ text }) => seen.push(text),
    () => seen.push('end'),
  );
  ring.end();
  ring.follow(
    () => {},
    () => seen.push('late'),
  );
  expect(seen).toEqual(['a', 'end', 'late']);
});
