/** Whether a fleet's hooks can be asked: looked at before anything is launched, and not only when their moment comes. */
import type { Known } from './quotas.ts';

export interface SeenHook {
  readonly moment: 'before traffic' | 'after traffic';
  readonly arn: string;
  /** Null where there is no such function. */
  readonly tags: Known<Readonly<Record<string, string>> | null>;
}

/** The tag by which an operator lets a stack call a function; infra/roles/machines.yml asks for it. */
const hookTag = 'flotilla:hook';

/** What stands against the hooks, each with its cure; and what could not be looked at. */
export function judgeHooks(
  hooks: readonly SeenHook[],
  stack: string,
): { readonly reasons: readonly string[]; readonly notes: readonly string[] } {
  const reasons: string[] = [];
  const notes: string[] = [];
  for (const { moment, arn, tags } of hooks) {
    const which = `the hook ${moment}, ${arn},`;
    if (!tags.known) notes.push(`${which} was not looked at: ${tags.why}`);
    else if (tags.value === null)
      reasons.push(`${which} does not exist; make it, or apply the fleet without it`);
    else if (tags.value[hookTag] !== stack) {
      reasons.push(
        `${which} may not be called: aws lambda tag-resource --resource ${arn} --tags ${hookTag}=${stack}`,
      );
    }
  }
  return { reasons, notes };
}
