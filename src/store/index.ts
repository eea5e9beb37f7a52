/** The public face of the store: its contract, its errors, and the ways to open one. */
export * from './errors.ts';
export type * from './types.ts';
