/** A smoke boot's decisions: who needs one, where it is tried, and what an answer is worth. */
import type { FleetSpec } from '../contracts/fleet-spec.ts';
import type { BootPlace, BootQuestion, ImageItem } from '../contracts/items.ts';

/** What a fleet asks of an instance of its images. */
export function bootQuestionOf({ port, healthCheck }: FleetSpec): BootQuestion {
  return { port, path: healthCheck.path, statusCodes: healthCheck.statusCodes };
}

/**
 * Whether the image must still boot for this fleet: it asks for that, and no instance of the image has answered the
 * same question yet, whoever asked it.
 */
export function needsBoot(spec: FleetSpec, image: Pick<ImageItem, 'boots'> | undefined): boolean {
  if (spec.image.smokeBoot === undefined) return false;
  const wanted = bootQuestionOf(spec);
  return !(image?.boots ?? []).some(
    ({ port, path, statusCodes }) =>
      port === wanted.port && path === wanted.path && statusCodes === wanted.statusCodes,
  );
}

/** RunInstances calls: EC2 takes five at once and two a second, and others launch too. */
const mostPlaces = 12;

/**
 * Where the one instance is tried, in order: every type in every subnet as Spot, where that is wanted, then all of
 * them On-Demand. Of more than twelve places the last of each market go, so that both are tried.
 */
export function bootPlaces(spec: FleetSpec, subnets: readonly string[]): BootPlace[] {
  const markets = spec.image.smokeBoot?.spot === false ? ['on-demand'] : ['spot', 'on-demand'];
  return (markets as BootPlace['market'][]).flatMap((market) =>
    spec.instances.types
      .flatMap((instanceType) => subnets.map((subnetId) => ({ market, instanceType, subnetId })))
      .slice(0, mostPlaces / markets.length),
  );
}

/** As a target group matches them: `200`, `200,204` or `200-299`. */
export function matchesStatus(statusCodes: string, status: number): boolean {
  return statusCodes.split(',').some((range) => {
    const [low = Number.NaN, high = low] = range.split('-').map(Number);
    return status >= low && status <= high;
  });
}
