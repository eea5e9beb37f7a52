/** Command lines of the benches that are programs of their own: `--help`, and one line and exit code 2 for what is wrong. */
import { type Command, CommanderError } from 'commander';

/** Parses `words` and does what the command's action does; the exit code is the one that it sets. */
export async function runCommandLine(command: Command, words: readonly string[]): Promise<number> {
  const name = command.name();
  command.exitOverride().configureOutput({
    outputError: (text, write) =>
      write(
        `${name}: ${text
          .trim()
          .replace(/^error: /, '')
          .replaceAll('\n', ' ')}\n`,
      ),
  });
  try {
    await command.parseAsync([...words], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}

/** Names of which all are known. @throws CommanderError with those that are not, and those that are */
export function knownNames(command: Command, given: readonly string[], known: readonly string[]): void {
  const unknown = given.filter((name) => !known.includes(name));
  if (unknown.length > 0) command.error(`${unknown.join(', ')} is not known; there are ${known.join(', ')}`);
}
