/**
 * Every error that crosses a boundary: a state machine may catch it, the API may answer with it, the
 * person who uploaded may read it.
 *
 * The `name` is an API. It is a string literal and never derived from a class name, because a bundler
 * may rename classes and Step Functions matches `Catch` and `Retry` against the literal.
 */

/** Ids that an operator would paste into the console, and values that explain the failure. */
export type ErrorDetails = Readonly<
  Record<string, string | number | boolean | readonly string[] | readonly object[] | undefined>
>;

/** What the table of {@link errorCatalogue} says of one error name. */
interface ErrorKind {
  /** HTTP status of the problem document (RFC 9457) when the API answers with this error. */
  readonly status: number;
  /** Short title of the problem; the same for each occurrence. */
  readonly title: string;
  /** What the reader should do next: one sentence, in the imperative. */
  readonly advice: string;
}

/**
 * The closed list of error names with their meaning.
 *
 * Uploads that cannot become an image end in one of the `Artifact…` or `Disk…` names; rollouts end in
 * one of the others.
 */
export const errorCatalogue = {
  // What was uploaded
  UploadKeyInvalid: {
    status: 400,
    title: 'The key names no fleet',
    advice: 'Upload under <fleet>/<name>, for example web/hello.',
  },
  UploadGone: { status: 404, title: 'The uploaded object is gone', advice: 'Upload the file again.' },
  UploadEnded: {
    status: 409,
    title: 'The upload has ended',
    advice: 'Upload the file again; an execution of an upload that has ended is not redriven.',
  },
  FleetNotFound: {
    status: 404,
    title: 'There is no such fleet',
    advice: 'Create it first: flotilla fleet apply FILE, or PUT /fleets/{fleet}.',
  },
  ArtifactEmpty: {
    status: 422,
    title: 'The uploaded file is empty',
    advice: 'Upload the built binary; check that the build wrote it.',
  },
  ArtifactNotRecognised: {
    status: 422,
    title: 'Neither a Go ELF nor a Nanos disk',
    advice:
      'Upload a static Linux ELF built by Go (CGO_ENABLED=0 GOOS=linux go build), or a raw disk image built by Ops.',
  },
  ArtifactDynamicallyLinked: {
    status: 422,
    title: 'The ELF wants a dynamic linker',
    advice: 'Build it statically: CGO_ENABLED=0 go build.',
  },
  ArtifactNot64Bit: {
    status: 422,
    title: 'The ELF is not a 64-bit program',
    advice: 'Build it with GOARCH=amd64 (or arm64).',
  },
  ArtifactNotExecutable: {
    status: 422,
    title: 'The ELF is not an executable for Linux',
    advice: 'Upload the linked program (GOOS=linux), not an object file or a library.',
  },
  ArtifactNotGo: {
    status: 422,
    title: 'The ELF holds no Go build information',
    advice: 'Build the program with Go 1.18 or later, and do not remove the section .go.buildinfo.',
  },
  ArtifactArchitectureMismatch: {
    status: 422,
    title: 'The fleet does not run this architecture',
    advice: "Build for the architecture of the fleet's instance types, or change the fleet's spec.",
  },
  ArtifactTooLarge: {
    status: 422,
    title: 'The artifact is larger than a volume of the fleet',
    advice: "Make it smaller, or raise image.volumeSizeGiB in the fleet's spec.",
  },
  ArtifactTooLargeToCopy: {
    status: 422,
    title: 'S3 copies nothing as large at once',
    advice: 'Upload the file again, under the fleet that is to run it.',
  },
  ArtifactCopyUnderWay: {
    status: 504,
    title: 'S3 has not said that the artifact is copied',
    advice:
      'Look for the upload in GET /uploads; send the request again only where none came within a few minutes.',
  },
  ArtifactTooSlow: {
    status: 422,
    title: 'The artifact could not be read in the time that a function has',
    advice:
      'Make it smaller; a disk of some dozen GiB is read in time. Keep data on volumes of their own. If it is small, upload it again.',
  },
  ArtifactMalformed: {
    status: 422,
    title: 'The ELF contradicts itself',
    advice: 'Build and upload it again; it may have been cut short.',
  },
  DiskTruncated: {
    status: 422,
    title: 'The disk image ends before its partitions do',
    advice: 'Upload the whole image file again.',
  },
  DiskNotNanos: {
    status: 422,
    title: 'A disk, but not one of Nanos',
    advice: 'Build the image with Ops (ops build), or upload the program itself.',
  },
  DiskMalformed: {
    status: 422,
    title: 'The file system on the disk contradicts itself',
    advice: 'Build the image again with Ops, and upload it whole.',
  },
  // Making the image
  KernelNotFound: {
    status: 409,
    title: 'The kernel bundle is not in the store',
    advice: 'Add one: flotilla kernel add ~/.ops/<version>, or name another version in image.kernel.',
  },
  KernelInvalid: {
    status: 422,
    title: 'The kernel bundle is not usable',
    advice:
      'Take the files of an Ops release: kernel.img with boot.img (x86-64) or bootaa64.efi (arm64), and bootx64.efi for UEFI.',
  },
  KernelStandIn: {
    status: 409,
    title: 'The stand-in kernel runs in a local region only',
    advice: 'Add a real kernel bundle: flotilla kernel add ~/.ops/<version>.',
  },
  ManifestInvalid: {
    status: 422,
    title: 'The manifest cannot be written',
    advice: "Correct image in the fleet's spec: its arguments, environment, files or klibs.",
  },
  ImageBuildPending: {
    status: 409,
    title: 'Another execution builds this image',
    advice: 'Nothing: this build waits, and adopts what the other one makes.',
  },
  ImageBuildFailed: {
    status: 500,
    title: 'The image could not be made',
    advice: 'Read the cause; upload again to try again.',
  },
  SnapshotFailed: {
    status: 502,
    title: 'The snapshot could not be made',
    advice: 'Upload again; if it repeats, look at the snapshot in the EC2 console.',
  },
  SnapshotDiffers: {
    status: 500,
    title: 'The snapshot does not hold what was built',
    advice: 'Do not launch it; upload again to build it anew.',
  },
  SnapshotTimeout: {
    status: 504,
    title: 'The snapshot did not complete in time',
    advice: 'Upload again; if it repeats, look at the AWS health dashboard.',
  },
  ImageTimeout: {
    status: 504,
    title: 'The AMI did not become available in time',
    advice: 'Upload again; if it repeats, look at the AMI in the EC2 console.',
  },
  SmokeBootFailed: {
    status: 422,
    title: 'An instance of the image did not become healthy',
    advice:
      'Read the reason and what the instance wrote last; mend the program or its health check, and upload again.',
  },
  ImageVetoed: { status: 409, title: 'The image has been vetoed', advice: 'Deploy another release.' },
  ImageUnverifiable: {
    status: 409,
    title: 'What the image should hold is not known for certain',
    advice: 'Find out who wrote to the store bucket, and build the image anew.',
  },
  // Rollouts
  SpecInvalid: {
    status: 422,
    title: "The fleet's spec is not valid",
    advice: 'Correct the fields named in the details.',
  },
  RuleConflict: {
    status: 409,
    title: "The rule's condition overlaps another fleet's",
    advice: 'Choose another host or path, or remove the other fleet.',
  },
  FleetInUse: {
    status: 409,
    title: 'The fleet still serves, or a rollout holds it',
    advice: 'Wait for the rollout to end; to remove a serving fleet, say so with force.',
  },
  ReleaseNotFound: {
    status: 404,
    title: 'There is no such release',
    advice: 'List them: flotilla releases --fleet NAME.',
  },
  ArtifactNotFound: { status: 404, title: 'There is no such artifact', advice: 'Upload it first.' },
  ImageNotFound: {
    status: 404,
    title: 'There is no such image',
    advice: "List the fleet's releases, or upload the artifact again.",
  },
  RolloutNotFound: {
    status: 404,
    title: 'There is no such rollout',
    advice: 'List them: flotilla status --fleet NAME.',
  },
  LineageNotFound: {
    status: 404,
    title: 'Nothing is known under this id',
    advice: 'Give an AMI, snapshot, instance, digest, release (fleet/v7) or rollout.',
  },
  UploadNotFound: { status: 404, title: 'There is no such upload', advice: 'List them: GET /uploads.' },
  RequestInvalid: {
    status: 400,
    title: 'The request is not valid',
    advice: 'Correct what the details name.',
  },
  RouteNotFound: {
    status: 404,
    title: 'The API has no such address',
    advice: 'Read docs/api.md for the addresses and methods there are.',
  },
  NotAuthorised: {
    status: 403,
    title: 'The caller is not known',
    advice: 'Sign the request with AWS credentials that may call execute-api:Invoke.',
  },
  RequestConflict: {
    status: 409,
    title: 'Somebody else changed the fleet at the same moment',
    advice: 'Look at the fleet, and send the request again.',
  },
  InternalError: {
    status: 500,
    title: 'The control plane failed',
    advice: "Look for the request's id in the function's log.",
  },
  FixedPartForeign: {
    status: 409,
    title: "A part under the fleet's name is not ours",
    advice: 'Choose another name for the fleet, or remove what stands under this name.',
  },
  QuotaReached: {
    status: 409,
    title: 'A quota of the account is used up',
    advice: 'Raise the quota in the Service Quotas console, or remove what is not needed any more.',
  },
  AwsUnavailable: {
    status: 503,
    title: 'AWS did not answer, or asked to slow down',
    advice: 'Nothing: the state machine tries again.',
  },
  AwsRefused: {
    status: 502,
    title: 'AWS refused a call for good',
    advice:
      'Look at what the ids in the details name, which may have been changed or removed by hand; mend what AWS names, and try again.',
  },
  AwsDenied: {
    status: 502,
    title: 'AWS refused the control plane a right',
    advice:
      "Give the function's role the right that the details name (an SCP or a boundary may take it away); for iam:PassRole, choose a role that the stack's InstanceRoles allows. Then try again.",
  },
  RequestRefused: {
    status: 409,
    title: 'The order is not legal now',
    advice: 'Read the reasons; look at flotilla status.',
  },
  AlreadyLive: {
    status: 409,
    title: 'This release is live already',
    advice: 'Nothing needs to be done: it serves.',
  },
  SupersededUpload: {
    status: 409,
    title: 'A newer upload was deployed, or is being built',
    advice: 'Deploy it explicitly if this one is wanted: flotilla deploy --image AMI --fleet NAME.',
  },
  LeaseHeld: { status: 409, title: 'Another rollout holds the fleet', advice: 'Wait for it, or abort it.' },
  LeaseTimeout: {
    status: 409,
    title: 'The fleet stayed held for longer than the lock wait',
    advice: "Look at the holder's execution; abort it if it is stuck.",
  },
  LeaseLost: {
    status: 409,
    title: 'This execution no longer holds the fleet',
    advice: 'Nothing: recovery took over. Start a new rollout; do not redrive this one.',
  },
  DeadlineNear: {
    status: 503,
    title: 'The function stopped before its time ran out',
    advice: 'Nothing: the state machine tries again.',
  },
  PlanRefused: {
    status: 409,
    title: 'The rollout cannot start safely',
    advice: 'Cure each of the reasons named.',
  },
  SlotOccupied: {
    status: 409,
    title: 'The slot for the candidate is not empty',
    advice:
      'Remove from the target group what is not ours; where a group cannot empty, look at its suspended processes and lifecycle hooks.',
  },
  CandidateUnhealthy: {
    status: 502,
    title: 'The candidate is not healthy',
    advice:
      'Read the reasons and what the instance wrote last; mend the program or its health check, and deploy again.',
  },
  CandidateLaunchFailed: {
    status: 502,
    title: 'Auto Scaling could not launch the candidate',
    advice:
      'Cure what the scaling activity names: a quota, capacity (other instance types or zones), or the image; then deploy again.',
  },
  HookRefused: {
    status: 409,
    title: "The fleet's own hook refused the release",
    advice: 'Read what the hook said, in the cause.',
  },
  HookFailed: {
    status: 502,
    title: "The fleet's own hook gave no answer",
    advice: "Look at the hook's log; it needs the tag flotilla:hook with the stack's name to be called.",
  },
  SmokeTestFailed: {
    status: 502,
    title: 'The smoke test failed',
    advice: 'Mend what the answer tells of, and deploy again.',
  },
  CandidateGrowing: {
    status: 409,
    title: 'The candidate is made larger before it gets more traffic',
    advice: 'Nothing: the rollout goes on once the new instances are healthy.',
  },
  TrafficChangedByHand: {
    status: 409,
    title: 'The weights are not what lineage expects',
    advice: 'Find out who changed the rule; set it back, or apply the fleet again.',
  },
  TrafficNotProven: {
    status: 502,
    title: 'The shift of traffic could not be proven',
    advice: 'Look at the listener rule and its target groups in the console.',
  },
  TrafficNotArriving: {
    status: 502,
    title: 'Requests do not arrive at the candidate',
    advice:
      "Look for a rule of the listener with a smaller priority that leads the fleet's hosts to live; cure that, and deploy again: nothing is held against the release.",
  },
  GateAborted: {
    status: 409,
    title: 'The rollout was aborted',
    advice: 'Nothing: the former release serves.',
  },
  GateRejected: {
    status: 409,
    title: 'The rollout was not let through its gate',
    advice: 'Read who rejected it and why, or that nobody approved it in time; then deploy again.',
  },
  AlarmRang: {
    status: 409,
    title: 'An alarm rang during the rollout',
    advice: 'Find out what the alarm saw of the candidate; mend it, and deploy again.',
  },
  AlarmMissing: {
    status: 409,
    title: 'An alarm that the rollout watches is gone, or has no data',
    advice: 'Cure what the reasons name, and deploy again: nothing is held against the release.',
  },
  RolloutPaused: {
    status: 409,
    title: 'A person paused the rollout',
    advice: 'Nothing: it waits with the weights as they are. Go on: flotilla resume ROLLOUT; or abort it.',
  },
  GuardRefused: {
    status: 409,
    title: 'The traffic guard refused',
    advice: "Traffic would have been lost; look at the fleet's weights and target health.",
  },
  RollbackIncomplete: {
    status: 500,
    title: 'The rollback could not finish',
    advice: 'The fleet is marked needs-attention and is tried again; look at the reasons.',
  },
  RetirementIncomplete: {
    status: 500,
    title: 'The group of a retired release could not be removed',
    advice: 'The fleet is marked needs-attention and is tried again; look at the reasons.',
  },
  RolloutInterrupted: {
    status: 409,
    title: 'The execution ended without finishing',
    advice: 'Nothing: recovery put the fleet back. Deploy again.',
  },
} as const satisfies Record<string, ErrorKind>;

/** A name from the closed list. */
export type ErrorName = keyof typeof errorCatalogue;

/**
 * An error with a name from the catalogue, a sentence for a person, and the ids to look at.
 *
 * @example throw new FlotillaError('KernelNotFound', `kernels/0.1.54/ is empty`, { version: '0.1.54' })
 */
export class FlotillaError extends Error {
  override readonly name: ErrorName;
  readonly details: ErrorDetails;

  constructor(name: ErrorName, message: string, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.name = name;
    this.details = details;
  }

  get status(): number {
    return errorCatalogue[this.name].status;
  }

  get title(): string {
    return errorCatalogue[this.name].title;
  }

  get advice(): string {
    return errorCatalogue[this.name].advice;
  }
}

/** True for an error of ours, by its shape rather than its class: bundles may hold several copies. */
export function isFlotillaError(error: unknown): error is FlotillaError {
  return error instanceof Error && 'details' in error && Object.hasOwn(errorCatalogue, error.name);
}
