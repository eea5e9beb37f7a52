/** Webhooks of admission and conversion: this folder's public face. */
export { showAnswer, showCurrent, storedForm } from './conversion.ts';
export { callMutatingHooks, callValidatingHooks } from './dispatch.ts';
export { hooksFor, isExempt } from './hooks.ts';
export { createWebhookClient, type WebhookClient } from './https-client.ts';
