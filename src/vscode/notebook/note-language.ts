import * as vscode from 'vscode';
import { normalizeCwe } from '../../core/cwe.ts';
import type { Guideline } from '../../core/knowledge/knowledge.ts';
import { keyAt, type Suggestion, suggestions } from '../../core/notebook/note-assist.ts';
import { KEY_VALUES, KNOWN_KEYS } from '../../core/notebook/note-form.ts';
import { Disposables } from '../common/disposables.ts';
import { escapeMarkdown } from '../common/escape-markdown.ts';
import type { Notebooks } from './notebooks.ts';

const { t } = vscode.l10n;

/** Note files, wherever their workspace folder is. */
export const NOTE_FILES: vscode.DocumentSelector = { scheme: 'file', pattern: '**/.safenote/notes/{security,function}/*.md' };

const KINDS = { key: vscode.CompletionItemKind.Property, value: vscode.CompletionItemKind.EnumMember, cwe: vscode.CompletionItemKind.Reference, section: vscode.CompletionItemKind.Snippet } as const;

/** What the editor offers while a note is written: keys, values, CWEs with their titles, sections; hovers; what to write instead. */
export class NoteLanguage implements vscode.CompletionItemProvider, vscode.HoverProvider, vscode.CodeActionProvider, vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly notebooks: Notebooks;

  constructor(notebooks: Notebooks) {
    this.notebooks = notebooks;
    this.disposables.add(vscode.languages.registerCompletionItemProvider(NOTE_FILES, this, ':', ' ', '-', '#'));
    this.disposables.add(vscode.languages.registerHoverProvider(NOTE_FILES, this));
    this.disposables.add(vscode.languages.registerCodeActionsProvider(NOTE_FILES, this, { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] }));
  }

  dispose(): void {
    this.disposables.dispose();
  }

  async provideCompletionItems(document: vscode.TextDocument, position: vscode.Position, _token?: vscode.CancellationToken, context?: vscode.CompletionContext): Promise<vscode.CompletionItem[]> {
    const guidelines = await this.notebooks.guidelines(document.uri);
    const text = document.getText();
    const language = /^language: *(\S+)/m.exec(text)?.[1];
    const offered = suggestions(text, position.line + 1, position.character + 1, { cwes: [...guidelines.values()], ...(language ? { language } : {}) });
    // A space or hyphen in prose asks for nothing.
    const asked = context?.triggerKind === vscode.CompletionTriggerKind.TriggerCharacter && (context.triggerCharacter === ' ' || context.triggerCharacter === '-');
    return offered.filter(({ kind }) => !asked || kind === 'value' || kind === 'cwe').map((one, at) => completionItem(one, at, position, guidelines));
  }

  async provideHover(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Hover | undefined> {
    const word = document.getWordRangeAtPosition(position, /\bcwe[-_ ]?\d{1,5}\b/i);
    const cwe = word && normalizeCwe(document.getText(word));
    if (word && cwe) {
      const guideline = (await this.notebooks.guidelines(document.uri)).get(cwe);
      return new vscode.Hover(guideline ? weakness(guideline) : untrusted([escapeMarkdown(t('{0}: the knowledge base has nothing on it.', cwe))]), word);
    }
    const key = keyAt(document.getText(), position.line + 1);
    const known = KNOWN_KEYS.find((one) => one.key === key);
    if (!known || position.character > known.key.length) return undefined;
    const values = KEY_VALUES[known.key]?.filter(({ help }) => help).map(({ value, help }) => `- \`${value}\`: ${help}`) ?? [];
    return new vscode.Hover(untrusted([known.help, values.join('\n')]), new vscode.Range(position.line, 0, position.line, known.key.length));
  }

  provideCodeActions(document: vscode.TextDocument, _range: vscode.Range, context: vscode.CodeActionContext): vscode.CodeAction[] {
    return context.diagnostics.flatMap((diagnostic) => {
      const fix = FIXES.get(fixKey(document.uri, diagnostic));
      if (fix === undefined) return [];
      const action = new vscode.CodeAction(t('Write "{0}"', fix), vscode.CodeActionKind.QuickFix);
      action.edit = new vscode.WorkspaceEdit();
      action.edit.replace(document.uri, diagnostic.range, fix);
      action.diagnostics = [diagnostic];
      action.isPreferred = true;
      return [action];
    });
  }
}

/** Diagnostics come back from the editor as copies: what mends each is kept beside them. */
const FIXES = new Map<string, string>();

export function rememberFixes(uri: vscode.Uri, fixes: readonly { diagnostic: vscode.Diagnostic; fix: string }[]): void {
  for (const key of FIXES.keys()) if (key.startsWith(`${uri.toString()}\n`)) FIXES.delete(key);
  for (const { diagnostic, fix } of fixes) FIXES.set(fixKey(uri, diagnostic), fix);
}

function fixKey(uri: vscode.Uri, { range, message }: vscode.Diagnostic): string {
  return `${uri.toString()}\n${range.start.line}:${range.start.character} ${message}`;
}

function completionItem(one: Suggestion, at: number, position: vscode.Position, guidelines: ReadonlyMap<string, Guideline>): vscode.CompletionItem {
  const item = new vscode.CompletionItem({ label: one.label, ...(one.detail ? { description: one.detail } : {}) }, KINDS[one.kind]);
  item.range = new vscode.Range(position.line, one.startColumn - 1, position.line, one.endColumn - 1);
  item.insertText = one.insert.includes('$0') ? new vscode.SnippetString(one.insert) : one.insert;
  item.filterText = one.filter;
  item.sortText = String(at).padStart(4, '0');
  const guideline = one.kind === 'cwe' ? guidelines.get(one.label) : undefined;
  if (guideline) item.documentation = weakness(guideline);
  else if (one.help) item.documentation = untrusted([one.help]);
  // After a key its values are of interest at once.
  if (one.kind === 'key' && (KEY_VALUES[one.label] || one.label === 'cwe')) item.command = { command: 'editor.action.triggerSuggest', title: '' };
  return item;
}

/** A weakness in short. Guidelines may come from a workspace's own shelf: their text is escaped. */
function weakness(guideline: Guideline): vscode.MarkdownString {
  const list = (title: string, items: readonly string[]) => (items.length > 0 ? `${title}\n${items.slice(0, 3).map((one) => `- ${escapeMarkdown(one)}`).join('\n')}` : '');
  return untrusted([`**${escapeMarkdown(`${guideline.cwe} ${guideline.title}`)}**`, list(t('It happens when:'), guideline.causes), list(t('Do:'), guideline.practices)]);
}

function untrusted(parts: readonly string[]): vscode.MarkdownString {
  const markdown = new vscode.MarkdownString(parts.filter(Boolean).join('\n\n'), false);
  markdown.isTrusted = false;
  markdown.supportHtml = false;
  return markdown;
}
