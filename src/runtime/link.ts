/** The link to another host: one MessagePort, whose messages are frames (see frame.ts). */
import type { MessagePort } from 'node:worker_threads';
import type { ActorHost } from './actor-host.ts';
import type { Envelope } from './envelope.ts';
import { FrameReader, FrameWriter } from './frame.ts';
import type { Link } from './peer.ts';

/** A frame that reaches this size is sent before the turn ends, so that the other side can begin. */
const frameBytesMax = 256 * 1024;

export class PortLink implements Link {
  readonly introduced = new Set<number>();
  sent = 0;
  received = 0;
  private readonly port: MessagePort;
  private readonly writer = new FrameWriter();
  private readonly reader = new FrameReader();

  constructor(host: ActorHost, port: MessagePort, name: string) {
    this.port = port;
    const receive = (message: Envelope): void => host.receive(this, message);
    port.on('message', (frame: ArrayBuffer) => this.reader.read(frame, receive));
    port.on('close', () => host.detach(this, `the link to ${name} was closed`));
    host.attach(this);
  }

  send(message: Envelope): void {
    this.writer.add(message);
    if (this.writer.pendingBytes >= frameBytesMax) this.flush();
  }

  flush(): void {
    if (this.writer.pendingBytes === 0) return;
    const frame = this.writer.take();
    this.port.postMessage(frame, [frame]);
  }

  close(): void {
    this.flush();
    this.port.close();
  }
}
