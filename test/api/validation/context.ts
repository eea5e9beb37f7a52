/** What tests of validation share: what strategies ask of the server (a fixed time and no chance), and the errors of one object. */
import { type ApiObject, fieldErrorText, type StrategyContext } from '../../../src/api/index.ts';
import { validationOf } from '../../../src/api/validation/index.ts';

export function contextOf(): StrategyContext {
  return {
    now: '2026-01-02T03:04:05Z',
    nowMs: Date.parse('2026-01-02T03:04:05Z'),
    uuid: () => '00000000-0000-4000-8000-000000000000',
    suffix: (length) => 'x'.repeat(length),
    dryRun: false,
  };
}

/** An object without its metadata, which the tests give. */
export type Body = Record<string, unknown>;

/** What validation says of an object of that definition, `core.v1.Pod`; of an update when there is a previous one. */
export function errorsOf(
  definition: string,
  body: Body,
  previous?: Body,
  settings: Partial<StrategyContext> = {},
): string[] {
  const validation = validationOf(definition.startsWith('io.') ? definition : `io.k8s.api.${definition}`)!;
  const context = { ...contextOf(), ...settings };
  const whole = (part: Body): ApiObject =>
    ({ metadata: { name: 'x', namespace: 'n' }, ...part }) as unknown as ApiObject;
  const errors =
    previous === undefined
      ? validation.validate!(whole(body), context)
      : validation.validateUpdate!(whole(body), whole(previous), context);
  return errors.map(fieldErrorText);
}
