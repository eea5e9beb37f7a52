/** Whether the user may: everybody may until authorizers are configured. */
import type { Call } from '../call.ts';

export function authorize(_call: Call): void {}
