/**
 * The files of one simulated container, in memory and bounded. Directories may be volumes: those of ConfigMaps, Secrets and
 * tokens are read-only, an emptyDir is one directory that the pod's containers share.
 */

export interface FileNode {
  readonly type: 'file';
  bytes: Uint8Array;
  mode: number;
  modifiedMs: number;
}

export interface DirectoryNode {
  readonly type: 'directory';
  readonly entries: Map<string, Node>;
  mode: number;
  modifiedMs: number;
  readonly readOnly: boolean;
}

export interface LinkNode {
  readonly type: 'link';
  readonly target: string;
  readonly mode: number;
  readonly modifiedMs: number;
}

export type Node = FileNode | DirectoryNode | LinkNode;

/** Bytes that the files of one container may hold, volumes not counted twice. */
export const filesystemBytesMax = 32 * 1024 * 1024;
/** Files, directories and links of one container. */
const nodesMax = 20_000;
const linksMax = 8;
/** What a file costs besides its bytes. */
const nodeBytes = 256;

/** What a call on a file answers when it fails; the message is errno's text. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

export function newDirectory(nowMs: number, readOnly = false): DirectoryNode {
  return { type: 'directory', entries: new Map(), mode: 0o755, modifiedMs: nowMs, readOnly };
}

/** `path` seen from `directory`, without `.`, `..` and double slashes. */
export function resolvePath(directory: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${directory}/${path}`).split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

export class Filesystem {
  readonly root: DirectoryNode;
  readonly #now: () => number;
  #bytes = 0;
  #nodes = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.root = newDirectory(now());
  }

  /** Follows links, in the last part only when told so. Undefined when there is nothing. */
  find(path: string, followLast = true): Node | undefined {
    return this.#walk(path, followLast, 0);
  }

  directory(path: string): DirectoryNode {
    const node = this.find(path);
    if (node === undefined) throw new FileError('No such file or directory');
    if (node.type !== 'directory') throw new FileError('Not a directory');
    return node;
  }

  read(path: string): Uint8Array {
    const node = this.find(path);
    if (node === undefined) throw new FileError('No such file or directory');
    if (node.type === 'directory') throw new FileError('Is a directory');
    return node.type === 'file' ? node.bytes : new Uint8Array();
  }

  write(path: string, bytes: Uint8Array, options: { mode?: number; append?: boolean; modifiedMs?: number } = {}): void {
    if (path === '/dev/null') return;
    const { parent, name } = this.#parentOf(path);
    const existing = this.find(path);
    if (existing?.type === 'directory') throw new FileError('Is a directory');
    if (parent.readOnly) throw new FileError('Read-only file system');
    const before = existing?.type === 'file' ? existing.bytes : undefined;
    const kept = options.append === true && before !== undefined ? before.length : 0;
    this.#reserve(kept + bytes.length - (before?.length ?? 0), before === undefined ? 1 : 0);
    const content = new Uint8Array(kept + bytes.length);
    if (kept > 0 && before !== undefined) content.set(before);
    content.set(bytes, kept);
    const modifiedMs = options.modifiedMs ?? this.#now();
    if (existing?.type === 'file') {
      existing.bytes = content;
      existing.modifiedMs = modifiedMs;
      if (options.mode !== undefined) existing.mode = options.mode;
    } else parent.entries.set(name, { type: 'file', bytes: content, mode: options.mode ?? 0o644, modifiedMs });
  }

  makeDirectory(path: string, parents = false): DirectoryNode {
    const existing = this.find(path);
    if (existing !== undefined) {
      if (parents && existing.type === 'directory') return existing;
      throw new FileError('File exists');
    }
    if (parents) {
      const above = path.slice(0, path.lastIndexOf('/'));
      if (above !== '') this.makeDirectory(above, true);
    }
    const { parent, name } = this.#parentOf(path);
    if (parent.readOnly) throw new FileError('Read-only file system');
    this.#reserve(0, 1);
    const made = newDirectory(this.#now());
    parent.entries.set(name, made);
    return made;
  }

  link(path: string, target: string, modifiedMs: number): void {
    const { parent, name } = this.#parentOf(path);
    if (parent.readOnly) throw new FileError('Read-only file system');
    this.#reserve(0, 1);
    parent.entries.set(name, { type: 'link', target, mode: 0o777, modifiedMs });
  }

  /** Puts a directory or file in its place, whatever was there. The parents are made. */
  mount(path: string, node: Node): void {
    const above = path.slice(0, path.lastIndexOf('/'));
    if (above !== '') this.makeDirectory(above, true);
    const { parent, name } = this.#parentOf(path);
    parent.entries.set(name, node);
  }

  remove(path: string, recursive: boolean): void {
    const { parent, name } = this.#parentOf(path);
    const node = parent.entries.get(name);
    if (node === undefined) throw new FileError('No such file or directory');
    if (parent.readOnly) throw new FileError('Read-only file system');
    if (node.type === 'directory' && !recursive) throw new FileError('Is a directory');
    parent.entries.delete(name);
    this.#release(node);
  }

  #walk(path: string, followLast: boolean, links: number): Node | undefined {
    let node: Node = this.root;
    const parts = path.split('/').filter((part) => part !== '');
    for (let at = 0; at < parts.length; at++) {
      if (node.type !== 'directory') return undefined;
      const next: Node | undefined = node.entries.get(parts[at] as string);
      if (next === undefined) return undefined;
      if (next.type !== 'link' || (at === parts.length - 1 && !followLast)) {
        node = next;
        continue;
      }
      if (links >= linksMax) throw new FileError('Too many levels of symbolic links');
      const target = resolvePath(`/${parts.slice(0, at).join('/')}`, next.target);
      return this.#walk(`${target}/${parts.slice(at + 1).join('/')}`, followLast, links + 1);
    }
    return node;
  }

  #parentOf(path: string): { parent: DirectoryNode; name: string } {
    const at = path.lastIndexOf('/');
    const name = path.slice(at + 1);
    if (name === '') throw new FileError('Device or resource busy');
    return { parent: this.directory(path.slice(0, at)), name };
  }

  #reserve(bytes: number, nodes: number): void {
    const added = bytes + nodes * nodeBytes;
    if (this.#bytes + added > filesystemBytesMax || this.#nodes + nodes > nodesMax)
      throw new FileError('No space left on device');
    this.#bytes += added;
    this.#nodes += nodes;
  }

  #release(node: Node): void {
    this.#nodes--;
    this.#bytes -= nodeBytes + (node.type === 'file' ? node.bytes.length : 0);
    if (node.type === 'directory') for (const entry of node.entries.values()) this.#release(entry);
  }
}
