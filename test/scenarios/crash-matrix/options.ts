/** Which part of a matrix is run. */
export interface Part {
  /** Cases whose words contain this. */
  readonly only: string;
  readonly from: number;
  /** So many of them; `Infinity` for all. */
  readonly cases: number;
  /** Each so many-th alone; 1 for all. */
  readonly every: number;
  readonly seed: number;
  readonly workers: number;
}

export function isWhole({ only, from, cases, every }: Part): boolean {
  return only === '' && from === 0 && cases === Number.POSITIVE_INFINITY && every === 1;
}
