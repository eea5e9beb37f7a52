/**
 * Tokens that a service elsewhere knows: it is sent a TokenReview and its answer is kept for a while.
 * @see staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/webhook/webhook.go
 */
import type { Clock } from '../../../src/runtime/index.ts';
import { messageOf } from '../failures.ts';
import type { TokenWebhookOption } from '../options.ts';
import { postJson } from '../remote/post.ts';
import { RememberedAnswers } from '../remote/remembered.ts';
import { type Attempt, shared, type TokenAuthenticator } from './types.ts';

interface ReviewStatus {
  readonly authenticated?: boolean;
  readonly error?: string;
  readonly audiences?: readonly string[] | null;
  readonly user?: {
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[] | null;
    readonly extra?: Readonly<Record<string, readonly string[]>> | null;
  };
}

export function createTokenWebhook(
  option: TokenWebhookOption,
  clock: Clock,
  apiAudiences: readonly string[],
): TokenAuthenticator {
  const answers = new RememberedAnswers<Attempt>(clock);

  async function ask(token: string, asked: readonly string[]): Promise<Attempt> {
    const apiVersion = `authentication.k8s.io/${option.version}`;
    const review = {
      kind: 'TokenReview',
      apiVersion,
      metadata: {},
      spec: { token, audiences: asked },
      status: { user: {} },
    };
    const { status } = (await postJson(option.endpoint, review, clock)) as { status?: ReviewStatus };
    if (status?.authenticated !== true) {
      return status?.error === undefined || status.error === '' ? undefined : { error: status.error };
    }
    const stated = status.audiences ?? [];
    const audiences = stated.length === 0 ? shared(asked, apiAudiences) : shared(stated, asked);
    checkUser(status.user);
    // A service that knows nothing of audiences vouches for this server's own alone.
    if (audiences.length === 0) return undefined;
    const { username = '', uid, groups, extra } = status.user ?? {};
    const user = {
      user: username,
      ...(uid === undefined || uid === '' ? {} : { uid }),
      groups: groups ?? [],
      ...(extra === undefined || extra === null ? {} : { extra }),
    };
    return { user, audiences };
  }

  return {
    authenticate(token, wanted) {
      const asked = wanted ?? apiAudiences;
      const key = `${token.digest} ${JSON.stringify(asked)}`;
      const answer = answers.get(
        key,
        () => option.cacheTtlMs,
        () => ask(token.text, asked),
      );
      // A service that is away says nothing of the token: the next request asks again.
      return answer instanceof Promise ? answer.catch((error: unknown) => ({ error: messageOf(error) })) : answer;
    },
  };
}

/** What is no list of texts must not become a group by accident. @throws Error */
function checkUser(user: unknown): void {
  const isRecord = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  const isTexts = (value: unknown) =>
    value === undefined || value === null || (Array.isArray(value) && value.every((item) => typeof item === 'string'));
  const isText = (value: unknown) => value === undefined || typeof value === 'string';
  if (user === undefined || user === null) return;
  const { username, uid, groups, extra } = user as Record<string, unknown>;
  const isExtra =
    extra === undefined || extra === null || (isRecord(extra) && Object.values(extra as object).every(isTexts));
  if (isRecord(user) && isText(username) && isText(uid) && isTexts(groups) && isExtra) return;
  throw new Error('the answer of the webhook is no TokenReview');
}
