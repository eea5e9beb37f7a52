/** The API machinery's public face: pure functions and data, no I/O beyond reading the generated tables. */
export * from './errors.ts';
export * from './field-errors.ts';
export type * from './generated/types.ts';
export { goJson, quote } from './go-text.ts';
export * from './hash.ts';
export * from './kinds/index.ts';
export * from './names.ts';
export * from './quantity.ts';
export * from './schema.ts';
export * from './selectors.ts';
export * from './time.ts';
