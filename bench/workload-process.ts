/**
 * A process for one workload, started by isolation.ts: it is told what to run, tells each step, and at last what came of it. Its
 * memory is the workload's alone, and when it ends the next workload has a process of its own.
 */
import { failureText } from './failure.ts';
import type { Job, Told } from './isolation.ts';
import { runWorkload } from './runner.ts';

const tell = (told: Told): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(told, undefined, undefined, () => resolve());
  });

async function run({ workload, options }: Job): Promise<void> {
  try {
    const result = await runWorkload(workload, (step) => void tell({ step }), options);
    // Kibibytes, of all threads, at any time since the process began.
    const peakRssBytes = process.resourceUsage().maxRSS * 1024;
    await tell({ result: { ...result, peakRssBytes } });
  } catch (error) {
    await tell({ failure: failureText(error) });
  }
}

process.once('message', (job: Job) => {
  void run(job).then(() => process.exit());
});
// Nobody waits for the outcome any more.
process.once('disconnect', () => process.exit());
