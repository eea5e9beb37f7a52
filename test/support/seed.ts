// One seed for every property test, so that a run says the same twice. KUBEHIVE_PROPERTY_SEED=random explores; a number replays.
import fc from 'fast-check';

const seed = process.env['KUBEHIVE_PROPERTY_SEED'] ?? '36';
if (seed !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
