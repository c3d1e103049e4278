import * as vscode from 'vscode';
import { isCancelled, messageOf } from '../../core/errors.ts';
import { type ChatMessage, estimateTokens, type GenerateOptions, type GenerateReply, type GenerateRequest, type LanguageModel, ModelError } from '../../core/llm/model.ts';
import { cancelled } from '../common/cancellation.ts';

const JUSTIFICATION = 'SafeNote asks for completions of your code and for the notes and fixes that follow from checking them.';

/** A model of the editor (`vscode.lm`): no system role, options are a hint, consent is the editor's own. */
export class EditorModel implements LanguageModel {
  readonly name: string;
  readonly origin = 'editor';
  private readonly chat: vscode.LanguageModelChat;

  constructor(chat: vscode.LanguageModelChat) {
    this.chat = chat;
    this.name = chat.id;
  }

  async generate(request: GenerateRequest, options: GenerateOptions): Promise<GenerateReply> {
    const { signal } = options;
    if (signal.aborted) throw cancelled();
    const source = new vscode.CancellationTokenSource();
    const onAbort = () => source.cancel();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const modelOptions = {
        ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
        ...(request.maxTokens === undefined ? {} : { max_tokens: request.maxTokens }),
      };
      const response = await this.chat.sendRequest(toEditorMessages(request.messages), { justification: JUSTIFICATION, modelOptions }, source.token);
      let text = '';
      for await (const piece of response.text) {
        if (signal.aborted) throw cancelled();
        text += piece;
        options.onText?.(piece);
      }
      // A provider may end its stream when it is cancelled instead of throwing.
      if (signal.aborted) throw cancelled();
      if (!text.trim()) throw new ModelError('model-empty', `${this.chat.name} gave an empty answer.`, 'Try again, or choose another model with "SafeNote: Select Model".');
      const prompt = request.messages.reduce((sum, message) => sum + estimateTokens(message.content), 0);
      return { text, model: this.name, tokens: { prompt, completion: estimateTokens(text) } };
    } catch (error) {
      if (signal.aborted) throw cancelled();
      throw this.explain(error);
    } finally {
      signal.removeEventListener('abort', onAbort);
      source.dispose();
    }
  }

  private explain(error: unknown): unknown {
    if (error instanceof ModelError || isCancelled(error)) return error;
    const { name } = this.chat;
    const said = messageOf(error);
    const another = 'Choose another model with "SafeNote: Select Model".';
    // The codes are names of the static constructors, see `vscode.LanguageModelError`.
    const code = error instanceof vscode.LanguageModelError ? error.code : '';
    if (code === 'NoPermissions') return new ModelError('model-consent', `The editor does not let SafeNote use ${name}.`, `Allow it when the editor asks ("Manage Language Model Access" in the Accounts menu). Or: ${another}`, { cause: error });
    if (code === 'NotFound') return new ModelError('model-unknown', `The editor no longer has the model ${name}.`, another, { cause: error });
    if (code === 'Blocked') return new ModelError('model-blocked', `${name} refused the request: ${said}`, `Wait until its limit is over. Or: ${another}`, { cause: error });
    if (/token|context length|too (?:long|large)/i.test(said) && /exceed|limit|maximum|too/i.test(said)) return new ModelError('model-too-long', `The request is too long for ${name}: ${said}`, 'Lower safenote.retrieval.tokenBudget, or work in a smaller file.', { cause: error });
    return new ModelError('model-server', `${name} failed: ${said}`, `Try again. Or: ${another}`, { cause: error });
  }
}

/** System text goes in front of the first user message, for the editor's API has no system role. */
export function toEditorMessages(messages: readonly ChatMessage[]): vscode.LanguageModelChatMessage[] {
  const system = messages.filter((m) => m.role === 'system').map((m) => m.content);
  const rest = messages.filter((m) => m.role !== 'system');
  const firstUser = rest.findIndex((m) => m.role === 'user');
  const made = rest.map((message, at) => {
    const content = at === firstUser ? [...system, message.content].join('\n\n') : message.content;
    return message.role === 'user' ? vscode.LanguageModelChatMessage.User(content) : vscode.LanguageModelChatMessage.Assistant(content);
  });
  if (firstUser === -1 && system.length > 0) made.unshift(vscode.LanguageModelChatMessage.User(system.join('\n\n')));
  return made;
}
