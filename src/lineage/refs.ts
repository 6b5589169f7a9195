/** Look-ups from ids of AWS and digests to what we know of them, written with the thing that they lead to. */

import { releaseLabel } from '../contracts/ids.ts';
import type {
  ArtifactItem,
  FleetItem,
  ImageItem,
  RefItem,
  ReleaseItem,
  UploadItem,
} from '../contracts/items.ts';

type Target = RefItem['toType'];

/** A look-up item. */
export function ref(id: string, toType: Target, to: string, at: string): RefItem {
  return { type: 'ref', id, toType, to, at };
}

/** `web/v7`, the id of a release wherever a text is wanted. */
export function releaseId(fleet: string, number: number): string {
  return `${fleet}/${releaseLabel(number)}`;
}

/** Each alarm that a fleet watches leads to the fleet. One that it watches no more still does: the spec decides. */
export function alarmRefs(fleet: Pick<FleetItem, 'fleet' | 'spec'>, at: string): RefItem[] {
  return fleet.spec.rollout.alarms.map(({ name }) => ref(`alarm/${name}`, 'fleet', fleet.fleet, at));
}

/** The artifact's digest leads to the uploads that brought it; the program's digest to the disk around it. */
export function artifactRefs(artifact: ArtifactItem, at: string): RefItem[] {
  return [
    ref(artifact.sha256, 'artifact', artifact.sha256, at),
    ...(artifact.programSha256 === undefined
      ? []
      : [ref(artifact.programSha256, 'artifact', artifact.sha256, at)]),
  ];
}

export function uploadRefs(upload: UploadItem & { readonly artifactSha256: string }, at: string): RefItem[] {
  return [ref(upload.artifactSha256, 'upload', upload.id, at)];
}

/** AMI, snapshot and artifact lead to the image. */
export function imageRefs(
  image: ImageItem & { readonly imageId: string; readonly snapshotId: string },
  at: string,
): RefItem[] {
  const { identity } = image;
  return [image.imageId, image.snapshotId, image.artifactSha256, identity].map((id) =>
    ref(id, 'image', identity, at),
  );
}

/** Image and AMI lead to the releases that run them. */
export function releaseRefs(release: ReleaseItem, at: string): RefItem[] {
  const to = releaseId(release.fleet, release.number);
  return [release.identity, release.imageId].map((id) => ref(id, 'release', to, at));
}
