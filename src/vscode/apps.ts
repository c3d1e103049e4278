import * as vscode from 'vscode';
import type { Logger } from '../core/log.ts';
import type { ScanEvent } from '../core/verification/scans.ts';
import { Turn } from '../core/verification/turn.ts';
import type { App } from '../node/app.ts';
import { Listeners } from './common/disposables.ts';
import type { Configuration } from './common/configuration.ts';
import type { ModelSource } from './models/model-source.ts';
import { TestQuestions } from './tests/questions.ts';

/** One notebook and everything that works with it. */
export interface Room {
  readonly app: App;
  /** Folder of the notebook. */
  readonly folder: vscode.Uri;
  readonly name: string;
}

/**
 * One `App` per workspace folder, made when it is first needed. What belongs to no folder (an unsaved text, a single
 * file) has a notebook of the user's own.
 */
export class Apps implements vscode.Disposable {
  private readonly rooms = new Map<string, Promise<Room>>();
  private readonly made = new Listeners<Room>();
  private readonly scans = new Listeners<ScanEvent>();
  private readonly turns = { semgrep: new Turn(), codeql: new Turn() };
  private readonly agreed = new Listeners<void>();
  private readonly subscriptions: vscode.Disposable[] = [];
  private readonly o: { assetsRoot: string; homeless: vscode.Uri; configuration: Configuration; models: ModelSource; env: NodeJS.ProcessEnv; log: Logger };

  constructor(options: Apps['o']) {
    this.o = options;
    this.subscriptions.push(
      vscode.workspace.onDidChangeWorkspaceFolders(({ removed }) => removed.forEach((folder) => void this.close(folder.uri))),
      // What is built with these settings is built again.
      options.configuration.onDidChange((affects) => affects('embedding.model') && void this.closeAll()) as vscode.Disposable,
      vscode.workspace.onDidGrantWorkspaceTrust(() => void this.warmUpMade()),
    );
  }

  /** The room of a document, a folder or a note file. */
  for(uri: vscode.Uri | undefined): Promise<Room> {
    return this.room(this.folderOf(uri));
  }

  /** Rooms of all workspace folders. */
  all(): Promise<Room[]> {
    return Promise.all((vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file').map((folder) => this.room(folder)));
  }

  /** Calls back for every room that is made. */
  onDidMake(listener: (room: Room) => void): vscode.Disposable {
    return this.made.on(listener) as vscode.Disposable;
  }

  /** Calls back when the user has agreed to a way of running tests. */
  onDidAgreeToTests(listener: () => void): vscode.Disposable {
    return this.agreed.on(listener) as vscode.Disposable;
  }

  /** Calls back when an analyzer begins with a text, and when it has answered. */
  onScan(listener: (event: ScanEvent) => void): vscode.Disposable {
    return this.scans.on(listener) as vscode.Disposable;
  }

  async dispose(): Promise<void> {
    for (const subscription of this.subscriptions) subscription.dispose();
    await this.closeAll();
  }

  private folderOf(uri: vscode.Uri | undefined): vscode.WorkspaceFolder | undefined {
    const folders = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file');
    if (!uri || uri.scheme === 'untitled') return folders[0];
    // A notebook cell has its notebook's path under another scheme.
    return vscode.workspace.getWorkspaceFolder(uri) ?? vscode.workspace.getWorkspaceFolder(vscode.Uri.file(uri.fsPath));
  }

  private room(folder: vscode.WorkspaceFolder | undefined): Promise<Room> {
    const uri = folder?.uri ?? this.o.homeless;
    const key = uri.toString();
    const known = this.rooms.get(key);
    if (known) return known;
    const room = this.make(uri, folder?.name ?? 'No folder');
    this.rooms.set(key, room);
    room.then(
      (it) => this.made.fire(it),
      () => this.rooms.delete(key),
    );
    return room;
  }

  private async make(folder: vscode.Uri, name: string): Promise<Room> {
    // Loaded with the first need: nothing of it is on the activation path.
    const { App } = await import('../node/app.ts');
    if (folder.toString() === this.o.homeless.toString()) await vscode.workspace.fs.createDirectory(folder);
    const questions = new TestQuestions({
      name,
      answered: async (question, yes) => {
        await app.testConsent.keep(question, yes);
        if (yes) this.agreed.fire();
      },
    });
    const app: App = new App({
      assetsRoot: this.o.assetsRoot,
      workspaceFolder: folder.fsPath,
      settings: () => this.o.configuration.settings(folder),
      trusted: () => vscode.workspace.isTrusted,
      model: () => this.o.models.current(),
      log: this.o.log,
      semgrepWarm: true,
      turns: this.turns,
      onScan: (event) => this.scans.fire(event),
      env: this.o.env,
      testConsent: questions,
    });
    return { app, folder, name };
  }

  private async warmUpMade(): Promise<void> {
    for (const room of this.rooms.values()) (await room).app.warmUp();
  }

  private async close(folder: vscode.Uri): Promise<void> {
    const room = this.rooms.get(folder.toString());
    this.rooms.delete(folder.toString());
    if (room) await (await room).app.dispose();
  }

  private async closeAll(): Promise<void> {
    const rooms = [...this.rooms.values()];
    this.rooms.clear();
    await Promise.allSettled(rooms.map(async (room) => (await room).app.dispose()));
  }
}
