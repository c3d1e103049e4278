import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import { hostOf } from '../../node/llm/address.ts';

/** Keys of endpoints, by host, in the editor's own secret store. They are never written to settings or logs. */
export class ApiKeys {
  private readonly secrets: vscode.SecretStorage;
  readonly onDidChange: vscode.Event<unknown>;

  constructor(secrets: vscode.SecretStorage) {
    this.secrets = secrets;
    this.onDidChange = secrets.onDidChange;
  }

  async get(baseUrl: string): Promise<string | undefined> {
    try {
      return await this.secrets.get(name(baseUrl));
    } catch {
      // Without a keyring the key may still come from the environment.
      return undefined;
    }
  }

  /** Keeps a key, or forgets it where empty. Throws `ExpectedError` where the system has no secret store. */
  async set(baseUrl: string, key: string): Promise<void> {
    try {
      if (key) await this.secrets.store(name(baseUrl), key);
      else await this.secrets.delete(name(baseUrl));
    } catch (error) {
      throw new ExpectedError('no-keyring', 'The system has no place to keep secrets.', 'Set SAFENOTE_API_KEY in the environment that VS Code is started from.', { cause: error });
    }
  }
}

function name(baseUrl: string): string {
  return `apiKey:${hostOf(baseUrl)}`;
}
