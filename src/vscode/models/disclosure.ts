import * as vscode from 'vscode';
import { type GenerateOptions, type GenerateReply, type GenerateRequest, type LanguageModel, ModelError } from '../../core/llm/model.ts';
import { hostOf, isLoopback } from '../../node/llm/address.ts';

const KEY = 'disclosedHosts';

/** Says once per host what is sent there, before the first request to it. Loopback hosts need no consent. */
export class Disclosure {
  private readonly memory: vscode.Memento;
  private asking: Promise<boolean> | undefined;

  constructor(memory: vscode.Memento) {
    this.memory = memory;
  }

  isDisclosed(baseUrl: string): boolean {
    return isLoopback(baseUrl) || this.memory.get<string[]>(KEY, []).includes(hostOf(baseUrl));
  }

  /** Asks where needed. Throws `ModelError` `model-consent` when the user says no. */
  async ensure(baseUrl: string): Promise<void> {
    if (this.isDisclosed(baseUrl)) return;
    const host = hostOf(baseUrl);
    this.asking ??= this.ask(baseUrl, host).finally(() => (this.asking = undefined));
    if (!(await this.asking)) {
      throw new ModelError('model-consent', `Nothing was sent: you have not agreed to send code to ${host}.`, 'Run the command again and choose Continue, or choose a local model with "SafeNote: Select Model".');
    }
    // Another host may have been asked about meanwhile.
    await this.ensure(baseUrl);
  }

  private async ask(baseUrl: string, host: string): Promise<boolean> {
    const go = 'Continue';
    const detail = [
      `For a completion SafeNote sends to ${host}: the code around the caret (up to the whole file), signatures of your own modules that it imports, and the notes and knowledge that fit. For a note or a fix: the failing code and what the analyzers said of it.`,
      'Files that hold secrets by their name are never sent. "SafeNote: Show Prompt" shows every word of a request without sending it.',
      ...(baseUrl.startsWith('http:') ? ['This address is not encrypted (http): what is sent can be read on the way.'] : []),
    ].join('\n\n');
    const chosen = await vscode.window.showInformationMessage(`SafeNote will send code to ${host}.`, { modal: true, detail }, go);
    if (chosen !== go) return false;
    await this.memory.update(KEY, [...new Set([...this.memory.get<string[]>(KEY, []), host])]);
    return true;
  }
}

/** A model whose host the user has been told about. */
export class DisclosedModel implements LanguageModel {
  private readonly inner: LanguageModel;
  private readonly baseUrl: string;
  private readonly disclosure: Disclosure;

  constructor(inner: LanguageModel, baseUrl: string, disclosure: Disclosure) {
    this.inner = inner;
    this.baseUrl = baseUrl;
    this.disclosure = disclosure;
  }

  get name(): string {
    return this.inner.name;
  }

  get origin(): string {
    return this.inner.origin;
  }

  async generate(request: GenerateRequest, options: GenerateOptions): Promise<GenerateReply> {
    await this.disclosure.ensure(this.baseUrl);
    options.signal.throwIfAborted();
    return this.inner.generate(request, options);
  }
}
