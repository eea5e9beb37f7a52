/** Two ends of a session, each posting to the other. */
import { expect, it } from 'vitest';
import { type NodeSessionFrame, SessionLink, sessionWindowBytes } from '../../src/node/session-link.ts';

function pair() {
  const control: unknown[] = [];
  const sent: NodeSessionFrame[] = [];
  const left: SessionLink = new SessionLink(
    (frame) => {
      sent.push(frame);
      right.receive(frame);
    },
    () => undefined,
  );
  const right: SessionLink = new SessionLink(
    (frame) => left.receive(frame),
    (frame) => control.push(frame),
  );
  return { left, right, control, sent };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

it('carries bytes in order, apart by channel, and tells of the end', async () => {
  const { left, right, control } = pair();
  await left.write(0, Buffer.from('one'));
  await left.write(1, Buffer.from('other'));
  await left.write(0, Buffer.from('two'));
  left.end(0);
  left.send({ resize: { width: 80, height: 24 } });
  const read = async (channel: number) => Buffer.from((await right.read(channel)) ?? 'END').toString();
  expect([await read(0), await read(0), await read(0), await read(1)]).toEqual(['one', 'two', 'END', 'other']);
  expect(control).toEqual([{ resize: { width: 80, height: 24 } }]);
});

it('lets a writer wait when the reader does not read, with no more than a window under way', async () => {
  const { left, right, sent } = pair();
  let done = false;
  const writing = left.write(0, new Uint8Array(sessionWindowBytes * 3)).then((written) => {
    done = true;
    return written;
  });
  await turn();
  const underWay = () => sent.reduce((sum, frame) => sum + ('bytes' in frame ? frame.bytes.length : 0), 0);
  expect(underWay()).toBe(sessionWindowBytes);
  expect(done).toBe(false);
  let size = 0;
  while (size < sessionWindowBytes * 3) size += (await right.read(0))?.length ?? 0;
  expect(await writing).toBe(true);
});

it('ends whoever waits when it is closed', async () => {
  const { left, right } = pair();
  const reading = right.read(0);
  const writing = left.write(1, new Uint8Array(sessionWindowBytes * 2));
  await turn();
  right.close();
  left.close();
  expect(await reading).toBeUndefined();
  expect(await writing).toBe(false);
  expect(await left.write(0, new Uint8Array(1))).toBe(false);
});
