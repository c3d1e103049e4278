import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface DoubleBehaviour {
  readonly version?: string;
  readonly languages?: readonly string[];
  /** SARIF that `database analyze` writes. */
  readonly sarif?: string;
  /** The step that ends with this exit code, and what it says. */
  readonly fails?: { readonly step: 'create' | 'analyze'; readonly code: number; readonly stderr: string };
  /** The step never ends, and has a child that does not either. */
  readonly hangs?: 'create' | 'analyze';
  /** It is one that has no `cli-server`. */
  readonly withoutServer?: boolean;
  /** Files that the source archive names; all where absent. */
  readonly extracted?: readonly string[];
}

/**
 * A stand-in for the CodeQL command line that holds callers to its contract: it refuses arguments that CodeQL would, in the
 * order that CodeQL needs, and plays recorded results back. Writes what it was asked into `asked`, a JSON array a line.
 */
export async function codeqlDouble(folder: string, behaviour: DoubleBehaviour = {}): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, 'codeql');
  await writeFile(file, `#!${process.execPath}\nconst B = ${JSON.stringify({ version: '2.23.9', languages: ['python', 'javascript', 'cpp', 'java', 'go'], ...behaviour })};\n${PROGRAM}`);
  await chmod(file, 0o755);
  return file;
}

const PROGRAM = String.raw`
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const whole = process.argv.slice(2);
const answer = (args) => {
fs.appendFileSync(path.join(__dirname, 'asked'), JSON.stringify(args) + '\n');
fs.appendFileSync(path.join(__dirname, 'served'), process.pid + '\n');
const fatal = (code, text) => { process.stderr.write('Starting.\nA fatal error occurred: ' + text + '\n'); process.exit(code); };
const plain = args.filter((a) => !a.startsWith('-'));
const flags = new Map(args.filter((a) => a.startsWith('-')).map((a) => { const at = a.indexOf('='); return at < 0 ? [a, true] : [a.slice(0, at), a.slice(at + 1)]; }));
const need = (name, test) => { if (!flags.has(name) || (test && !test(flags.get(name)))) fatal(2, 'Missing or wrong ' + name); };
const only = (...names) => { for (const name of flags.keys()) if (!names.includes(name)) fatal(2, 'Unknown option: ' + name); };
const common = ['-v', '--log-to-stderr'];
common.forEach((name) => need(name));
const step = (name) => {
  if (B.fails && B.fails.step === name) { process.stderr.write(B.fails.stderr); process.exit(B.fails.code); }
  if (B.hangs !== name) return false;
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  fs.writeFileSync(path.join(__dirname, 'pids'), process.pid + ' ' + child.pid);
  setInterval(() => {}, 1000);
  return true;
};
switch (plain.slice(0, 2).join(' ')) {
  case 'version':
    only('--format', ...common); need('--format', (v) => v === 'json');
    process.stdout.write(JSON.stringify({ productName: 'CodeQL', version: B.version, features: {} }));
    break;
  case 'resolve languages':
    only('--format', ...common); need('--format', (v) => v === 'json');
    process.stdout.write(JSON.stringify(Object.fromEntries(B.languages.map((l) => [l, ['/codeql/' + l]]))));
    break;
  case 'database create': {
    only('--language', '--source-root', '--build-mode', '--threads', '--ram', '--overwrite', ...common);
    need('--language', (v) => B.languages.includes(v)); need('--source-root', (v) => fs.statSync(v).isDirectory()); need('--build-mode', (v) => v === 'none');
    need('--threads', (v) => /^\d+$/.test(v)); need('--ram', (v) => Number(v) >= 1024);
    if (plain.length !== 3) fatal(2, 'Expected one database');
    if (step('create')) break;
    fs.mkdirSync(plain[2], { recursive: true });
    fs.writeFileSync(path.join(plain[2], 'codeql-database.yml'), 'primaryLanguage: ' + flags.get('--language') + '\n');
    const root = flags.get('--source-root');
    const files = B.extracted || fs.readdirSync(root, { recursive: true });
    const names = Buffer.from(files.map((f) => 'PK\x01\x02' + root.slice(1) + '/' + f).join(''));
    const end = Buffer.alloc(22); end.write('PK\x05\x06', 'latin1'); end.writeUInt32LE(4, 16);
    fs.writeFileSync(path.join(plain[2], 'src.zip'), Buffer.concat([Buffer.from('data'), names, end]));
    break;
  }
  case 'database analyze': {
    only('--format', '--output', '--threads', '--ram', ...common);
    need('--format', (v) => v === 'sarif-latest'); need('--output');
    if (!fs.existsSync(path.join(plain[2], 'codeql-database.yml'))) fatal(2, 'No database');
    const language = /primaryLanguage: (\w+)/.exec(fs.readFileSync(path.join(plain[2], 'codeql-database.yml'), 'utf8'))[1];
    if (plain[3] !== 'codeql/' + language + '-queries:codeql-suites/' + language + '-security-extended.qls') fatal(2, plain[3] + ' cannot be found');
    if (step('analyze')) break;
    if (B.sarif !== undefined) fs.writeFileSync(flags.get('--output'), B.sarif);
    break;
  }
  default: fatal(2, 'Unknown command');
}
};
// A command of the server: data, then a NUL; a failing one ends the process. A step that hangs answers nothing.
const hung = () => B.hangs && fs.existsSync(path.join(__dirname, 'pids'));
if (whole.slice(0, 2).join(' ') === 'execute cli-server') {
  if (B.withoutServer) { process.stderr.write('A fatal error occurred: Unknown command\n'); process.exit(2); }
  if (whole.join(' ') !== 'execute cli-server -v --log-to-stderr') { process.stderr.write('A fatal error occurred: wrong options of the server\n'); process.exit(2); }
  let rest = '';
  process.stdin.on('data', (chunk) => {
    rest += chunk;
    for (let at = rest.indexOf('\0'); at >= 0; at = rest.indexOf('\0')) {
      const args = JSON.parse(rest.slice(0, at));
      rest = rest.slice(at + 1);
      if (args.length === 1 && args[0] === 'shutdown') { fs.writeFileSync(path.join(__dirname, 'shutdown'), ''); process.exit(0); }
      answer(args);
      if (!hung()) process.stdout.write('\0');
    }
  });
} else answer(whole);
`;
