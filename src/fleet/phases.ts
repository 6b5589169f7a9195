/** The phases of a rollout, in the words that `flotilla status` shows. A closed list: the table of orders rests on it. */
export const phases = {
  queued: 'queued',
  acquiring: 'waiting for the fleet',
  planning: 'planning',
  emptying: 'emptying the slot',
  launching: 'launching',
  checking: 'checking health',
  smoke: 'smoke test',
  shifting: 'shifting traffic',
  proving: 'proving traffic',
  baking: 'baking',
  approval: 'waiting for approval',
  paused: 'paused',
  promoting: 'promoting',
  undoing: 'rolling back',
  ended: 'ended',
} as const;

export type PhaseKey = keyof typeof phases;
export type Phase = (typeof phases)[PhaseKey];

const byWords = new Map<string, PhaseKey>(
  Object.entries(phases).map(([key, words]) => [words, key as PhaseKey]), // keys of the constant above
);

/** The key of a stored phase; undefined for words that are newer or older than this code. */
export function phaseKey(words: string): PhaseKey | undefined {
  return byWords.get(words);
}
