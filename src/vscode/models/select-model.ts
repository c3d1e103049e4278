import * as vscode from 'vscode';
import { ExpectedError, isCancelled, messageOf } from '../../core/errors.ts';
import { endpointFromEnvironment, type Endpoint } from '../../node/llm/endpoint.ts';
import { hostOf, isLoopback, OPENAI_BASE_URL, parseBaseUrl } from '../../node/llm/address.ts';
import type { Configuration } from '../common/configuration.ts';
import type { ApiKeys } from './api-keys.ts';
import type { Disclosure } from './disclosure.ts';
import type { ModelSource } from './model-source.ts';

interface Choice extends vscode.QuickPickItem {
  readonly run?: () => Promise<void>;
}

/** "Select Model" and "Set API Key". */
export class ModelCommands {
  private readonly o: { configuration: Configuration; keys: ApiKeys; disclosure: Disclosure; models: ModelSource; env: NodeJS.ProcessEnv; trusted: () => boolean };

  constructor(options: ModelCommands['o']) {
    this.o = options;
  }

  async selectModel(): Promise<void> {
    const settings = this.o.configuration.settings();
    const pick = vscode.window.createQuickPick<Choice>();
    pick.title = 'SafeNote: Select Model';
    pick.placeholder = 'Which language model writes the completions?';
    pick.busy = true;
    pick.matchOnDescription = true;
    const now = this.o.models.known?.model;
    const automatic: Choice = {
      label: '$(wand) Automatic',
      description: 'a model of the editor, else a local Ollama',
      ...(now && settings['model.provider'] === 'auto' && !settings['model.baseUrl'] ? { detail: `Now: ${now.name} (${now.origin})` } : {}),
      run: () => this.set('auto', '', ''),
    };
    const typed: Choice = { label: '$(globe) Enter an endpoint…', description: 'any OpenAI-compatible server: OpenAI, vLLM, LM Studio, llama.cpp', run: () => this.enterEndpoint() };
    pick.items = [automatic, typed];
    const accepted = new Promise<Choice | undefined>((resolve) => {
      pick.onDidAccept(() => resolve(pick.selectedItems[0]));
      pick.onDidHide(() => resolve(undefined));
    });
    pick.show();
    void this.offers(settings['model.baseUrl']).then((more) => {
      pick.items = [automatic, ...more, separator('Other'), typed];
      pick.busy = false;
    });
    const choice = await accepted;
    pick.dispose();
    await choice?.run?.();
  }

  async setApiKey(): Promise<void> {
    const suggested = this.o.configuration.settings()['model.baseUrl'] || OPENAI_BASE_URL;
    const baseUrl = await vscode.window.showInputBox({ title: 'SafeNote: Set API Key (1 of 2)', prompt: 'Address of the endpoint that the key belongs to', value: suggested, ignoreFocusOut: true, validateInput: problemOf });
    if (!baseUrl) return;
    await this.askKey(parseBaseUrl(baseUrl), 'SafeNote: Set API Key (2 of 2)');
  }

  private async askKey(baseUrl: string, title: string): Promise<void> {
    const host = hostOf(baseUrl);
    const key = await vscode.window.showInputBox({ title, prompt: `Key for ${host}. It is kept in the editor's secret store. Leave it empty to forget the key.`, password: true, ignoreFocusOut: true });
    if (key === undefined || (!key.trim() && !(await this.o.keys.get(baseUrl)))) return;
    await this.o.keys.set(baseUrl, key.trim());
    void vscode.window.showInformationMessage(key.trim() ? `SafeNote: the key for ${host} is kept.` : `SafeNote: the key for ${host} is forgotten.`);
  }

  private async offers(currentUrl: string): Promise<Choice[]> {
    const [editor, endpoints] = await Promise.all([this.editorModels(), this.endpoints(currentUrl)]);
    return [...editor, ...endpoints];
  }

  private async editorModels(): Promise<Choice[]> {
    const models = await vscode.lm.selectChatModels();
    if (models.length === 0) return [];
    return [separator('Models of the editor'), ...models.map((model): Choice => ({ label: `$(sparkle) ${model.name}`, description: `${model.vendor} · ${model.id}`, run: () => this.set('editor', '', model.id) }))];
  }

  private async endpoints(currentUrl: string): Promise<Choice[]> {
    if (!this.o.trusted()) return [];
    const { detectOllama } = await import('../../node/llm/endpoint.ts');
    const items: Choice[] = [];
    let environment: ReturnType<typeof endpointFromEnvironment>;
    try {
      environment = endpointFromEnvironment(this.o.env);
    } catch {
      // A bad address in the environment is no reason to hide the other choices.
    }
    const ollama = await detectOllama({ signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
    if (ollama && ollama.models.length > 0) items.push(separator('Ollama on this machine'), ...ollama.models.map((model): Choice => ({ label: `$(server) ${model}`, run: () => this.set('openai', ollama.endpoint.baseUrl, model) })));
    const { disclosure } = this.o;
    if (environment) {
      const { endpoint, model } = environment;
      items.push(separator('From the environment (SAFENOTE_*, OPENAI_*)'));
      items.push({ label: `$(terminal) ${model ?? hostOf(endpoint.baseUrl)}`, description: model ? hostOf(endpoint.baseUrl) : 'choose a model there', run: () => (model ? this.set('openai', endpoint.baseUrl, model) : this.chooseModelAt(endpoint)) });
    }
    if (currentUrl && currentUrl !== ollama?.endpoint.baseUrl && disclosure.isDisclosed(currentUrl)) {
      const apiKey = await this.o.keys.get(currentUrl);
      items.push(separator(`At ${hostOf(currentUrl)}`), { label: `$(globe) Choose a model at ${hostOf(currentUrl)}…`, run: () => this.chooseModelAt({ baseUrl: currentUrl, ...(apiKey ? { apiKey } : {}) }) });
    }
    return items;
  }

  private async enterEndpoint(): Promise<void> {
    const typed = await vscode.window.showInputBox({ title: 'SafeNote: Endpoint', prompt: 'Base URL of an OpenAI-compatible server', placeHolder: 'http://127.0.0.1:8000/v1', value: this.o.configuration.settings()['model.baseUrl'], ignoreFocusOut: true, validateInput: problemOf });
    if (!typed) return;
    const baseUrl = parseBaseUrl(typed);
    if (!isLoopback(baseUrl) && !(await this.o.keys.get(baseUrl))) await this.askKey(baseUrl, `SafeNote: Key for ${hostOf(baseUrl)}`);
    const apiKey = await this.o.keys.get(baseUrl);
    await this.chooseModelAt({ baseUrl, ...(apiKey ? { apiKey } : {}) });
  }

  /** Lets the user choose among the models at an endpoint, or type a name where it lists none. */
  private async chooseModelAt(endpoint: Endpoint): Promise<void> {
    await this.o.disclosure.ensure(endpoint.baseUrl);
    const host = hostOf(endpoint.baseUrl);
    const { listModels } = await import('../../node/llm/endpoint.ts');
    let names: string[] = [];
    let problem = '';
    try {
      names = await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: `SafeNote: asking ${host} for its models…` }, () => listModels(endpoint, { signal: AbortSignal.timeout(10_000) }));
    } catch (error) {
      if (isCancelled(error)) problem = 'no answer';
      else problem = messageOf(error);
    }
    const other = '$(edit) Type a name…';
    const picked = names.length === 0 ? other : await vscode.window.showQuickPick([...names, other], { title: `SafeNote: Model at ${host}`, placeHolder: 'Which model?', ignoreFocusOut: true });
    if (!picked) return;
    const model = picked === other ? await vscode.window.showInputBox({ title: `SafeNote: Model at ${host}`, prompt: problem ? `The models could not be listed (${problem.replace(/\.$/, '')}). Name one all the same?` : 'Name of the model as the server knows it', ignoreFocusOut: true }) : picked;
    if (!model?.trim()) return;
    await this.set('openai', endpoint.baseUrl, model.trim());
  }

  private async set(provider: 'auto' | 'editor' | 'openai', baseUrl: string, model: string): Promise<void> {
    await this.o.configuration.update({ 'model.provider': provider === 'auto' ? undefined : provider, 'model.baseUrl': baseUrl || undefined, 'model.name': model || undefined });
    this.o.models.forget();
    const state = await this.o.models.look();
    if (state.model) void vscode.window.showInformationMessage(`SafeNote uses ${state.model.name} (${state.model.origin}).`);
    else if (state.problem) throw new ExpectedError('model-missing', state.problem, 'Choose another model, or start the server.');
  }
}

function separator(label: string): Choice {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}

function problemOf(text: string): string | undefined {
  try {
    parseBaseUrl(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
