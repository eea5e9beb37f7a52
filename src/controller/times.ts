/** Times of API objects as milliseconds since the epoch, and back in the precision that upstream writes. */
export { formatMicroTime as microTimeText, formatTime as timeText } from '../api/index.ts';

/** Zero for an absent time. */
export function timeMs(text: string | undefined | null): number {
  return text === undefined || text === null ? 0 : Date.parse(text);
}
