/**
 * A thousand CronJobs of one minute: how long after the minute the last of them has its Job. The Jobs are suspended, so that what is
 * measured is when they are made, not what their pods cost.
 */
import * as kinds from '../../src/client/resources.ts';
import { type ControllerWorkload, containers, inParallel, quiet } from './workload.ts';

const count = 1_000;
const minuteMs = 60_000;

export const cronJobs: ControllerWorkload = {
  name: '1000CronJobs',
  options: { ...quiet, nodes: 1 },
  async prepare({ client, clock }) {
    // Not so near to a minute that some would be made before it and some after.
    const leftMs = minuteMs - (clock.now() % minuteMs);
    if (leftMs < 20_000) await clock.sleep(leftMs + 1_000);
    const jobTemplate = { spec: { suspend: true, template: { spec: { restartPolicy: 'Never', containers } } } };
    await inParallel(count, (index) =>
      client.create(kinds.cronJobs, {
        metadata: { name: `cron-${index}`, namespace: 'default' },
        spec: { schedule: '* * * * *', jobTemplate },
      }),
    );
  },
  stages: [
    {
      name: 'fired after the minute',
      targetMs: 1_000,
      objects: count,
      async run({ clock }, observer) {
        const minute = Math.ceil(clock.now() / minuteMs) * minuteMs;
        await observer.until(kinds.jobs, () => true, count);
        return clock.now() - minute;
      },
    },
  ],
};
