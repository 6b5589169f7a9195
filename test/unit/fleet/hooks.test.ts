import { describe, expect, it } from 'vitest';
import { judgeHooks, type SeenHook } from '../../../src/fleet/hooks.ts';

describe('a hook, before the rollout begins,', () => {
  const arn = 'arn:aws:lambda:eu-west-1:000000000000:function:ask';
  const seen = (tags: SeenHook['tags']): SeenHook => ({ moment: 'before traffic', arn, tags });
  const judged = (tags: SeenHook['tags']) => judgeHooks([seen(tags)], 'flotilla');

  it('that carries the tag of the stack is good', () => {
    expect(judged({ known: true, value: { 'flotilla:hook': 'flotilla', team: 'a' } })).toEqual({
      reasons: [],
      notes: [],
    });
  });

  it.each([{}, { 'flotilla:hook': 'another' }, { 'flotilla:fleet': 'flotilla' }])(
    'is refused with %j',
    (value) => {
      expect(judged({ known: true, value })).toEqual({
        reasons: [
          `the hook before traffic, ${arn}, may not be called: aws lambda tag-resource --resource ${arn} --tags flotilla:hook=flotilla`,
        ],
        notes: [],
      });
    },
  );

  it('is refused where it does not exist', () => {
    expect(judged({ known: true, value: null }).reasons).toEqual([
      `the hook before traffic, ${arn}, does not exist; make it, or apply the fleet without it`,
    ]);
  });

  it('that cannot be looked at refuses nothing, and is told', () => {
    expect(judged({ known: false, why: 'AccessDeniedException: no' })).toEqual({
      reasons: [],
      notes: [`the hook before traffic, ${arn}, was not looked at: AccessDeniedException: no`],
    });
  });

  it('is one of several: each is judged', () => {
    const after = { ...seen({ known: true, value: null }), moment: 'after traffic' as const };
    expect(judgeHooks([seen({ known: true, value: {} }), after], 'flotilla').reasons).toHaveLength(2);
  });
});
