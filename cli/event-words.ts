/** Lineage's events in the words of somebody who watches a deploy. What only operators need stands in the API. */
import type { EventView } from '../src/contracts/api-views.ts';

type Data = EventView['data'];

/** Characters of a value that is shown as it is. */
const valueCharacters = 80;

function text(value: unknown): string {
  return ['string', 'number', 'boolean'].includes(typeof value)
    ? String(value).replaceAll(/\s+/g, ' ').slice(0, valueCharacters)
    : '?';
}

function counted(value: unknown, one: string, many = `${one}s`): string {
  return `${text(value)} ${value === 1 ? one : many}`;
}

function megabytes(value: unknown): string {
  return typeof value === 'number' ? `${(value / 1_000_000).toFixed(1)} MB` : '?';
}

/** `10 % for 60 s, then 100 % until approved` */
export function steps(value: unknown): string {
  if (!Array.isArray(value)) return '?';
  return value
    .map(({ weight, bakeSeconds, approval }: Record<string, unknown>) => {
      const bake = typeof bakeSeconds === 'number' && bakeSeconds > 0 ? ` for ${bakeSeconds} s` : '';
      return `${text(weight)} %${bake}${approval === true ? ' until approved' : ''}`;
    })
    .join(', then ');
}

function because({ reason }: Data): string {
  return reason === undefined || reason === '' ? '' : `: ${text(reason)}`;
}

/** What is known of the requests under the weights before, where it was asked and told. */
function afterArrival({ provenBefore }: Data): string {
  const { requests } = (provenBefore ?? {}) as { readonly requests?: Record<string, unknown> };
  const { candidate, live } = requests ?? {};
  if (typeof candidate !== 'number' || typeof live !== 'number') return '';
  return `, now that ${candidate} of ${candidate + live} requests came to it`;
}

function noted(notes: unknown): string[] {
  return Array.isArray(notes) ? notes.map(text) : [];
}

/** An event's sentence; undefined for what is the control plane's own book-keeping. */
const sentences: Readonly<Record<string, (data: Data) => string | undefined>> = {
  'upload-received': (data) => `upload received, ${megabytes(data.sizeBytes)}`,
  'upload-accepted': () => 'program recognised, making its image',
  'upload-deploying': (data) => `image ${text(data.imageId)} stands; it is release v${text(data.release)}`,
  'upload-live': () => 'it is live',
  'upload-rolled-back': () => 'its rollout failed and was rolled back',
  'upload-aborted': () => 'its rollout was aborted',
  'upload-built': (data) => `image ${text(data.imageId)} stands`,
  'upload-superseded': () => 'a newer upload goes first',
  'upload-rejected': () => 'upload rejected',
  'upload-failed': () => 'the image could not be made',

  'rollout-requested': () => undefined,
  'rollout-began': (data) => `v${text(data.release)} has the fleet to itself`,
  'rollout-planned': (data) =>
    [`planned for slot ${text(data.slot)}: ${steps(data.steps)}`, ...noted(data.notes)].join('; '),
  'rollout-superseded': (data) => `rollout ${text(data.by)} takes its place`,
  'live-pinned': () => 'live is held at its size meanwhile',
  'candidate-launched': (data) =>
    data.way === 'warm'
      ? `v${text(data.release)} is taken up while it is still warm`
      : `v${text(data.release)} starts, ${counted(data.desired, 'instance')}; waiting until healthy`,
  'candidate-healthy': (data) =>
    `healthy: ${text(data.healthy)} of ${counted(data.wanted, 'instance')}, after ${text(data.seconds)} s`,
  'candidate-grown': (data) =>
    `grows from ${text(data.from)} to ${counted(data.to, 'instance')} for ${text(data.share)} % of the traffic`,
  'test-traffic-allowed': (data) => `the test listener is led to ${text(data.slot)}`,
  'test-traffic-proven': () => 'the test listener leads to it',
  'test-traffic-closed': (data) =>
    data.byHand === true
      ? 'the test listener stays as somebody else led it'
      : 'the test listener leads to nobody again',
  'candidate-smoke-tested': (data) => `smoke test passed: ${text(data.path)} answered ${text(data.status)}`,
  'traffic-shifted': (data) => `${text(data.share)} % of the traffic goes to it${afterArrival(data)}`,
  'gate-entered': (data) =>
    data.waitsFor === 'approval'
      ? 'waiting for approval'
      : data.waitsFor === 'resume'
        ? 'paused: the weights stay until it is resumed'
        : `watching it for ${text(data.seconds)} s`,
  'order-given': (data) => `order to ${text(data.verb)}${because(data)}`,
  'release-promoted': (data) => `v${text(data.release)} is promoted${afterArrival(data)}`,
  'release-retiring': (data) => `v${text(data.release)} makes room`,
  'rollback-began': () => 'going back: all traffic to live, then the candidate leaves',
  'live-made-anew': (data) =>
    `the group of live, ${text(data.groupName)}, is gone; it is made anew with ${counted(data.desired, 'instance')}`,
  'weights-restored': () => 'live has all of the traffic again',
  'release-kept-warm': (data) => `v${text(data.release)} is warm again`,
  'rollback-ended': () => 'nothing of the candidate is left',
  unpinned: () => undefined,
  'recovery-began': (data) => `the execution ended (${text(data.ended)}); recovery takes over`,
  // The card that follows says why, and what is live.
  'rollout-failed': () => undefined,
  'rollout-needs-attention': () => 'going back did not finish; it is tried again every minute',
  'rollout-succeeded': () => undefined,
  'fleet-freed': () => undefined,
};

/** What to show of an event; undefined where there is nothing to show. Kinds unknown here are named as they are. */
export function eventWords({ kind, data }: Pick<EventView, 'kind' | 'data'>): string | undefined {
  const sentence = Object.hasOwn(sentences, kind) ? sentences[kind] : undefined;
  return sentence === undefined ? kind.replaceAll('-', ' ') : sentence(data);
}
