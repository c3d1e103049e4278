import * as vscode from 'vscode';
import { isExpected } from '../../core/errors.ts';
import { type LanguageModel, ModelError } from '../../core/llm/model.ts';
import type { Logger } from '../../core/log.ts';
import type { Settings } from '../../core/settings.ts';
import type { Configuration } from '../common/configuration.ts';
import { Disposables, Listeners } from '../common/disposables.ts';
import type { ApiKeys } from './api-keys.ts';
import { DisclosedModel, type Disclosure } from './disclosure.ts';
import { EditorModel } from './lm-model.ts';

/** The model in use, for people. */
export interface ModelState {
  readonly model?: { readonly name: string; readonly origin: string };
  /** Why there is none. */
  readonly problem?: string;
  /** True when no model was set up at all, as opposed to one that cannot be used. */
  readonly missing?: boolean;
}

interface Chosen {
  readonly model: LanguageModel;
  /** False when the next request will open a question to the user, which only a user's own action may do. */
  readonly consented: () => boolean;
  /** Asks that question now. Throws `ModelError` `model-consent`. */
  readonly agree: () => Promise<void>;
}

/** The editor asks for itself; a model on this machine needs no consent. */
const NOTHING_TO_ASK = () => Promise.resolve();

/**
 * Which model is used (`safenote.model.provider`):
 *  1. `openai`, or `auto` with a base URL: that endpoint. No other variable of the environment than a key that belongs to it.
 *  2. `editor`, or `auto` where the editor has a model: that model.
 *  3. `auto`: a local Ollama, if it answers.
 *  4. None: `ModelError` `model-missing`, which says how to get one.
 */
export class ModelSource implements vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly changes = new Listeners<void>();
  private chosen: Promise<Chosen> | undefined;
  private last: ModelState | undefined;
  private picking = false;
  private readonly o: { configuration: Configuration; keys: ApiKeys; disclosure: Disclosure; access: vscode.LanguageModelAccessInformation; env: NodeJS.ProcessEnv; log: Logger };

  constructor(options: ModelSource['o']) {
    this.o = options;
    const forget = () => this.forget();
    this.disposables.add(options.configuration.onDidChange((affects) => (affects('model.provider') || affects('model.baseUrl') || affects('model.name')) && forget()));
    this.disposables.add(options.keys.onDidChange(forget));
    // Asking for the models makes the editor look for them, which is a change too.
    this.disposables.add(vscode.lm.onDidChangeChatModels(() => !this.picking && this.usesEditor && forget()));
  }

  /** The model in use; chosen once and again after a change. Throws `ModelError`. */
  async current(): Promise<LanguageModel> {
    return (await this.choose()).model;
  }

  /**
   * Chooses the model and asks what has to be asked before the first request to it: here, since a question in the midst of
   * a request for ghost text would take the focus and so end it. Throws `ModelError`.
   */
  async agree(): Promise<void> {
    await (await this.choose()).agree();
  }

  /** True when a request would ask the user something first. */
  async needsConsent(): Promise<boolean> {
    return !(await this.choose()).consented();
  }

  /** What is known so far; `undefined` before the first look. */
  get known(): ModelState | undefined {
    return this.last;
  }

  /** Looks which model there is. Never throws. */
  async look(): Promise<ModelState> {
    try {
      await this.choose();
    } catch {
      // What happened is in the state.
    }
    return this.last ?? {};
  }

  /** Calls back when another model may be in use, or none. */
  onDidChange(listener: () => void): vscode.Disposable {
    return this.changes.on(listener) as vscode.Disposable;
  }

  forget(): void {
    this.chosen = undefined;
    this.last = undefined;
    this.changes.fire();
  }

  dispose(): void {
    this.disposables.dispose();
  }

  /** A change of the editor's models says nothing to who uses an endpoint. */
  private get usesEditor(): boolean {
    const settings = this.o.configuration.settings();
    return settings['model.provider'] === 'editor' || (settings['model.provider'] === 'auto' && !settings['model.baseUrl']);
  }

  private choose(): Promise<Chosen> {
    if (this.chosen) return this.chosen;
    this.picking = true;
    const choice = this.pick(this.o.configuration.settings()).finally(() => (this.picking = false));
    this.chosen = choice;
    choice.then(
      ({ model }) => {
        if (this.chosen !== choice) return;
        this.o.log.info(`Model: ${model.name} (${model.origin}).`);
        this.last = { model: { name: model.name, origin: model.origin } };
        this.changes.fire();
      },
      (error: unknown) => {
        if (this.chosen !== choice) return;
        // Asked again the next time: a server may have been started meanwhile.
        this.chosen = undefined;
        this.last = { problem: error instanceof Error ? error.message : String(error), missing: isExpected(error) && error.code === 'model-missing' };
        this.changes.fire();
      },
    );
    return choice;
  }

  private async pick(settings: Settings): Promise<Chosen> {
    const provider = settings['model.provider'];
    if (provider === 'openai' || (provider === 'auto' && settings['model.baseUrl'])) return this.endpoint(settings);
    const editor = await this.editorModel(settings['model.name'], provider === 'editor');
    if (editor) return editor;
    return this.ollama(settings);
  }

  private async endpoint(settings: Settings): Promise<Chosen> {
    const { chooseEndpoint, OPENAI_BASE_URL, parseBaseUrl } = await import('../../node/llm/endpoint.ts');
    const { OpenAiModel } = await import('../../node/llm/openai-model.ts');
    const baseUrl = parseBaseUrl(settings['model.baseUrl'] || OPENAI_BASE_URL, 'The setting safenote.model.baseUrl');
    const apiKey = await this.o.keys.get(baseUrl);
    // Listing the models is a request too.
    if (!settings['model.name']) await this.o.disclosure.ensure(baseUrl);
    const choice = await chooseEndpoint({
      env: this.o.env,
      settings: { baseUrl, ...(settings['model.name'] ? { model: settings['model.name'] } : {}), ...(apiKey ? { apiKey } : {}) },
      signal: AbortSignal.timeout(10_000),
    });
    for (const remark of choice.remarks) this.o.log.warn(remark);
    const inner = new OpenAiModel({ endpoint: choice.endpoint, model: choice.model, log: this.o.log });
    return { model: new DisclosedModel(inner, baseUrl, this.o.disclosure), consented: () => this.o.disclosure.isDisclosed(baseUrl), agree: () => this.o.disclosure.ensure(baseUrl) };
  }

  private async editorModel(name: string, required: boolean): Promise<Chosen | undefined> {
    const all = await vscode.lm.selectChatModels();
    const chat = name ? all.find((m) => m.id === name) ?? all.find((m) => m.family === name || m.name === name) : all[0];
    if (chat) return { model: new EditorModel(chat), consented: () => this.o.access.canSendRequest(chat) === true, agree: NOTHING_TO_ASK };
    if (!required) return undefined;
    if (all.length === 0) throw new ModelError('model-missing', 'The editor offers no language model.', 'Install an extension that brings one (such as GitHub Copilot Chat), or choose an endpoint with "SafeNote: Select Model".');
    throw new ModelError('model-unknown', `The editor has no model "${name}".`, `It has ${all.map((m) => m.id).slice(0, 8).join(', ')}. Choose one with "SafeNote: Select Model".`);
  }

  private async ollama(settings: Settings): Promise<Chosen> {
    const { detectOllama } = await import('../../node/llm/endpoint.ts');
    const found = await detectOllama({ signal: AbortSignal.timeout(5_000) });
    const wanted = settings['model.name'];
    const model = wanted || found?.models[0];
    if (!found || !model) {
      throw new ModelError(
        'model-missing',
        found ? 'Ollama runs here but has no chat model.' : 'No language model is set up.',
        found ? 'Get one, for example with "ollama pull qwen2.5-coder".' : 'Choose one with "SafeNote: Select Model": a model of the editor, any OpenAI-compatible endpoint, or a local Ollama.',
      );
    }
    const { OpenAiModel } = await import('../../node/llm/openai-model.ts');
    return { model: new OpenAiModel({ endpoint: found.endpoint, model, log: this.o.log }), consented: () => true, agree: NOTHING_TO_ASK };
  }
}
