/** Names and numbers that identify things, with the rules for what may come from outside. */
import * as z from 'zod';

/**
 * A fleet's name: part of target group names (32 characters at most, with `-blue`/`-green` and a prefix
 * that leaves 20), S3 keys, DNS labels and execution names.
 */
export const fleetName = z
  .string()
  .regex(
    /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
    'lower-case letters, digits and single hyphens, starting with a letter',
  )
  .max(20);

export const slotColour = z.enum(['blue', 'green']);
export type SlotColour = z.infer<typeof slotColour>;

/** The other of the two fixed slots. */
export function otherSlot(slot: SlotColour): SlotColour {
  return slot === 'blue' ? 'green' : 'blue';
}

/** Hexadecimal SHA-256, 64 digits, lower case. */
export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

export const architecture = z.enum(['x86_64', 'arm64']);
export type Architecture = z.infer<typeof architecture>;

/**
 * How an image boots, in EC2's words.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-boot.html
 */
export const bootMode = z.enum(['legacy-bios', 'uefi', 'uefi-preferred']);
export type BootMode = z.infer<typeof bootMode>;

/** `v7`, as people write a release's number. */
export function releaseLabel(number: number): string {
  return `v${number}`;
}

/** `web-12`, the id of a fleet's twelfth rollout: `GET /rollouts/web-12`. */
export function rolloutId(fleet: string, number: number): string {
  return `${fleet}-${number}`;
}

/** The parts of a rollout's id, or undefined where it is none. */
export function parseRolloutId(id: string): { fleet: string; number: number } | undefined {
  const match = /^([a-z][a-z0-9-]*)-([1-9][0-9]*)$/.exec(id);
  const [, fleet, number] = match ?? [];
  if (fleet === undefined || number === undefined || !fleetName.safeParse(fleet).success) return undefined;
  return { fleet, number: Number(number) };
}
