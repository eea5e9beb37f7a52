import { describe, expect, it } from 'vitest';
import { created, kindOf } from '../fixtures.ts';

describe('priority and fairness', () => {
  it('defaults flow schemas and levels', () => {
    const group = 'flowcontrol.apiserver.k8s.io';
    expect(created(kindOf(group, 'flowschemas'), { spec: {} }).spec).toMatchObject({ matchingPrecedence: 1000 });
    const limited = { limitResponse: { type: 'Queue', queuing: {} } };
    expect(created(kindOf(group, 'prioritylevelconfigurations'), { spec: { limited } }).spec).toMatchObject({
      limited: {
        nominalConcurrencyShares: 30,
        lendablePercent: 0,
        limitResponse: { queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
      },
    });
    expect(created(kindOf(group, 'prioritylevelconfigurations'), { spec: { exempt: {} } }).spec).toMatchObject({
      exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 },
    });
  });
});
