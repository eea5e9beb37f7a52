/**
 * Which of its webhooks or policies a mutating plugin asks in the second run: those that want to be asked again and after which
 * the object has changed, in the first run by a later one of the same plugin, or since then by another plugin.
 * @see staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/reinvocationcontext.go
 */
import type { Attributes } from '../admission/plugin.ts';

export class Rounds {
  /** Those that want to be asked again, and were asked since the object last changed. */
  private readonly asked = new Set<string>();
  /** Those of them that the second run asks. */
  private readonly due = new Set<string>();
  /** The object after the first run. */
  private output = '';

  /** Starts a run of the plugin, the first or the second. */
  static begin(plugin: string, attributes: Attributes): Rounds {
    const { second, memory } = attributes.reinvocation;
    const known = memory.get(plugin) as Rounds | undefined;
    const rounds = known ?? new Rounds();
    if (known === undefined) memory.set(plugin, rounds);
    if (second && rounds.output !== outputOf(attributes)) rounds.askAgain();
    return rounds;
  }

  skips(id: string, { reinvocation }: Attributes): boolean {
    return reinvocation.second && !this.due.has(id);
  }

  /** One was asked, and has `changed` the object or not. */
  note(id: string, wantsAgain: boolean, changed: boolean, { reinvocation }: Attributes): void {
    if (changed) {
      this.askAgain();
      reinvocation.needed = true;
    }
    if (wantsAgain) this.asked.add(id);
  }

  end(attributes: Attributes): void {
    this.output = outputOf(attributes);
  }

  private askAgain(): void {
    for (const id of this.asked) this.due.add(id);
    this.asked.clear();
  }
}

function outputOf({ object, call }: Attributes): string {
  return JSON.stringify(call.part ?? object ?? null);
}
