/** `kubehive version`: of this package, of the API it serves, and of Node.js. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { kubernetesVersion } from '../api/index.ts';

/** The package's own version; package.json is one folder above dist/ and two above src/cli/. */
export function packageVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const parsed = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (parsed.name === 'kubehive' && parsed.version !== undefined) return parsed.version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error('package.json of kubehive is missing; reinstall the package');
}

export const versionCommand = (): Command =>
  new Command('version')
    .description('Print the version of kubehive, of the Kubernetes API that it serves, and of Node.js.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  $ kubehive version\n  $ kubehive version --json')
    .action((options: { json?: boolean }) => {
      const versions = { kubehive: packageVersion(), kubernetes: kubernetesVersion, node: process.version };
      process.stdout.write(
        options.json
          ? `${JSON.stringify(versions)}\n`
          : `kubehive ${versions.kubehive}\nKubernetes API ${versions.kubernetes}\nNode.js ${versions.node}\n`,
      );
    });
