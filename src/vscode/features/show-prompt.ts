import * as vscode from 'vscode';
import type { RetrievedContext } from '../../core/completion/types.ts';
import { ExpectedError } from '../../core/errors.ts';
import { type ChatMessage, estimateTokens } from '../../core/llm/model.ts';
import type { Apps } from '../apps.ts';
import type { Configuration } from '../common/configuration.ts';
import { escapeInline } from '../common/escape-markdown.ts';
import { displayName, readSource, refusal } from '../common/documents.ts';
import { withProgress } from '../common/progress.ts';
import { fenceText, type VirtualDocuments } from '../common/virtual-documents.ts';
import type { CompletionSession, Sessions } from '../completion/session.ts';
import { leftOutLines, type TooltipLine, verdictLines } from '../completion/verdict-text.ts';
import type { ModelSource } from '../models/model-source.ts';

/** What was, or would be, sent to a model, word by word. */
export interface PromptPage {
  readonly title: string;
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly context: RetrievedContext;
  /** Tokens sent; an estimate where nothing was sent. */
  readonly tokens: number;
  readonly remarks: readonly string[];
  /** What was looked at, and what the checks said of the answer; absent where nothing was sent. */
  readonly became?: readonly TooltipLine[];
}

/** "Show Prompt": what would be sent at the caret, or what was sent for the completion that stands there. */
export class ShowPrompt {
  private readonly o: { apps: Apps; configuration: Configuration; models: ModelSource; sessions: Sessions; documents: VirtualDocuments };

  constructor(options: ShowPrompt['o']) {
    this.o = options;
  }

  async run(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const sent = this.sentHere(editor);
    if (sent) {
      await this.o.documents.show('Prompt.md', promptPage({ title: 'What was sent for this completion', model: sent.outcome.model, messages: sent.outcome.messages, context: sent.outcome.context, tokens: sent.outcome.tokens.prompt, remarks: sent.outcome.remarks, became: [...verdictLines(sent.outcome, sent.verdict), ...leftOutLines(sent.outcome)] }));
      return;
    }
    if (!editor) throw new ExpectedError('no-editor', 'There is no text editor to make a prompt for.', 'Open a file, put the caret where the code is to go, and run Show Prompt again.');
    const { document } = editor;
    const why = refusal(document);
    if (why) throw new ExpectedError('refused', `There is no prompt: ${why}`, 'SafeNote works in files, unsaved texts and notebook cells.');
    const read = readSource(document);
    const offset = document.offsetAt(editor.selection.active) + read.shift;
    const mode = this.o.configuration.settings(document.uri)['completion.mode'];
    const preview = await withProgress('SafeNote: making the prompt', async (signal) => {
      const { app } = await this.o.apps.for(document.uri);
      return app.engine.preview({ document: read.source, offset, mode }, { signal });
    });
    const state = vscode.workspace.isTrusted ? await this.o.models.look() : {};
    await this.o.documents.show(
      'Prompt.md',
      promptPage({ title: `What would be sent at line ${editor.selection.active.line + 1} of ${displayName(document)}`, model: state.model ? `${state.model.name} (${state.model.origin})` : 'none is set up; nothing was sent', ...preview }),
    );
  }

  /** The completion that is shown or was just accepted where the caret is; without an editor the last one. */
  private sentHere(editor: vscode.TextEditor | undefined): CompletionSession | undefined {
    const { last } = this.o.sessions;
    if (!editor || editor.document.uri.scheme === 'safenote') return last;
    const text = editor.document.getText();
    const caret = editor.document.offsetAt(editor.selection.active);
    const uri = editor.document.uri.toString();
    const found = this.o.sessions.find(uri, () => text, caret);
    if (found) return found.session;
    // Just accepted: the caret stands at the end of the inserted text.
    if (last?.uri !== uri || last.state !== 'accepted') return undefined;
    const inserted = last.ghost.insertText;
    return text.slice(Math.max(0, caret - inserted.length), caret) === inserted ? last : undefined;
  }
}

/** The page as Markdown source. Prompts hold code and notes: everything from outside stands in fences. */
export function promptPage(page: PromptPage): string {
  const { context } = page;
  const notes = [
    ...context.securityNotes.map((n) => `- security note \`${n.item.note.id}\`: ${line(n.item.note.title)} (${n.item.note.cwe ?? 'no CWE'}, score ${n.score.toFixed(3)})`),
    ...context.functionNotes.map((n) => `- function note \`${n.item.note.id}\`: ${line(n.item.note.title)} (score ${n.score.toFixed(3)})`),
  ];
  const knowledge = context.knowledge.map((k) => `- ${k.item.guideline.cwe} ${line(k.item.guideline.title)}${k.item.sample ? `, sample \`${k.item.sample.id}\`` : ''} (score ${k.score.toFixed(3)})`);
  const remarks = [...new Set([...page.remarks, ...context.remarks])];
  return [
    `# ${line(page.title)}`,
    '',
    `Model: ${line(page.model)}. About ${page.tokens} tokens in ${page.messages.length} messages.`,
    '',
    '## Notes in it',
    '',
    ...(notes.length > 0 ? notes : ['None that fit.']),
    '',
    '## Knowledge in it',
    '',
    ...(knowledge.length > 0 ? knowledge : ['None that fits.']),
    '',
    ...(remarks.length > 0 ? ['## Remarks', '', ...remarks.map((r) => `- ${line(r)}`), ''] : []),
    ...(page.became ? ['## What became of it', '', ...page.became.map(({ label, text }) => `- **${escapeInline(label)}:** ${escapeInline(text)}`), ''] : []),
    ...page.messages.flatMap((message, at) => [`## Message ${at + 1}: ${message.role} (about ${estimateTokens(message.content)} tokens)`, '', fenceText(message.content, 'text'), '']),
  ].join('\n');
}

function line(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
