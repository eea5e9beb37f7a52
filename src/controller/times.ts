/** Times of API objects: RFC 3339 in seconds or microseconds, from and to milliseconds since the epoch. */

/** As metav1.Time is written: whole seconds. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** As metav1.MicroTime is written. */
export function microTimeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}

/** Zero for an absent time. */
export function timeMs(text: string | undefined | null): number {
  return text === undefined || text === null ? 0 : Date.parse(text);
}
