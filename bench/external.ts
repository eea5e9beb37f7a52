/** `--scheduler external`: whoever runs the scheduler outside is told where to find the API server. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function announce({ http, kubeconfig }: { http: string; kubeconfig: string }): Promise<void> {
  const path = join(mkdtempSync(join(tmpdir(), 'kubehive-bench-')), 'kubeconfig');
  writeFileSync(path, kubeconfig, { mode: 0o600 });
  process.stdout.write(`external scheduler wanted: ${http} kubeconfig ${path}\n`);
}
