import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readMachines } from '../../infra/drawing/machine.ts';
import { machinesPage } from '../../infra/drawing/page.ts';

const machines = readMachines(fileURLToPath(new URL('../../statemachines', import.meta.url)));
const page = readFileSync(new URL('../../docs/machines.md', import.meta.url), 'utf8');

describe('docs/machines.md', () => {
  it('draws the machines as they are defined (node infra/drawing/write-page.ts writes it)', () => {
    expect(page).toBe(machinesPage(machines));
  });

  it.each(machines)('draws every state of $name', ({ name, States }) => {
    const section = page.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? '';
    const pictures = section.slice(0, section.indexOf('| state |'));
    for (const state of Object.keys(States)) expect(pictures).toMatch(new RegExp(`["<>\\n]${state}["<]`));
  });
});

describe('a picture', () => {
  const drawn = machinesPage([
    {
      name: 'small',
      Comment: 'Does a thing.',
      StartAt: 'Ask',
      States: {
        Ask: { Type: 'Task', Next: 'Well', Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Undo' }] },
        Well: {
          Type: 'Choice',
          Choices: [{ Condition: '{% $states.input.answer = "yes" %}', Next: 'Good' }],
          Default: 'Again',
        },
        Again: { Type: 'Task', Next: 'Good', Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Undo' }] },
        Good: { Type: 'Succeed' },
        Undo: { Type: 'Task', Next: 'Bad', Comment: 'Look\n  there | here.' },
        Bad: { Type: 'Fail' },
      },
    },
  ]);

  it('shows the way when nothing fails, with conditions in words', () => {
    expect(drawn).toContain(`s1 -->|"answer = 'yes'"| s2`);
    expect(drawn).toContain('s1 -->|"otherwise"| s3');
  });

  it('draws states whose errors lead to the same places as one, and goes on from there', () => {
    expect(drawn).toContain('s0["Ask<br>Again"]');
    expect(drawn).toContain('s0 -->|"any error"| s1');
    expect(drawn).toContain('s1 --> s2');
  });

  it('says in one line what an operator should know', () => {
    expect(drawn).toContain('| Undo | Look there \\| here. |');
  });
});
