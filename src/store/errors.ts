/**
 * The errors of the store. Each has a `code` to tell it by and plain-data `details`, so that it crosses a link and is the same
 * on the other side. A lost race is none of these: it is a value (see TxnResult). Texts that etcd has too are etcd's.
 */

export type StoreErrorCode =
  | 'Compacted'
  | 'FutureRevision'
  | 'LeaseNotFound'
  | 'LeaseExists'
  | 'InvalidRequest'
  | 'RequestTooLarge'
  | 'Overloaded'
  | 'Closed'
  | 'InUse'
  | 'Corrupt'
  | 'Failed';

/** What an error carries beyond its text. */
export interface StoreErrorDetails {
  readonly compactRevision?: number;
  readonly revision?: number;
  readonly lease?: number;
  readonly directory?: string;
}

/** Any failure that the store reports on purpose. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  readonly details: StoreErrorDetails;

  constructor(code: StoreErrorCode, message: string, details: StoreErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = `${code}Error`;
    this.code = code;
    this.details = details;
  }
}

/** The wanted revision was compacted away; `compactRevision` is the oldest that can be read. */
export class CompactedError extends StoreError {
  readonly compactRevision: number;

  constructor(compactRevision: number) {
    super('Compacted', 'mvcc: required revision has been compacted', { compactRevision });
    this.compactRevision = compactRevision;
  }
}

/** The wanted revision does not exist yet; `revision` is the newest. */
export class FutureRevisionError extends StoreError {
  constructor(revision: number) {
    super('FutureRevision', 'mvcc: required revision is a future revision', { revision });
  }
}

export class LeaseNotFoundError extends StoreError {
  constructor(lease: number) {
    super('LeaseNotFound', 'requested lease not found', { lease });
  }
}

export class LeaseExistsError extends StoreError {
  constructor(lease: number) {
    super('LeaseExists', 'lease already exists', { lease });
  }
}

/** The request makes no sense, such as one key written twice in a transaction. */
export class InvalidRequestError extends StoreError {
  constructor(message: string) {
    super('InvalidRequest', message);
  }
}

export class RequestTooLargeError extends StoreError {
  constructor() {
    super('RequestTooLarge', 'etcdserver: request is too large');
  }
}

/** More writes wait for the disk than the store's bound allows. Nothing was done: try again later. */
export class StoreOverloadedError extends StoreError {
  constructor() {
    super('Overloaded', 'etcdserver: too many requests');
  }
}

export class StoreClosedError extends StoreError {
  constructor() {
    super('Closed', 'the store is closed');
  }
}

/** Another store, here or in another process, has the directory open. */
export class StoreInUseError extends StoreError {
  constructor(directory: string, options?: ErrorOptions) {
    super(
      'InUse',
      `the data directory ${directory} is in use by another store; stop that one first, or choose another directory`,
      { directory },
      options,
    );
  }
}

/** A directory or snapshot file whose contents are not a store's, or not whole. */
export class StoreCorruptError extends StoreError {
  constructor(message: string, options?: ErrorOptions) {
    super('Corrupt', message, {}, options);
  }
}

/** The log could not be written. Nothing that waited is acknowledged and the store stops: open it anew. */
export class StoreFailedError extends StoreError {
  constructor(cause: unknown) {
    super(
      'Failed',
      `the log could not be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      {},
      { cause },
    );
  }
}

/** Whether this is an error of the store, of that code when one is given. */
export function isStoreError(error: unknown, code?: StoreErrorCode): error is StoreError {
  return error instanceof StoreError && (code === undefined || error.code === code);
}

/** Makes the error again from what crossed a link. */
export function storeErrorFrom(code: StoreErrorCode, message: string, details: StoreErrorDetails): StoreError {
  switch (code) {
    case 'Compacted':
      return new CompactedError(details.compactRevision ?? 0);
    case 'FutureRevision':
      return new FutureRevisionError(details.revision ?? 0);
    case 'LeaseNotFound':
      return new LeaseNotFoundError(details.lease ?? 0);
    case 'LeaseExists':
      return new LeaseExistsError(details.lease ?? 0);
    case 'InvalidRequest':
      return new InvalidRequestError(message);
    case 'RequestTooLarge':
      return new RequestTooLargeError();
    case 'Overloaded':
      return new StoreOverloadedError();
    case 'Closed':
      return new StoreClosedError();
    default:
      return new StoreError(code, message, details);
  }
}
