/** A part of a policy that the region cannot judge, named: the document is refused, and what asks it denied. */
export class NotUnderstood extends Error {
  override readonly name = 'NotUnderstood';
  /** As in `the condition key aws:SourceIp`. */
  readonly part: string;

  constructor(part: string) {
    super(`The local region does not understand ${part} in a policy`);
    this.part = part;
  }
}
