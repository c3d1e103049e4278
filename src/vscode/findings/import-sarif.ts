import path from 'node:path';
import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import { LineIndex } from '../../core/source.ts';
import type { ImportedFile, ImportedFinding, SarifImport } from '../../core/verification/sarif-import.ts';
import { importSarifFile } from '../../node/sarif-file.ts';
import type { Apps } from '../apps.ts';
import { withProgress } from '../common/progress.ts';
import type { VirtualDocuments } from '../common/virtual-documents.ts';
import type { FindingsStore } from './findings-store.ts';

/** More findings than these help nobody in a list. */
const MAX_SHOWN = 5_000;
/** Lines of what was left out that are listed. */
const MAX_LISTED = 500;

/** *Import SARIF*: what a CI found becomes findings of this workspace and, on wish, notes. */
export class SarifCommands {
  private readonly o: { apps: Apps; findings: FindingsStore; documents: VirtualDocuments };
  /** What the last message said, for tests. */
  last = '';

  constructor(options: SarifCommands['o']) {
    this.o = options;
  }

  async run(file?: vscode.Uri): Promise<void> {
    this.last = '';
    if (!vscode.workspace.isTrusted) throw new ExpectedError('untrusted', 'Nothing was imported: this workspace is not trusted.', 'Trust the workspace to let SafeNote read its files.');
    const folders = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file').map((folder) => folder.uri.fsPath);
    if (folders.length === 0) throw new ExpectedError('no-folder', 'Results can only be shown in the files of an open folder.', 'Open the folder that the results are about.');
    const chosen = file instanceof vscode.Uri ? file : await choose();
    if (!chosen) return;
    const name = path.basename(chosen.fsPath);
    const result = await withProgress(`SafeNote: importing ${name}`, async (signal) => {
      const read = await importSarifFile({ file: chosen.fsPath, folders, openText });
      const files: ImportedFile[] = [];
      let marked = 0;
      for (const file of read.files) {
        signal.throwIfAborted();
        const open = await this.withoutMarked(file, signal);
        marked += file.findings.length - open.findings.length;
        if (open.findings.length > 0) files.push(open);
      }
      return { ...read, files, accepted: read.accepted + marked };
    });
    const shown = most(result.files);
    this.o.findings.putImported(
      shown.map(({ document, findings }) => {
        const lines = new LineIndex(document.text);
        const placeAt = (offset: number) => {
          const { line, column } = lines.placeAt(offset);
          return { line: line - 1, character: column - 1 };
        };
        return { uri: vscode.Uri.file(document.path).toString(), placeAt, findings: findings.map(({ finding }) => ({ finding, ...lines.toOffsets(finding) })) };
      }),
    );
    // Not awaited: the command is done, the message may stay for long.
    void this.say(name, result, shown);
  }

  /** What somebody has marked as a false positive is one, whoever reports it. */
  private async withoutMarked(file: ImportedFile, signal: AbortSignal): Promise<ImportedFile> {
    const { app } = await this.o.apps.for(vscode.Uri.file(file.document.path));
    if (app.marks.store.load().marks.length === 0) return file;
    const kept = new Set(app.marks.sort(file.document, await app.parser.outline(file.document, signal), file.findings.map((f) => f.finding)).kept);
    return { ...file, findings: file.findings.filter((f) => kept.has(f.finding)) };
  }

  private async say(name: string, result: SarifImport, shown: readonly ImportedFile[]): Promise<void> {
    const found = count(result.files);
    const out = result.leftOut.reduce((sum, l) => sum + l.results, 0);
    const more = found - count(shown);
    const beside = [
      ...(more > 0 ? [`only ${MAX_SHOWN} are shown`] : []),
      ...(result.accepted > 0 ? [`${result.accepted} accepted, in the tool or by a mark`] : []),
      ...(out > 0 ? [`${out} left out, first ${result.leftOut[0]?.what ?? ''}: ${result.leftOut[0]?.why ?? ''}`] : []),
      ...(result.problems.length > 0 ? [`${result.problems.length} ${result.problems.length === 1 ? 'problem' : 'problems'} of the run, first: ${result.problems[0] ?? ''}`] : []),
    ];
    const tools = [...new Set(result.tools)].join(', ') || 'no tool';
    this.last = `${name}: ${found} ${found === 1 ? 'finding' : 'findings'} of ${tools}${found > 0 ? ` in ${result.files.length} ${result.files.length === 1 ? 'file' : 'files'}` : ''}.${beside.length > 0 ? ` Beside that: ${beside.join('; ')}.` : ''}`;
    const notes = 'Make Notes…';
    const show = 'Show Findings';
    const details = 'Details';
    const buttons = [...(found > 0 ? [show, notes] : []), ...(beside.length > 0 ? [details] : [])];
    const message = `SafeNote: ${this.last.length > 500 ? `${this.last.slice(0, 499)}…` : this.last}`;
    const pressed = await (beside.length > 0 ? vscode.window.showWarningMessage(message, ...buttons) : vscode.window.showInformationMessage(message, ...buttons));
    if (pressed === show) await vscode.commands.executeCommand('safenote.findings.focus');
    if (pressed === details) await this.o.documents.show('SARIF import.md', report(name, result));
    if (pressed === notes) await vscode.commands.executeCommand('safenote.noteFindings');
  }
}

async function choose(): Promise<vscode.Uri | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const chosen = await vscode.window.showOpenDialog({ title: 'SafeNote: Import SARIF', openLabel: 'Import', canSelectMany: false, filters: { SARIF: ['sarif', 'json'], 'All files': ['*'] }, ...(folder ? { defaultUri: folder } : {}) });
  return chosen?.[0];
}

function openText(file: string): string | undefined {
  const uri = vscode.Uri.file(file).toString();
  return vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri)?.getText();
}

/** As many as are of use in a list, those about security first. */
function most(files: readonly ImportedFile[]): readonly ImportedFile[] {
  if (count(files) <= MAX_SHOWN) return files;
  let room = MAX_SHOWN;
  const taken = new Map<ImportedFile, ImportedFinding[]>();
  for (const wanted of [true, false]) {
    for (const file of files) {
      const own = file.findings.filter((f) => f.security === wanted).slice(0, room);
      room -= own.length;
      if (own.length > 0) taken.set(file, [...(taken.get(file) ?? []), ...own]);
    }
  }
  return [...taken].map(([file, findings]) => ({ ...file, findings }));
}

function count(files: readonly ImportedFile[]): number {
  return files.reduce((sum, file) => sum + file.findings.length, 0);
}

/** Names and words in it are a stranger's: they are shown as source text, where nothing is a link. */
function report(name: string, { tools, files, leftOut, problems, accepted }: SarifImport): string {
  const line = (text: string) => text.replace(/\s+/g, ' ');
  const list = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : ['', `## ${title}`, '', ...lines.slice(0, MAX_LISTED).map((l) => `- ${line(l)}`), ...(lines.length > MAX_LISTED ? [`- and ${lines.length - MAX_LISTED} more`] : [])]);
  return [
    `# ${line(name)}`,
    '',
    `Written by ${line(tools.join(', ')) || 'no tool'}. ${count(files)} findings were taken in; ${accepted} were accepted, in the tool or by a mark.`,
    ...list('Left out', leftOut.map((l) => `${l.what}: ${l.why}${l.results > 1 ? ` (${l.results} results)` : ''}`)),
    ...list('Problems', problems),
    '',
  ].join('\n');
}
