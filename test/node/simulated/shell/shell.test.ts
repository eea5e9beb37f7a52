/** Programs of simulated containers, run as exec runs them. */
import { describe, expect, it } from 'vitest';
import type { ProcessStreams } from '../../../../src/node/runtime.ts';
import { Filesystem, filesystemBytesMax, newDirectory } from '../../../../src/node/simulated/shell/filesystem.ts';
import { Pipe } from '../../../../src/node/simulated/shell/process.ts';
import { isProgram, runProgram } from '../../../../src/node/simulated/shell/shell.ts';
import { RealClock } from '../../../../src/runtime/clock.ts';

function container() {
  const clock = new RealClock();
  const files = new Filesystem(() => clock.now());
  files.makeDirectory('/tmp');
  files.makeDirectory('/root');
  const secret = newDirectory(0, true);
  secret.entries.set('key', { type: 'file', bytes: Buffer.from('value\n'), mode: 0o400, modifiedMs: 0 });
  files.mount('/etc/secret', secret);
  const machine = { hostname: 'web-0', clock, files, programs: ['nginx'] };
  const variables = new Map([
    ['HOME', '/root'],
    ['COLOR', 'blue'],
  ]);
  return {
    files,
    async run(argv: readonly string[], input?: string | Uint8Array | readonly string[], tty = false) {
      const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
      const stdin = new Pipe();
      // A list is typed piece by piece.
      const type = async () => {
        for (const piece of Array.isArray(input) ? input : [input]) {
          if (Array.isArray(input)) await new Promise((resolve) => setTimeout(resolve, 40));
          await stdin.write(Buffer.from(piece));
        }
        if (!tty) stdin.end();
      };
      if (input !== undefined) void type();
      const streams: ProcessStreams = {
        tty,
        stdin: input !== undefined,
        signal: new AbortController().signal,
        read: () => stdin.read(),
        write: (stream, bytes) => {
          output[stream].push(Buffer.from(bytes));
          return Promise.resolve(true);
        },
        onResize: () => undefined,
      };
      const code = await runProgram(machine, argv, variables, '/', streams);
      return { code, out: Buffer.concat(output.stdout), err: Buffer.concat(output.stderr).toString() };
    },
  };
}

const sh = async (line: string, input?: string) => {
  const { code, out, err } = await container().run(['sh', '-c', line], input);
  return { code, out: out.toString(), err };
};

describe('a shell line', () => {
  it.each([
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's own syntax.
    ['echo a  "b  c" \'$COLOR\' $COLOR ${COLOR}s ${NONE:-none} "\\$x"', 'a b  c $COLOR blue blues none $x\n'],
    ['echo one; echo two && false || echo three', 'one\ntwo\nthree\n'],
    ['X=1 env | grep X; echo "$X"', 'X=1\n\n'],
    ['export A=5; echo $A; false; echo $?', '5\n1\n'],
    ['echo b >/tmp/f; echo a >>/tmp/f; sort < /tmp/f | head -1; wc -l /tmp/f', 'a\n2 /tmp/f\n'],
    ['cd /tmp && pwd && touch x && ls', '/tmp\nx\n'],
    ['printf "%s-%d\\n" a 7', 'a-7\n'],
    ['! true; echo $?', '1\n'],
    ['seq 3 | tail -n 2', '2\n3\n'],
    ['cat /etc/secret/key', 'value\n'],
    ['[ -d /tmp ] && [ ! -f /tmp ] && test 1 -eq 1 && echo yes', 'yes\n'],
    ['# nothing\necho x # rest', 'x\n'],
  ])('%s', async (line, expected) => {
    expect(await sh(line)).toEqual({ code: 0, out: expected, err: '' });
  });

  it('ends with exit or with its last code', async () => {
    expect((await sh('exit 3; echo never')).code).toBe(3);
    expect((await sh('true; false')).code).toBe(1);
    expect((await sh('echo x | exit 2; echo on')).out).toBe('on\n');
  });

  it('says what it does not know or cannot do, as a small image would', async () => {
    expect(await sh('vim file')).toEqual({ code: 127, out: '', err: 'sh: vim: not found\n' });
    expect((await sh('cat /nothing')).err).toBe('cat: /nothing: No such file or directory\n');
    expect((await sh('echo x > /etc/secret/key')).err).toContain('Read-only file system');
    expect((await sh('while true; do echo x; done')).err).toBe('sh: syntax error: unexpected "while"\n');
    expect((await sh('echo "open')).code).toBe(2);
    expect((await sh('echo $(date)')).err).toContain('unexpected "$("');
  });

  it('reads commands and their input from standard input', async () => {
    const { run } = container();
    const { out, code } = await run(['sh'], 'read x\nhello there\necho got $x\nexit 4\n');
    expect([out.toString(), code]).toEqual(['got hello there\n', 4]);
    expect((await run(['cat'], 'through')).out.toString()).toBe('through');
  });

  it('stops a writer whose reader has gone', async () => {
    expect((await sh('seq 1000000 | head -c 3')).out).toBe('1\n2');
  });
});

describe('files', () => {
  it('are bounded', async () => {
    const { files, run } = container();
    const { code, err } = await run(['sh', '-c', 'cat > /tmp/big'], new Uint8Array(filesystemBytesMax + 1));
    expect(code).toBe(1);
    expect(err).toContain('No space left on device');
    expect(files.find('/tmp/big')).toBeDefined();
  });

  it('are not left by way of links or dots', async () => {
    const { run } = container();
    expect((await run(['cat', '/tmp/../../../../etc/secret/key'])).out.toString()).toBe('value\n');
  });
});

describe('tar', () => {
  it('gives back what it was given: names, contents, modes, folders', async () => {
    const long = `${'deep/'.repeat(30)}file`;
    const source = container();
    source.files.makeDirectory(`/tmp/in/${long.slice(0, long.lastIndexOf('/'))}`, true);
    source.files.write(`/tmp/in/${long}`, Buffer.from('long'));
    source.files.write('/tmp/in/run', Buffer.from('x'.repeat(5000)), { mode: 0o755 });
    source.files.write('/tmp/in/empty', new Uint8Array());
    const { out, code } = await source.run(['tar', 'cf', '-', '-C', '/tmp', 'in']);
    expect(code).toBe(0);
    const target = container();
    expect(await target.run(['tar', '-xmf', '-', '-C', '/tmp'], out)).toMatchObject({ code: 0, err: '' });
    expect(Buffer.from(target.files.read(`/tmp/in/${long}`)).toString()).toBe('long');
    expect(target.files.find('/tmp/in/run')).toMatchObject({ type: 'file', mode: 0o755 });
    expect(target.files.read('/tmp/in/empty')).toHaveLength(0);
    expect((await target.run(['tar', 'tf', '-'], out)).out.toString()).toContain('in/run\n');
  });

  it('keeps what it unpacks within its folder', async () => {
    const source = container();
    source.files.write('/tmp/a', Buffer.from('x'));
    const { out } = await source.run(['tar', 'cf', '-', '-C', '/tmp', 'a']);
    const evil = Buffer.from(out);
    evil.fill(0, 0, 100);
    evil.write('../../etc/owned', 0);
    evil.write('        ', 148);
    const sum = evil.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    evil.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const target = container();
    await target.run(['tar', 'xf', '-', '-C', '/tmp'], evil);
    expect(target.files.find('/etc/secret/key')).toBeDefined();
  });

  it('refuses what is no archive, and what it does not know', async () => {
    const { run } = container();
    expect((await run(['tar', 'xf', '-'], 'x'.repeat(2000))).err).toContain('tar: invalid tar');
    expect((await run(['tar', '--frobnicate'])).err).toContain('unrecognized option');
    expect((await run(['tar', 'cf', '-', '/nothing'])).code).toBe(1);
  });
});

describe('a terminal', () => {
  it('echoes, edits, answers below what was typed, and ends with Ctrl-D', async () => {
    const { run } = container();
    const { out, code } = await run(['sh'], 'echo hix\u007f\rfalse\r\u0004', true);
    expect(out.toString()).toBe('/ # echo hix\b \b\r\nfalse\r\nhi\r\n/ # / # \r\n');
    expect(code).toBe(1);
  });

  it('interrupts what runs with Ctrl-C', async () => {
    const { run } = container();
    const { out } = await run(['sh'], ['sleep 100\r', '\u0003', 'echo after\rexit\r'], true);
    expect(out.toString()).toContain('^C\r\n/ # ');
    expect(out.toString()).toContain('\r\nafter\r\n');
  });
});

it('knows programs by name and by path', () => {
  expect(['ls', '/bin/ls', '/usr/bin/env', 'sh', '/bin/bash'].every(isProgram)).toBe(true);
  expect(['vim', '/ls', 'exit', 'cd', '__proto__', 'constructor', ''].some(isProgram)).toBe(false);
});
