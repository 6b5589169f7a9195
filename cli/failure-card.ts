/** Why a rollout or an upload failed, cause first, as the person reads it. */
import type { OccupantView, RolloutDetailView, UploadView } from '../src/contracts/api-views.ts';

/** `v7 (ami-…) at 100 %` */
export function describeOccupant(occupant: OccupantView | null): string {
  if (occupant === null) return 'nothing';
  const image = occupant.imageId === undefined ? '' : ` (${occupant.imageId})`;
  return `v${occupant.release}${image} at ${occupant.weight} %`;
}

/** The page that the API made, or what is known of a rollout without one: it was superseded, or is of an older version. */
export function rolloutCard(rollout: RolloutDetailView): string[] {
  const { card, id, release, status, live, executionArn } = rollout;
  if (card !== null) return card.text.split('\n');
  return [
    `✗ ${id}: v${release} ${status}`,
    `  live now  ${describeOccupant(live)}`,
    `  more      ${executionArn}`,
  ];
}

function indented(margin: string, text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => `${margin}${line}`);
}

export function uploadCard(upload: UploadView): string[] {
  const { error, key, state } = upload;
  return [
    `✗ upload ${key} was ${state === 'failed' ? 'not built' : state}`,
    ...(error === undefined
      ? []
      : [
          `  cause     ${error.name}`,
          ...indented('            ', error.message),
          `  next      ${error.advice}`,
        ]),
    `  upload    ${upload.id}`,
    `  more      ${upload.executionArn}`,
  ];
}
