import * as vscode from 'vscode';
import { parseSettings, SettingsSchema, type SettingKey, type Settings } from '../../core/settings.ts';
import type { Logger } from '../../core/log.ts';
import { Disposables, Listeners } from './disposables.ts';

export const SECTION = 'safenote';
const KEYS = Object.keys(SettingsSchema.shape) as SettingKey[];

/** SafeNote's settings as the editor has them, checked; a bad value is named once and its default used. */
export class Configuration implements vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly changes = new Listeners<(key: SettingKey) => boolean>();
  private readonly cache = new Map<string, Settings>();
  private named = new Set<string>();
  private readonly log: Logger;

  constructor(log: Logger) {
    this.log = log;
    this.disposables.add(
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (!event.affectsConfiguration(SECTION)) return;
        this.cache.clear();
        this.changes.fire((key) => event.affectsConfiguration(`${SECTION}.${key}`));
      }),
    );
  }

  /** Settings as they apply to a resource. */
  settings(resource?: vscode.Uri): Settings {
    const key = resource?.toString() ?? '';
    let settings = this.cache.get(key);
    if (!settings) {
      const read = this.read(resource);
      for (const problem of read.problems) if (!this.named.has(problem)) this.log.warn(problem);
      for (const problem of read.problems) this.named.add(problem);
      settings = read.settings;
      this.cache.set(key, settings);
    }
    return settings;
  }

  /** What is wrong with the settings, in words. */
  problems(): string[] {
    return this.read(undefined).problems;
  }

  /** Calls back after a change, with a way to ask which settings it concerns. */
  onDidChange(listener: (affects: (key: SettingKey) => boolean) => void): vscode.Disposable {
    return this.changes.on(listener) as vscode.Disposable;
  }

  /** Writes user settings. `undefined` takes a setting back to its default. */
  async update(values: Partial<Record<SettingKey, unknown>>): Promise<void> {
    const configuration = vscode.workspace.getConfiguration(SECTION);
    for (const [key, value] of Object.entries(values)) await configuration.update(key, value, vscode.ConfigurationTarget.Global);
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private read(resource: vscode.Uri | undefined): { settings: Settings; problems: string[] } {
    const configuration = vscode.workspace.getConfiguration(SECTION, resource ?? null);
    return parseSettings(Object.fromEntries(KEYS.map((key) => [key, configuration.get<unknown>(key)])));
  }
}
