import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { controllers } from '../../../actors/controllers/index.ts';
import { differences, play, playWithout } from './contract.ts';
import { previewScenarios } from './preview-scenarios.ts';
import { scenarios as servedScenarios } from './scenarios.ts';

const scenarios = { ...servedScenarios, ...previewScenarios };
const page = readFileSync(join(import.meta.dirname, '../../../docs/controllers.md'), 'utf8');
// The first test waits for the scenarios of all: they begin together.
const timeoutMs = 240_000;
/** At how many of its calls each controller is killed, one a run. */
const kills = 3;

describe('the table', () => {
  it('has a scenario for every controller, and none for what is no controller', () => {
    expect(Object.keys(scenarios).sort()).toEqual(controllers.map(({ name }) => name).sort());
  });
});

describe.each(Object.entries(scenarios))('%s', (name, scenario) => {
  const { shows, takes, says, atStart = [] } = scenario;
  const component = controllers.find((controller) => controller.name === name)?.component ?? name;
  const undisturbed = play(name, scenario);
  // Each test awaits it and fails by it; until the first does, a rejection is not unhandled.
  undisturbed.catch(() => undefined);

  it('works, and writes nothing when it looks again at what it has done', { timeout: timeoutMs }, async () => {
    const { state, writesAgain } = await undisturbed;
    expect(state.join('\n')).toMatch(shows);
    expect(writesAgain).toEqual(atStart);
  });

  it('is what makes the difference', { timeout: timeoutMs }, async () => {
    const [{ state, events }, without] = await Promise.all([undisturbed, playWithout(scenario)]);
    if (takes !== undefined) {
      expect(without.join('\n')).toMatch(takes);
      expect(state.join('\n')).not.toMatch(takes);
    } else if (says !== undefined) expect([...(events.get(component) ?? [])]).toContain(says);
    else expect(without.join('\n')).not.toMatch(shows);
  });

  it('comes to the same end when it asks for what it needs alone', { timeout: timeoutMs }, async () => {
    const { state, calls } = await undisturbed;
    const outcome = await play(name, scenario, { alone: true });
    expect(differences(state, outcome.state)).toEqual([]);
    expect(outcome.writesAgain).toEqual(atStart);
    const disturbed = await play(name, scenario, {
      alone: true,
      seed: 13,
      disturbed: true,
      killAtCall: Math.ceil(calls / 2),
    });
    expect(differences(state, disturbed.state), 'disturbed and killed').toEqual([]);
  });

  it('emits what docs/controllers.md says', { timeout: timeoutMs }, async () => {
    const section = page.slice(page.indexOf(`## ${name}\n`));
    const line = /- emits: (.*)/.exec(section)?.[1] ?? '';
    const { events } = await undisturbed;
    expect([...(events.get(component) ?? [])].filter((reason) => !line.includes(`\`${reason}\``))).toEqual([]);
  });

  it('comes to the same end when its actor is killed on the way', { timeout: timeoutMs }, async () => {
    const { state, calls } = await undisturbed;
    for (let kill = 0; kill < kills; kill++) {
      const killAtCall = 1 + Math.floor((kill * calls) / kills);
      const outcome = await play(name, scenario, { killAtCall });
      expect(differences(state, outcome.state), `killed at call ${killAtCall} of ${calls}`).toEqual([]);
    }
  });

  it('comes to the same end when events come late, doubled and in another order', { timeout: timeoutMs }, async () => {
    const { state } = await undisturbed;
    for (const seed of [11, 12]) {
      const outcome = await play(name, scenario, { seed, disturbed: true });
      expect(differences(state, outcome.state), `seed ${seed}`).toEqual([]);
    }
  });
});
