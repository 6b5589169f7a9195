/**
 * The bill of materials of an image, in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/): the image as a
 * container, in it the program with its Go modules and Go's own library, and the kernel.
 */
import type { GoBuildInfo, GoModule } from './build-info.ts';

export interface SbomInput {
  /** The image's identity: the document's serial number follows from it. */
  readonly identity: string;
  readonly builder: { readonly name: string; readonly version: string };
  /** ISO 8601. */
  readonly madeAt: string;
  readonly artifact: {
    readonly sha256: string;
    /** SHA-256 of the program itself, where it came inside a disk. */
    readonly programSha256?: string | undefined;
    readonly program: string;
  };
  /** Absent where the program is not Go's. */
  readonly buildInfo?: GoBuildInfo | undefined;
  /** Absent for a disk that brought its own. */
  readonly kernel?: { readonly version: string; readonly digest: string } | undefined;
}

interface Component {
  readonly type: string;
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

/** Deterministic: the same input gives the same document, in the same order. */
export function cycloneDx(input: SbomInput): Record<string, unknown> {
  const { identity, builder, madeAt, buildInfo, kernel } = input;
  const program = programComponent(input);
  const modules = uniqueByRef([
    ...(buildInfo?.deps ?? []).map(moduleComponent),
    ...(buildInfo === undefined ? [] : [standardLibrary(buildInfo.goVersion)]),
  ]);
  const kernels: Component[] =
    kernel === undefined
      ? []
      : [
          {
            type: 'operating-system',
            'bom-ref': `nanos@${kernel.version}`,
            name: 'nanos',
            version: kernel.version,
            properties: [{ name: 'flotilla:kernel-digest', value: kernel.digest }],
          },
        ];
  const image = `flotilla/${identity}`;
  const refs = (components: readonly Component[]) => components.map((one) => one['bom-ref']);
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${serialOf(identity)}`,
    version: 1,
    metadata: {
      timestamp: madeAt,
      tools: { components: [{ type: 'application', name: builder.name, version: builder.version }] },
      component: { type: 'container', 'bom-ref': image, name: image },
    },
    components: [program, ...modules, ...kernels],
    dependencies: [
      { ref: image, dependsOn: refs([program, ...kernels]) },
      { ref: program['bom-ref'], dependsOn: refs(modules) },
      ...refs([...modules, ...kernels]).map((ref) => ({ ref })),
    ],
  };
}

function programComponent({ artifact, buildInfo }: SbomInput): Component {
  const main = buildInfo?.main;
  const name = main?.path ?? buildInfo?.path ?? artifact.program;
  const version = main === undefined || main.version === '(devel)' ? undefined : main.version;
  const facts: [string, string | undefined][] = [
    ['flotilla:go-package', buildInfo?.path],
    ['flotilla:vcs', buildInfo?.vcs?.system],
    ['flotilla:vcs-revision', buildInfo?.vcs?.revision],
    ['flotilla:vcs-time', buildInfo?.vcs?.time],
    ['flotilla:vcs-modified', buildInfo?.vcs?.modified?.toString()],
  ];
  return {
    type: 'application',
    'bom-ref': `program ${artifact.sha256}`,
    name,
    ...(version === undefined ? {} : { version }),
    ...(main === undefined ? {} : { purl: purlOf(main.path, version) }),
    hashes: [{ alg: 'SHA-256', content: artifact.programSha256 ?? artifact.sha256 }],
    ...properties(facts),
  };
}

/** What was really linked: a replacement in its module's place, and the module's name beside it. */
function moduleComponent(module: GoModule): Component {
  const used = module.replace ?? module;
  // A folder on the builder's disk has neither version nor a name that means anything elsewhere.
  const isLocal = used.version === '';
  const version = isLocal ? undefined : used.version;
  const name = isLocal ? module.path : used.path;
  return {
    type: 'library',
    'bom-ref': isLocal ? `local ${module.path}` : purlOf(name, version),
    name,
    ...(version === undefined ? {} : { version }),
    ...(isLocal ? {} : { purl: purlOf(name, version) }),
    ...properties([
      ['flotilla:go-sum', used.sum],
      ['flotilla:replaces', module.replace === undefined ? undefined : `${module.path}@${module.version}`],
      ['flotilla:replaced-by', isLocal ? used.path : undefined],
    ]),
  };
}

/** `go1.26.8`, perhaps followed by experiments, is version 1.26.8 of the module std. */
function standardLibrary(goVersion: string): Component {
  const version = /^go(\S+)/.exec(goVersion)?.[1] ?? goVersion;
  return {
    type: 'library',
    'bom-ref': purlOf('std', version),
    name: 'std',
    version,
    purl: purlOf('std', version),
  };
}

function properties(
  facts: readonly (readonly [string, string | undefined])[],
): Pick<Component, 'properties'> {
  const known = facts.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
  return known.length === 0 ? {} : { properties: known };
}

/** References must be unique, and a module can be named twice by what replaces others. */
function uniqueByRef(components: readonly Component[]): Component[] {
  return [...new Map(components.map((one) => [one['bom-ref'], one])).values()];
}

/** https://github.com/package-url/purl-spec/blob/main/types-doc/golang-definition.md */
function purlOf(path: string, version: string | undefined): string {
  const name = path.split('/').map(encodeURIComponent).join('/').toLowerCase();
  return `pkg:golang/${name}${version === undefined ? '' : `@${encodeURIComponent(version)}`}`;
}

/** A UUID of version 8 (made by the application, RFC 9562) out of the identity's digits. */
function serialOf(identity: string): string {
  const h = identity.slice(0, 32);
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-8${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20)}`;
}
