import { describe, expect, it } from 'vitest';
import { allowedWhileHeld, isMadeAnew } from '../../../src/fleet/fixed-parts.ts';

describe('the parts of a fleet that is held', () => {
  const condition = { hosts: ['web.example.com'], paths: [] };
  const other = { hosts: ['new.example.com'], paths: [] };
  const lost = { do: 'create-rule', priority: 1000 } as const;

  it('may be left as they are, whatever the condition', () => {
    expect(allowedWhileHeld([], condition, other)).toBe(true);
  });
  it('get the rule anew that is gone, with the condition that it had', () => {
    expect(allowedWhileHeld([lost], condition, { ...condition })).toBe(true);
    expect(allowedWhileHeld([lost], condition, other)).toBe(false);
  });
  it('get nothing else', () => {
    const more = [
      { do: 'create-template', name: 'flt-web' },
      { do: 'create-target-group', slot: 'blue', name: 'flt-web-blue' },
      { do: 'change-health-check', slot: 'blue', arn: 'arn:blue' },
      { do: 'change-drain', slot: 'blue', arn: 'arn:blue' },
      { do: 'change-rule', arn: 'arn:rule' },
    ] as const;
    for (const action of more) {
      expect(allowedWhileHeld([action], condition, condition), action.do).toBe(false);
      expect(allowedWhileHeld([action, lost], condition, condition), action.do).toBe(false);
    }
  });
});

it('a group is known to be made anew by the rollout in its tags', () => {
  expect(isMadeAnew({ name: 'flt-web-v1-r1', rollout: 1 })).toBe(false);
  expect(isMadeAnew({ name: 'flt-web-v1-r1', rollout: 2 })).toBe(true);
  expect(isMadeAnew({ name: 'flt-web-v1-r11', rollout: 1 })).toBe(true);
});
