/** The bench's own HTTP client: answers that come in pieces, in chunks, or not at all. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Http1Connection, occurrences, requestText } from '../../../bench/api/http1-connection.ts';

const servers: Server[] = [];
const sockets: Socket[] = [];

/** A server that answers each request with the pieces, each of them written by itself. */
function answering(pieces: readonly string[]): Promise<Http1Connection> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.setNoDelay(true);
    socket.on('data', () => {
      const write = (at: number): void => {
        if (at < pieces.length) socket.write(pieces[at] as string, () => setImmediate(write, at + 1));
        else if (pieces.length === 0) socket.destroy();
      };
      write(0);
    });
  });
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      const socket = connect(port, '127.0.0.1', () => resolve(new Http1Connection(socket)));
    });
  });
}

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

const get = requestText({ method: 'GET', path: '/a' }, 'h', {}, '');

describe('an HTTP/1.1 connection', () => {
  it('reads answers of a known length, one after the other, however they are torn', async () => {
    const connection = await answering(['HTTP/1.1 201 Created\r\nContent-Le', 'ngth: 5\r\n\r', '\nab', 'cde']);
    for (let turn = 0; turn < 3; turn++) {
      const { status, body } = await connection.send(get);
      expect([status, body.toString()]).toEqual([201, 'abcde']);
    }
    connection.close();
  });

  it('reads chunks and answers without a body', async () => {
    const chunked = await answering([
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r',
      '\n2\r\nde\r\n0\r\n\r\n',
    ]);
    expect((await chunked.send(get)).body.toString()).toBe('abcde');
    const empty = await answering(['HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n']);
    expect((await empty.send(get)).body.length).toBe(0);
    chunked.close();
    empty.close();
  });

  it('rejects when the server goes away', async () => {
    const connection = await answering([]);
    await expect(connection.send(get)).rejects.toThrow(/closed|reset/i);
  });
});

describe('occurrences', () => {
  it('finds a text that is torn apart, once', () => {
    const count = occurrences('"ADDED"');
    expect(['{"AD', 'DED"', '}{"ADDED"}{"ADD', 'ED"} "ADDED', ''].map((part) => count(Buffer.from(part)))).toEqual([
      0, 1, 1, 1, 0,
    ]);
  });
});
