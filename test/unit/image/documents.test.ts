/** The documents that are kept with an image, judged by the validators of those who defined them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GoBuildInfo } from '../../../src/image/build-info.ts';
import { type ProvenanceInput, provenance } from '../../../src/image/provenance.ts';
import { cycloneDx, type SbomInput } from '../../../src/image/sbom.ts';
import { type PythonTool, pythonTool } from '../../support/python.ts';

const run = promisify(execFile);
const sha256 = 'a'.repeat(64);
const identity = '0123456789abcdef'.repeat(4);

const buildInfo: GoBuildInfo = {
  goVersion: 'go1.26.8',
  path: 'example.com/shop/cmd/shop',
  main: { path: 'example.com/shop', version: 'v1.2.3' },
  deps: [
    { path: 'github.com/Azure/go-autorest', version: 'v14.2.0+incompatible', sum: 'h1:abc=' },
    {
      path: 'example.com/old',
      version: 'v1.0.0',
      replace: { path: 'example.com/new', version: 'v2.0.0', sum: 'h1:x=' },
    },
    { path: 'example.com/greet', version: 'v1.0.0', replace: { path: '../greet', version: '' } },
    { path: 'example.com/new', version: 'v2.0.0' },
  ],
  settings: { GOARCH: 'amd64' },
  vcs: { system: 'git', revision: 'f'.repeat(40), time: '2026-11-26T12:00:00Z', modified: false },
};

const input: SbomInput = {
  identity,
  builder: { name: 'flotilla', version: '0.1.0' },
  madeAt: '2026-11-26T12:00:00.000Z',
  artifact: { sha256, program: '/bin/shop' },
  buildInfo,
  kernel: { version: '0.1.54', digest: 'b'.repeat(64) },
};

const described: ProvenanceInput = {
  identity,
  imageId: 'ami-1',
  snapshotId: 'snap-1',
  checksum: Buffer.alloc(32, 1).toString('base64'),
  artifact: {
    sha256,
    bucket: 'uploads',
    key: 'shop/shop',
    versionId: 'v+1',
    kind: 'go-elf',
    architecture: 'x86_64',
  },
  buildInfo,
  kernel: input.kernel,
  settings: {
    program: '/bin/shop',
    arguments: ['/bin/shop', '-v'],
    environmentNames: ['TOKEN'],
    files: [],
    klibs: [],
  },
  volumeSizeGiB: 1,
  bootMode: 'legacy-bios',
  blockBytes: 524_288,
  builder: {
    id: 'arn:aws:states:us-east-1:000000000000:stateMachine:flotilla-build-image',
    version: '0.1.0',
    layoutVersion: '1',
  },
  invocationId: 'arn:aws:states:us-east-1:000000000000:execution:flotilla-build-image:up-1',
  startedOn: '2026-11-26T12:00:00.000Z',
  finishedOn: '2026-11-26T12:00:09.000Z',
  sbom: { uri: 's3://store/x', sha256 },
};
const statement = provenance(described);
const parent = { identity: 'c'.repeat(64), snapshotId: 'snap-0' };
const difference = provenance({ ...described, parent });

/** Each judges the files that it is given, one after the other: starting Python takes longer than looking. */
const validators = {
  sbom: `
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.V1_6)
def judge(text):
    errors = validator.validate_str(text)
    if errors: raise ValueError(errors)
`,
  provenance: `
from google.protobuf import json_format
import in_toto_attestation.v1.statement_pb2 as spb
import in_toto_attestation.predicates.provenance.v1.provenance_pb2 as ppb
from in_toto_attestation.v1.statement import Statement
def judge(text):
    pb = json_format.Parse(text, spb.Statement())
    Statement.copy_from_pb(pb).validate()
    # Refuses what the predicate does not have, and times that are none.
    predicate = json_format.ParseDict(json_format.MessageToDict(pb.predicate), ppb.Provenance())
    assert predicate.build_definition.build_type and predicate.run_details.builder.id
`,
};
const each = `
import sys
for name in sys.argv[1:]:
    try:
        judge(open(name).read())
        print('valid')
    except Exception as error:
        print('not valid')
        print(error, file=sys.stderr)
`;

let python: PythonTool;
let folder = '';
beforeAll(async () => {
  python = await pythonTool(['cyclonedx-python-lib[json-validation]==11.12.0', 'in-toto-attestation==0.9.3']);
  folder = mkdtempSync(join(tmpdir(), 'flotilla-documents-'));
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function judged(kind: keyof typeof validators, documents: readonly unknown[]): Promise<string[]> {
  if ('skip' in python) throw new Error(python.skip);
  const script = join(folder, `${kind}.py`);
  writeFileSync(script, validators[kind] + each);
  const files = documents.map((document, index) => {
    const file = join(folder, `${kind}-${index}.json`);
    writeFileSync(file, JSON.stringify(document));
    return file;
  });
  const { stdout } = await run(join(python.bin, 'python3'), [script, ...files]);
  return stdout.trimEnd().split('\n');
}

describe('the bill of materials', () => {
  it('is valid CycloneDX, whatever the program, and would be told from one that is not', async ({ skip }) => {
    if ('skip' in python) return skip(python.skip);
    const bare: GoBuildInfo = { goVersion: 'go1.26.8', path: 'x', deps: [], settings: {} };
    const documents = [
      cycloneDx(input),
      cycloneDx({ ...input, buildInfo: undefined, kernel: undefined }),
      cycloneDx({ ...input, buildInfo: bare }),
      { ...cycloneDx(input), components: [{ type: 'nonsense' }] },
    ];
    expect(await judged('sbom', documents)).toEqual(['valid', 'valid', 'valid', 'not valid']);
  });

  it('names what was linked, each once, with replacements in their places', () => {
    const { components } = cycloneDx(input) as { components: { purl?: string; name: string }[] };
    expect(components.map(({ purl, name }) => purl ?? name)).toEqual([
      'pkg:golang/example.com/shop@v1.2.3',
      'pkg:golang/github.com/azure/go-autorest@v14.2.0%2Bincompatible',
      'pkg:golang/example.com/new@v2.0.0',
      'example.com/greet',
      'pkg:golang/std@1.26.8',
      'nanos',
    ]);
  });

  it('is the same for the same image', () => {
    expect(cycloneDx(input)).toEqual(cycloneDx(structuredClone(input)));
  });
});

describe('the provenance', () => {
  it('is a valid statement with a valid SLSA predicate', async ({ skip }) => {
    if ('skip' in python) return skip(python.skip);
    const broken = [
      { ...statement, subject: [] },
      { ...statement, predicate: { ...(statement.predicate as object), runDetails: { nonsense: 1 } } },
    ];
    expect(await judged('provenance', [statement, difference, ...broken])).toEqual([
      'valid',
      'valid',
      'not valid',
      'not valid',
    ]);
  });

  it('keeps what a person said apart from what the builder chose, and tells no value of the environment', () => {
    const { buildDefinition } = statement.predicate as {
      buildDefinition: {
        externalParameters: object;
        internalParameters: object;
        resolvedDependencies: object[];
      };
    };
    expect(buildDefinition.externalParameters).toMatchObject({
      arguments: ['/bin/shop', '-v'],
      environmentNames: ['TOKEN'],
    });
    expect(buildDefinition.internalParameters).toMatchObject({ layoutVersion: '1', blockBytes: 524_288 });
    expect(buildDefinition.resolvedDependencies).toMatchObject([
      { uri: 's3://uploads/shop/shop?versionId=v%2B1', digest: { sha256 } },
      { digest: { flotillaKernel: 'b'.repeat(64) } },
      { digest: { gitCommit: 'f'.repeat(40) } },
    ]);
  });

  it('names the parent of a difference, and what the checksum of its blocks covers', () => {
    expect(difference).toMatchObject({
      subject: [
        { digest: { flotillaImageIdentity: identity } },
        { name: 'snap-1', annotations: { covers: 'blocks put over snap-0' } },
      ],
      predicate: {
        buildDefinition: {
          resolvedDependencies: expect.arrayContaining([
            {
              name: 'parent image',
              digest: { flotillaImageIdentity: parent.identity },
              annotations: { snapshotId: 'snap-0' },
            },
          ]),
        },
      },
    });
  });
});
