import { it } from 'vitest';
import { startCluster } from '../actors/kubelet/fixtures.ts';
it('debug', async () => {
  const cluster = await startCluster();
  cluster.system.tap((r: any) => console.log(JSON.stringify(r).slice(0, 300)));
  await cluster.addNode({ nodeName: 'node-1' });
  console.log('=== pod');
  await cluster.addPod('web');
  await new Promise((r) => setTimeout(r, 500));
  await Promise.race([cluster.system.settled(), new Promise((r) => setTimeout(r, 500))]);
  console.log(JSON.stringify(await Promise.race([cluster.pod('web'), new Promise((r) => setTimeout(r, 500))])));
}, 5000);
