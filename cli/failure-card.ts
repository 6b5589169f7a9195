/** Why a rollout or an upload failed, cause first, as the person reads it. */
import type { OccupantView, RolloutDetailView, UploadView } from '../src/contracts/api-views.ts';

/** Lines of the console that are shown; the API has more. */
const consoleLinesShown = 12;

function texts(value: unknown): string[] {
  if (typeof value === 'string') return value.split('\n');
  if (Array.isArray(value)) return value.map(String);
  return [];
}

/** `v7 (ami-…) at 100 %` */
export function describeOccupant(occupant: OccupantView | null): string {
  if (occupant === null) return 'nothing';
  const image = occupant.imageId === undefined ? '' : ` (${occupant.imageId})`;
  return `v${occupant.release}${image} at ${occupant.weight} %`;
}

export function rolloutCard(rollout: RolloutDetailView): string[] {
  const { error, id, release, status, live } = rollout;
  const details = error?.details ?? {};
  const instance = typeof details.instance === 'string' ? details.instance : undefined;
  const console = texts(details.console)
    .filter((line) => line.trim() !== '')
    .slice(-consoleLinesShown);
  return [
    `✗ ${id} (v${release}) ${status === 'needs-attention' ? 'needs attention' : status}`,
    ...(error === undefined
      ? []
      : [`  cause     ${error.title} (${error.name})`, ...indented('            ', parts(error.message))]),
    ...(instance === undefined ? [] : [`  instance  ${instance}`]),
    ...console.map((line, index) => `  ${index === 0 ? 'console ' : '        '}  | ${line}`),
    `  live now  ${describeOccupant(live)}`,
    ...(error === undefined ? [] : [`  next      ${error.advice}`]),
    `  more      ${rollout.executionArn}`,
  ];
}

/** The control plane joins reasons to one sentence, as logs want it; a person reads them one a line. */
function parts(message: string): string {
  const reasons = message.split('; ');
  return reasons.length === 1 ? message : reasons.join('\n').replace(/\.$/, '');
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
