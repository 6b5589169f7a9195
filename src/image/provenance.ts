/**
 * How an image was built, as an in-toto Statement (https://in-toto.io/Statement/v1) with the SLSA provenance
 * predicate (https://slsa.dev/spec/v1.0/provenance). What a person said stands under external parameters, what the
 * control plane chose under internal ones. Values of the environment are not told, only their names: a statement
 * travels further than an image.
 */
import type { GoBuildInfo } from './build-info.ts';

/** What the statement says of the way of building; docs/images.md describes it. */
const buildType = 'urn:flotilla:build-image:v1';

export interface ProvenanceInput {
  readonly identity: string;
  readonly imageId: string;
  readonly snapshotId: string;
  /** LINEAR checksum over the written blocks, base64, as EBS knows it. */
  readonly checksum?: string | undefined;
  /** What the snapshot is written over: its blocks show where none was put. */
  readonly parent?: { readonly identity: string; readonly snapshotId: string } | undefined;
  readonly artifact: {
    readonly sha256: string;
    readonly bucket: string;
    readonly key: string;
    readonly versionId: string;
    readonly kind: string;
    readonly architecture: string;
  };
  readonly buildInfo?: GoBuildInfo | undefined;
  readonly kernel?: { readonly version: string; readonly digest: string } | undefined;
  readonly settings: {
    readonly program: string;
    readonly arguments: readonly string[];
    readonly environmentNames: readonly string[];
    readonly files: readonly string[];
    readonly klibs: readonly string[];
  };
  readonly volumeSizeGiB: number;
  readonly bootMode: string;
  readonly blockBytes: number;
  readonly builder: {
    /** ARN of the state machine. */
    readonly id: string;
    readonly version: string;
    /** Of the layout of images, see BUILDER_VERSION. */
    readonly layoutVersion: string;
  };
  /** ARN of the execution. */
  readonly invocationId: string;
  /** ISO 8601. */
  readonly startedOn: string;
  readonly finishedOn: string;
  readonly sbom: { readonly uri: string; readonly sha256: string };
}

/** Deterministic: the same input gives the same statement. */
export function provenance(input: ProvenanceInput): Record<string, unknown> {
  const { artifact, buildInfo, kernel, settings, builder, parent } = input;
  const { bucket, key, versionId } = artifact;
  const vcs = buildInfo?.vcs;
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      {
        name: input.imageId,
        digest: { flotillaImageIdentity: input.identity },
        annotations: { snapshotId: input.snapshotId },
      },
      ...(input.checksum === undefined
        ? []
        : [
            {
              name: input.snapshotId,
              digest: { ebsLinearSha256: Buffer.from(input.checksum, 'base64').toString('hex') },
              // All of the snapshot is what its parent holds and these; the identity above stands for the whole.
              ...(parent === undefined
                ? {}
                : { annotations: { covers: `blocks put over ${parent.snapshotId}` } }),
            },
          ]),
    ],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: {
          upload: { bucket, key, versionId },
          program: settings.program,
          arguments: settings.arguments,
          environmentNames: settings.environmentNames,
          files: settings.files,
          klibs: settings.klibs,
          volumeSizeGiB: input.volumeSizeGiB,
          bootMode: input.bootMode,
        },
        internalParameters: {
          kind: artifact.kind,
          architecture: artifact.architecture,
          layoutVersion: builder.layoutVersion,
          blockBytes: input.blockBytes,
        },
        resolvedDependencies: [
          {
            name: 'artifact',
            uri: `s3://${bucket}/${key}?versionId=${encodeURIComponent(versionId)}`,
            digest: { sha256: artifact.sha256 },
          },
          ...(kernel === undefined
            ? []
            : [{ name: `nanos ${kernel.version}`, digest: { flotillaKernel: kernel.digest } }]),
          ...(parent === undefined
            ? []
            : [
                {
                  name: 'parent image',
                  digest: { flotillaImageIdentity: parent.identity },
                  annotations: { snapshotId: parent.snapshotId },
                },
              ]),
          ...(vcs?.system === 'git' && vcs.revision !== undefined
            ? [
                {
                  name: buildInfo?.main?.path ?? buildInfo?.path ?? 'source',
                  digest: { gitCommit: vcs.revision },
                  annotations: { modified: vcs.modified ?? false },
                },
              ]
            : []),
        ],
      },
      runDetails: {
        builder: { id: builder.id, version: { flotilla: builder.version } },
        metadata: {
          invocationId: input.invocationId,
          startedOn: input.startedOn,
          finishedOn: input.finishedOn,
        },
        byproducts: [{ name: 'sbom', uri: input.sbom.uri, digest: { sha256: input.sbom.sha256 } }],
      },
    },
  };
}
