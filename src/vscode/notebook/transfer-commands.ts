import path from 'node:path';
import * as vscode from 'vscode';
import { visibleLine, visibleText } from '../../core/visible-text.ts';
import { describeExport, describeImport, type ExportFormat, exportNotes, importFormatOf, type ImportNotesReport, importNotes } from '../../node/notes/transfer.ts';
import type { Apps } from '../apps.ts';
import type { ExportTarget } from '../commands.ts';
import { withProgress } from '../common/progress.ts';
import { fenceText, type VirtualDocuments } from '../common/virtual-documents.ts';
import type { Notebooks } from './notebooks.ts';
import { chooseRoom } from './sharing-commands.ts';

const { t } = vscode.l10n;

/** Notes in and out of the notebook in other forms. */
export class TransferCommands {
  private readonly o: { apps: Apps; notebooks: Notebooks; documents: VirtualDocuments };

  constructor(options: TransferCommands['o']) {
    this.o = options;
  }

  async import(source?: vscode.Uri): Promise<void> {
    const room = await chooseRoom(this.o.apps, t('Import Notebook'));
    if (!room) return;
    const from = source instanceof vscode.Uri ? source : await chooseSource(room.folder);
    if (!from) return;
    const format = importFormatOf(from.fsPath);
    const report = await withProgress(t('SafeNote: importing notes from {0}', path.basename(from.fsPath)), (signal, say) => importNotes(room.app, from.fsPath, format, { signal, onProgress: (done) => done % 20 === 0 && say(t('{0} read', done)) }));
    this.o.notebooks.changed();
    const review = t('Review Notes');
    const details = t('Details');
    const said = `SafeNote: ${visibleLine(describeImport(report))}.`;
    const bad = report.skipped.length + report.kept.length > 0;
    const buttons = [...(report.imported.length > 0 ? [review] : []), ...(bad ? [details] : [])];
    // Not awaited: the command is done, the message may stay for long.
    void (bad ? vscode.window.showWarningMessage(said, ...buttons) : vscode.window.showInformationMessage(said, ...buttons)).then((chosen) => {
      if (chosen === review) void vscode.commands.executeCommand('safenote.reviewNotes');
      if (chosen === details) void this.o.documents.show('Import of notes.md', importPage(from.fsPath, report));
    });
  }

  async export(wanted?: ExportTarget): Promise<void> {
    const room = await chooseRoom(this.o.apps, t('Export Notebook'));
    if (!room) return;
    const format = wanted?.format ?? (await chooseFormat());
    if (!format) return;
    const target = wanted?.target ?? (await chooseTarget(room.folder, format));
    if (!target) return;
    // The dialog has asked about replacing; a folder's other files and the team's own rules stay in any case.
    const report = await withProgress(t('SafeNote: exporting notes'), (signal, say) => exportNotes(room.app, target.fsPath, format, { signal, force: format !== 'markdown', onProgress: (done) => done % 50 === 0 && say(t('{0} written', done)) }));
    const open = format === 'markdown' ? t('Show Folder') : t('Open');
    void vscode.window.showInformationMessage(`SafeNote: ${visibleLine(describeExport(report))}.`, open).then((chosen) => {
      if (chosen !== open) return;
      void (format === 'markdown' ? vscode.commands.executeCommand('revealFileInOS', target) : vscode.window.showTextDocument(target));
    });
  }
}

async function chooseSource(folder: vscode.Uri): Promise<vscode.Uri | undefined> {
  const kinds = [
    { label: `$(file) ${t('A file')}`, detail: t('Notes or pairs as JSON lines (.jsonl), results of a CI (.sarif), or one note (.md)'), folders: false },
    { label: `$(folder) ${t('A folder of notes')}`, detail: t('Markdown files, such as another .safenote/notes'), folders: true },
  ];
  const kind = await vscode.window.showQuickPick(kinds, { title: t('SafeNote: Import Notebook'), placeHolder: t('Imported notes are quarantined until you approve them') });
  if (!kind) return undefined;
  const chosen = await vscode.window.showOpenDialog({ title: t('SafeNote: Import Notebook'), openLabel: t('Import'), canSelectFiles: !kind.folders, canSelectFolders: kind.folders, canSelectMany: false, defaultUri: folder, ...(kind.folders ? {} : { filters: { [t('Notes')]: ['jsonl', 'ndjson', 'sarif', 'md'] } }) });
  return chosen?.[0];
}

async function chooseFormat(): Promise<ExportFormat | undefined> {
  const item = (format: ExportFormat, label: string, detail: string) => ({ format, label, detail });
  const picked = await vscode.window.showQuickPick(
    [
      item('markdown', t('A folder of Markdown files'), t('The notes as they are; any tool can read them, and Import Notebook takes them in')),
      item('jsonl', t('JSON lines'), t('One note a line, whole; Import Notebook takes them in')),
      item('agents', t('AGENTS.md'), t('The most frequent mistakes, short, as rules for other agents; your own text in the file stays')),
      item('copilot', t('Copilot instructions'), t('The same as .github/copilot-instructions.md')),
      item('pairs', t('Training pairs'), t('Vulnerable and secure code with the lines that differ, as JSON lines')),
      item('preferences', t('Preference pairs'), t('Prompt, chosen and rejected, as JSON lines')),
    ],
    { title: t('SafeNote: Export Notebook'), placeHolder: t('In which form?'), matchOnDetail: true },
  );
  return picked?.format;
}

async function chooseTarget(folder: vscode.Uri, format: ExportFormat): Promise<vscode.Uri | undefined> {
  if (format === 'agents') return vscode.Uri.joinPath(folder, 'AGENTS.md');
  if (format === 'copilot') return vscode.Uri.joinPath(folder, '.github', 'copilot-instructions.md');
  const title = t('SafeNote: Export Notebook');
  if (format === 'markdown') return (await vscode.window.showOpenDialog({ title, openLabel: t('Export Here'), canSelectFiles: false, canSelectFolders: true, canSelectMany: false, defaultUri: folder }))?.[0];
  return vscode.window.showSaveDialog({ title, saveLabel: t('Export'), defaultUri: vscode.Uri.joinPath(folder, `safenote-${format === 'jsonl' ? 'notes' : format}.jsonl`), filters: { [t('JSON lines')]: ['jsonl'] } });
}

/** What was left out, as source text: names and words in it are a stranger's. */
function importPage(source: string, report: ImportNotesReport): string {
  const lines = [...report.skipped.map(({ where, problem }) => `${where}: ${problem}`), ...report.kept.map((id) => `${id}: another text has this id here, and stays`)];
  return [`# ${t('Import of notes')}`, visibleLine(source), `${visibleLine(describeImport(report))}.`, fenceText(visibleText(lines.join('\n')), 'text'), ''].join('\n\n');
}
