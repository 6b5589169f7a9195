/**
 * The region's source of chance: seeded, so that a run can be repeated. Not for secrets; the keys that the
 * region issues guard nothing but a loopback port.
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Where it stands; set, it goes on from there. */
  get state(): number {
    return this.#state;
  }

  set state(state: number) {
    this.#state = state >>> 0;
  }

  /** A number in [0, 1): mulberry32, whose 2^32 states are ample for ids and jitter. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** An integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** `length` lower-case hexadecimal digits, as in AWS's resource ids (17 after the prefix). */
  hex(length: number): string {
    let text = '';
    while (text.length < length) text += this.integer(16).toString(16);
    return text;
  }

  /** A random (version 4) UUID. */
  uuid(): string {
    const h = this.hex(32);
    return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-${'89ab'[this.integer(4)]}${h.slice(17, 20)}-${h.slice(20)}`;
  }

  /** `length` characters from `alphabet`. */
  text(length: number, alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'): string {
    return Array.from({ length }, () => alphabet[this.integer(alphabet.length)]).join('');
  }
}
