/** Reading integers from text as Go does, with its words for what is wrong. Query parameters and annotations hold such text. */
import { quote } from './go-text.ts';

export type ParsedInteger = { readonly value: bigint } | { readonly error: string };

/** A decimal integer of 64 bits with or without a sign. */
export function parseInt64(text: string): ParsedInteger {
  const parsing = `strconv.ParseInt: parsing ${quote(text)}`;
  if (!/^[-+]?\d+$/.test(text)) return { error: `${parsing}: invalid syntax` };
  const value = BigInt(text.replace('+', ''));
  return BigInt.asIntN(64, value) === value ? { value } : { error: `${parsing}: value out of range` };
}
