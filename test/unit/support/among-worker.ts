import { answerShares } from '../../support/among.ts';

/** Answers what it was given; but a share that says so waits for what never comes. */
answerShares((share: { readonly waits: boolean; readonly number: number }) =>
  share.waits ? new Promise(() => {}) : Promise.resolve(share.number),
);
