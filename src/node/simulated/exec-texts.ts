/** What a container runtime says when it cannot do what it was asked: the words that people search the web for. */
import type { Random } from '../../runtime/index.ts';
import type { Filesystem } from './shell/filesystem.ts';

/** containerd's error for a program that the image does not have, or that is none. */
export function notExecutable(random: Random, program: string, files: Filesystem): string {
  const id = `${random.uuid()}${random.uuid()}`.replaceAll('-', '');
  const node = program.includes('/') ? files.find(program) : undefined;
  const why =
    node !== undefined
      ? 'permission denied'
      : program.includes('/')
        ? `stat ${program}: no such file or directory`
        : 'executable file not found in $PATH';
  const runc = `OCI runtime exec failed: exec failed: unable to start container process: exec: ${JSON.stringify(program)}: ${why}`;
  return `failed to exec in container: failed to start exec "${id}": ${runc}`;
}

/** containerd's error for a port that nothing listens on. */
export function refusedText(sandboxId: string, port: number): string {
  const inside = `inside namespace "${sandboxId}", IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused IPv6 dial tcp6: address localhost: no suitable address found`;
  return `failed to execute portforward in network namespace "/var/run/netns/cni-${sandboxId}": failed to connect to localhost:${port} ${inside}`;
}
