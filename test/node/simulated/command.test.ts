import { describe, expect, it } from 'vitest';
import { interpret, type ScriptEnvironment } from '../../../src/node/simulated/command.ts';

const environment: ScriptEnvironment = {
  hostname: 'web-0',
  variables: new Map([['COLOR', 'blue']]),
  stdin: 'typed\n',
  now: '2026-01-01T00:00:00Z',
};

const output = (argv: string[]): string | undefined =>
  interpret(argv, environment)
    ?.steps.map((step) => (step.type === 'print' ? step.text : `<${step.durationMs}>`))
    .join('');

describe('a command', () => {
  it('prints, sleeps and exits as the shell would', () => {
    expect(output(['echo', 'a', 'b'])).toBe('a b\n');
    expect(output(['sh', '-c', 'echo "it is"; sleep 1.5 && echo \'done\''])).toBe('it is\n<1500>done\n');
    expect(output(['/bin/sh', '-c', 'false && echo no || echo yes'])).toBe('yes\n');
    expect(output(['sh', '-ec', 'echo one\necho two\n'])).toBe('one\ntwo\n');
    expect(output(['hostname'])).toBe('web-0\n');
    expect(output(['cat'])).toBe('typed\n');
    expect(output(['env'])).toBe('COLOR=blue\n');
    expect(output(['sleep', '2m'])).toBe('<120000>');
  });

  it('gives the exit code of its last part, or of exit', () => {
    expect(interpret(['true'], environment)?.exitCode).toBe(0);
    expect(interpret(['false'], environment)?.exitCode).toBe(1);
    expect(interpret(['sh', '-c', 'echo x; exit 7; echo y'], environment)).toEqual({
      steps: [{ type: 'print', stream: 'stdout', text: 'x\n' }],
      exitCode: 7,
    });
  });

  it('writes to the other stream when told', () => {
    expect(interpret(['sh', '-c', 'echo oops >&2'], environment)?.steps).toEqual([
      { type: 'print', stream: 'stderr', text: 'oops\n' },
    ]);
  });

  it('never ends with sleep infinity', () => {
    expect(interpret(['sleep', 'infinity'], environment)?.exitCode).toBeUndefined();
    expect(interpret(['sleep', 'infinity'], environment)).toBeDefined();
  });

  it.each([
    [['nginx', '-g', 'daemon off;']],
    [['sh', '-c', 'while true; do echo x; done']],
    [['sh', '-c', 'echo $(date)']],
    [['sh', '-c', 'echo a | wc']],
    [['sh', '-c', 'echo "$HOME"']],
    [['sh', '-c', 'echo x > file']],
    [['sh']],
    [['sleep', 'soon']],
    [[]],
  ])('%j is not understood', (argv) => {
    expect(interpret(argv, environment)).toBeUndefined();
  });
});
