import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface FakeBehaviour {
  /** What `--version` prints. */
  readonly version?: string;
  /**
   * What the server does: answers rightly, dies or hangs at a text with that word, writes what is no message, answers "clean"
   * to everything, never gets ready, or is not there.
   */
  readonly server?: 'right' | 'dies' | 'hangs' | 'garbage' | 'liar' | 'never ready' | 'missing';
  /** What one run does: answers rightly, prints no JSON, nothing, takes for ever, or skips the file. */
  readonly scan?: 'right' | 'garbage' | 'nothing' | 'hangs' | 'skips';
}

/** Writes a program that behaves as a `semgrep` launcher that has something wrong with it. Logs what it was asked beside itself. */
export async function fakeSemgrep(folder: string, behaviour: FakeBehaviour): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, 'semgrep');
  await writeFile(file, `#!${process.execPath}\nconst B = ${JSON.stringify({ version: '1.182.0', server: 'right', scan: 'right', ...behaviour })};\n${PROGRAM}`);
  await chmod(file, 0o755);
  return file;
}

const PROGRAM = String.raw`
const fs = require('node:fs');
const path = require('node:path');
const { fileURLToPath } = require('node:url');
const [verb, ...args] = process.argv.slice(2);
fs.appendFileSync(path.join(__dirname, 'asked'), verb + ' ' + process.pid + '\n');

function matches(text) {
  const found = [];
  text.split('\n').forEach((line, n) => {
    const add = (id, what) => { const at = line.indexOf(what); if (at >= 0) found.push({ id, line: n, from: at, to: at + what.length }); };
    const token = /safenote-canary-[0-9a-f]{16}/.exec(line);
    if (token) add('x.safenote-canary.text', token[0]);
    if (line.includes('safenote_canary(')) add('x.safenote-canary.code', 'safenote_canary(');
    add('x.safenote.python.sql-injection', 'BAD');
  });
  return found;
}

function server() {
  if (B.server === 'missing') { console.error('no such command: lsp'); process.exit(2); }
  if (B.server === 'garbage') { process.stdout.write('Traceback (most recent call last):\n'); return setInterval(() => {}, 1000); }
  const send = (m) => { const body = JSON.stringify({ jsonrpc: '2.0', ...m }); process.stdout.write('Content-Length: ' + Buffer.byteLength(body) + '\r\n\r\n' + body); };
  let buffer = Buffer.alloc(0);
  process.stdin.on('end', () => process.exit(0));
  process.stdin.on('data', (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    for (;;) {
      const end = buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/(\d+)/.exec(buffer.toString('utf8', 0, end))[1]);
      if (buffer.length < end + 4 + length) return;
      const message = JSON.parse(buffer.toString('utf8', end + 4, end + 4 + length));
      buffer = buffer.subarray(end + 4 + length);
      handle(message);
    }
  });
  function handle({ id, method, params }) {
    if (method === 'initialize') send({ id, result: { capabilities: {} } });
    if (method === 'initialized' && B.server !== 'never ready') send({ method: 'semgrep/rulesRefreshed' });
    if (method !== 'textDocument/didOpen') return;
    const { uri } = params.textDocument;
    const text = fs.readFileSync(fileURLToPath(uri), 'utf8');
    if (B.server === 'dies' && text.includes('WORD')) process.kill(process.pid, 'SIGKILL');
    if (B.server === 'hangs' && text.includes('WORD')) return;
    const diagnostics = B.server === 'liar' ? [] : matches(text).map((m) => ({ code: m.id, message: m.id, severity: 1, range: { start: { line: m.line, character: m.from }, end: { line: m.line, character: m.to } } }));
    process.stderr.write('Found ' + diagnostics.length + ' matches\n');
    // As the real one does: an answer for something else, and an empty one for nothing.
    send({ method: 'textDocument/publishDiagnostics', params: { uri: uri + 'x', diagnostics: [] } });
    send({ method: 'textDocument/publishDiagnostics', params: { uri, diagnostics } });
  }
}

function scan() {
  if (B.scan === 'garbage') return void console.log('Traceback (most recent call last):');
  if (B.scan === 'nothing') process.exit(2);
  if (B.scan === 'hangs') return setInterval(() => {}, 1000);
  const file = args.at(-1);
  const results = B.scan === 'skips' || fs.statSync(file).isDirectory() ? [] : matches(fs.readFileSync(file, 'utf8')).map((m) => ({ check_id: m.id, path: file, start: { line: m.line + 1, col: m.from + 1, offset: 0 }, end: { line: m.line + 1, col: m.to + 1, offset: 0 }, extra: { message: m.id } }));
  console.log(JSON.stringify({ version: B.version, results, errors: [] }));
}

if (verb === '--version') console.log(B.version);
else if (verb === 'lsp') server();
else if (verb === 'scan') scan();
`;
