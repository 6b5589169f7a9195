/** Why a folder's state cannot be taken up; the message tells what to do. */
export class RegionStateError extends Error {
  readonly kind: 'in-use' | 'damaged' | 'version';

  constructor(kind: RegionStateError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegionStateError';
    this.kind = kind;
  }
}
