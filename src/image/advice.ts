/**
 * What will probably not work in a unikernel, seen before it is built. Advice, not a verdict: a program may hold a
 * call that it never makes.
 */
import type { ElfFile } from './elf.ts';
import type { ByteSource } from './source.ts';

export interface Advice {
  readonly name: AdviceName;
  /** One sentence: what was seen, and what to do about it. */
  readonly message: string;
}

export type AdviceName =
  | 'StartsProcesses'
  | 'OpensPlugins'
  | 'NoRootCertificates'
  | 'MissingFile'
  | 'PortMismatch';

/** A function whose name tells something, unless the program has the other one. */
interface Telling {
  readonly symbol: string;
  readonly unless?: string;
}

/**
 * What makes a program the client of a TLS connection. Mail, gRPC and drivers of databases call `tls.Client` themselves,
 * which the last one tells of. But so does each HTTP server since Go 1.24, which wraps a connection to serve HTTP/2 on it
 * and shakes no hands: of such a program only the others tell.
 * https://go.dev/src/net/http/server.go (maybeServeUnencryptedHTTP2)
 */
const connectsByTls: readonly Telling[] = [
  { symbol: 'net/http.(*Transport).dialConn' },
  { symbol: 'crypto/tls.dial' },
  { symbol: 'net/smtp.(*Client).StartTLS' },
  { symbol: 'google.golang.org/grpc/credentials.(*tlsCreds).ClientHandshake' },
  {
    symbol: 'crypto/tls.(*Conn).clientHandshake-fm',
    unless: 'net/http.(*conn).maybeServeUnencryptedHTTP2',
  },
];

/**
 * Functions that only a program has that may call them: Go's linker leaves out what cannot be reached, and keeps the
 * names of the rest in its function table, in stripped programs as well.
 * https://pkg.go.dev/debug/gosym (the table), https://go.dev/src/cmd/link/internal/ld/deadcode.go
 */
const rules: readonly {
  readonly advice: Advice;
  /** One of them is enough. */
  readonly tellings: readonly Telling[];
  /** Whatever they tell, not of a program with this one. */
  readonly unless?: string;
}[] = [
  {
    tellings: [{ symbol: 'os/exec.(*Cmd).Start' }],
    advice: {
      name: 'StartsProcesses',
      message:
        'The program can start other processes (os/exec). A unikernel runs one: such a call fails there. Do the work in the program itself.',
    },
  },
  {
    tellings: [{ symbol: 'plugin.open' }],
    advice: {
      name: 'OpensPlugins',
      message:
        'The program can load plugins, which need a dynamic linker. A unikernel has none: compile them in.',
    },
  },
  {
    tellings: connectsByTls,
    // https://pkg.go.dev/crypto/x509#SetFallbackRoots
    unless: 'crypto/x509.SetFallbackRoots',
    advice: {
      name: 'NoRootCertificates',
      message:
        'The program can connect by TLS, and the image holds no root certificates: such a call fails there (x509: certificate signed by unknown authority), unless the program names its own. Import _ "golang.org/x/crypto/x509roots/fallback".',
    },
  },
];
const tellingSymbols = new Set(
  rules
    .flatMap(({ tellings, unless }) => [...tellings.flatMap((one) => [one.symbol, one.unless]), unless])
    .filter((symbol) => symbol !== undefined),
);

const table = '.gopclntab';
/** The names are a small part of the table; that of the largest Go programs has some 100 MB in all. */
const searchBytes = 256 * 1_048_576;
const pieceBytes = 1_048_576;

/** What the function table of a Go program tells. Reads the table once, in pieces. */
export async function adviseProgram(source: ByteSource, elf: ElfFile): Promise<Advice[]> {
  const found = await findSymbols(source, elf);
  const has = (symbol: string | undefined): boolean => symbol !== undefined && found.has(symbol);
  return rules
    .filter(
      ({ tellings, unless }) => !has(unless) && tellings.some((one) => has(one.symbol) && !has(one.unless)),
    )
    .map(({ advice }) => advice);
}

/** Those of the telling functions that the table names. */
async function findSymbols(source: ByteSource, elf: ElfFile): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const section = elf.sections.find(({ name }) => name === table || name === `.data.rel.ro${table}`);
  if (section === undefined) return found;
  const wanted = new Map([...tellingSymbols].map((symbol) => [Buffer.from(`\0${symbol}\0`), symbol]));
  const longest = Math.max(...[...wanted.keys()].map((name) => name.length));
  const end = Math.min(section.offset + section.sizeBytes, section.offset + searchBytes, source.sizeBytes);
  for (let at = section.offset; at < end && wanted.size > 0; at += pieceBytes) {
    const piece = await source.read(at, Math.min(pieceBytes + longest, end - at));
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    for (const [name, symbol] of wanted) {
      if (!bytes.includes(name)) continue;
      found.add(symbol);
      wanted.delete(name);
    }
  }
  return found;
}

/**
 * Where Go looks for root certificates, files and folders.
 * https://go.dev/src/crypto/x509/root_linux.go, and root_unix.go for the variables
 */
const certificateFiles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];
const certificateFolders = ['/etc/ssl/certs', '/etc/pki/tls/certs'];

/** What stays of a program's advice in an image: nothing on certificates where that holds some. */
export function adviceInImage(
  advice: readonly Advice[],
  { environment, holds }: Pick<SettingsToAdvise, 'environment' | 'holds'>,
): Advice[] {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: folders } = environment;
  const sought = [
    ...(file ? [file] : certificateFiles),
    ...(folders ? folders.split(':') : certificateFolders),
  ];
  return advice.filter(({ name }) => name !== 'NoRootCertificates' || !sought.some(holds));
}

export interface SettingsToAdvise {
  /** Arguments after the program's own name. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Whether the image has, or will have, a file or folder at this absolute path. */
  readonly holds: (path: string) => boolean;
  /** Where the health check asks. */
  readonly port: number;
}

/** Advice is kept with the upload, in an item: no more than somebody would read, each in a few hundred characters. */
const mostSettingsAdvice = 20;
const longestQuote = 100;
/** Of a disk: each may lead through links. */
const mostPathsSought = 256;

/** Folders that the kernel fills, or that a program makes files in. */
const given = ['/dev', '/proc', '/sys', '/tmp', '/run', '/var', '/'];

/**
 * What the fleet's settings tell: another port than the health check's, and paths that the image lacks. Of many, the
 * first ones.
 */
export function adviseSettings(settings: SettingsToAdvise): Advice[] {
  const named = [
    ...settings.arguments.map((text) => ({ text, where: `The argument ${quoted(text)}` })),
    ...Object.entries(settings.environment).map(([name, text]) => ({
      text,
      where: `${quoted(name)} in the environment`,
    })),
  ];
  const missing = named
    .flatMap(({ text, where }) => pathsIn(text).map((path) => ({ path, where })))
    .filter(({ path }) => !isGiven(path))
    .slice(0, mostPathsSought)
    .filter(({ path }) => !settings.holds(path))
    .map(
      ({ path, where }): Advice => ({
        name: 'MissingFile',
        message: `${where} names ${quoted(path)}, which the image does not hold. Put it into image.files, or into the program (go:embed).`,
      }),
    );
  return [...portAdvice(settings), ...missing].slice(0, mostSettingsAdvice);
}

/** {@link SettingsToAdvise.holds} of an image that will have these files, and the folders above them. */
export function holdsFiles(paths: readonly string[]): (path: string) => boolean {
  return (path) => paths.some((one) => one === path || one.startsWith(`${path}/`));
}

function quoted(text: string): string {
  return text.length <= longestQuote ? text : `${text.slice(0, longestQuote)}…`;
}

/** `/etc/web.yml` and `--config=/etc/web.yml`; what has a scheme or no second letter is no path. */
function pathsIn(text: string): string[] {
  const value = /^-{1,2}[\w.-]+=(.*)$/s.exec(text)?.[1] ?? text;
  if (!/^\/[\w.-][\w./-]*$/.test(value)) return [];
  let end = value.length;
  while (value[end - 1] === '/') end -= 1;
  return [value.slice(0, end)];
}

function isGiven(path: string): boolean {
  return given.some((folder) => path === folder || (folder !== '/' && path.startsWith(`${folder}/`)));
}

/** Names under which programs are told their port. */
function portAdvice({ environment, port }: SettingsToAdvise): Advice[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    const isPort = /^(?:.*_)?(?:PORT|LISTEN|ADDR|ADDRESS)$/.test(name);
    const said = /^(?:\[?[0-9a-fA-F.:]*\]?:)?(\d{1,5})$/.exec(value)?.[1];
    if (!isPort || said === undefined || Number(said) === port) return [];
    const message = `${quoted(name)} in the environment says port ${said}, and the health check asks port ${port}: set the fleet's port, or the variable.`;
    return [{ name: 'PortMismatch', message }];
  });
}
