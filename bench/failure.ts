/** How the bench tells what went wrong: what a person can mend is one line; all else is a bug, with its stack. */
import { BenchConfigError } from './config.ts';
import { TemplateError } from './template.ts';

export function failureText(error: unknown): string {
  if (error instanceof BenchConfigError || error instanceof TemplateError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
