import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import * as z from 'zod';
import type { Apps, Room } from '../apps.ts';
import { Disposables } from '../common/disposables.ts';
import type { ErrorPath } from '../common/error-path.ts';
import type { Notebooks } from '../notebook/notebooks.ts';
import { dashboardData } from './data.ts';
import { dashboardPage, dashboardPolicy } from './page.ts';
import type { DashboardData, FromPage, ToPage } from './protocol.ts';

/** Changes come in bursts (a build of the notebook); the page follows at most so often, in milliseconds. */
const REFRESH_MS = 300;

const NoteId = z.string().regex(/^[a-z0-9-]{1,200}$/);
const Count = z.number().int().nonnegative();
const Message: z.ZodType<FromPage> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('folder'), id: z.string().max(4000) }),
  z.object({ type: z.literal('open'), note: NoteId }),
  z.object({ type: z.literal('mute'), note: NoteId }),
  z.object({ type: z.literal('wrong'), note: NoteId }),
  z.object({ type: z.literal('complete') }),
  z.object({ type: z.literal('drawn'), charts: Count, notes: Count, completions: Count, list: z.string().max(400) }),
  z.object({ type: z.literal('problem'), text: z.string().max(2000) }),
]);

export interface DashboardOptions {
  readonly apps: Apps;
  readonly notebooks: Notebooks;
  readonly extensionUri: vscode.Uri;
  readonly errors: ErrorPath;
}

/** What the dashboard shows, for tests. */
export interface DashboardState {
  readonly policy: string;
  readonly html: string;
  readonly drawn?: Extract<FromPage, { type: 'drawn' }>;
  readonly problems: readonly string[];
}

/** The dashboard's window: gives the page its data, does what the page asks for. One at a time. */
export class DashboardPanel implements vscode.Disposable {
  private readonly o: DashboardOptions;
  private readonly own = new Disposables();
  private readonly panel: vscode.WebviewPanel;
  private readonly watched = new Map<Room, () => void>();
  private readonly policy: string;
  private folder: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private drawn: DashboardState['drawn'];
  private readonly problems: string[] = [];
  private closed = false;

  constructor(options: DashboardOptions, onClose: () => void) {
    this.o = options;
    const dist = vscode.Uri.joinPath(options.extensionUri, 'dist');
    const media = vscode.Uri.joinPath(options.extensionUri, 'media', 'dashboard');
    this.panel = vscode.window.createWebviewPanel('safenote.dashboard', 'SafeNote Dashboard', vscode.ViewColumn.Active, { enableScripts: true, enableForms: false, enableCommandUris: false, localResourceRoots: [dist, media] });
    this.panel.iconPath = vscode.Uri.joinPath(options.extensionUri, 'media', 'activity.svg');
    this.own.add(
      this.panel.onDidDispose(() => {
        this.closed = true;
        this.own.dispose();
        clearTimeout(this.timer);
        for (const stop of this.watched.values()) stop();
        onClose();
      }),
    );
    this.own.add(this.panel.webview.onDidReceiveMessage((message: unknown) => this.received(message)));
    this.own.add(options.notebooks.onDidChange(() => this.later()));
    // Other windows and the command line count, too: what they wrote is read when somebody looks.
    this.own.add(this.panel.onDidChangeViewState(() => this.panel.visible && this.later()));
    this.own.add(vscode.window.onDidChangeWindowState(({ focused }) => focused && this.panel.visible && this.later()));
    const nonce = randomBytes(16).toString('hex');
    const { webview } = this.panel;
    this.policy = dashboardPolicy(nonce);
    webview.html = dashboardPage({ nonce, script: webview.asWebviewUri(vscode.Uri.joinPath(dist, 'dashboard.js')).toString(), style: webview.asWebviewUri(vscode.Uri.joinPath(media, 'dashboard.css')).toString() });
  }

  show(): void {
    this.panel.reveal();
    this.later();
  }

  get state(): DashboardState {
    return { policy: this.policy, html: this.panel.webview.html, ...(this.drawn ? { drawn: this.drawn } : {}), problems: this.problems };
  }

  dispose(): void {
    this.panel.dispose();
  }

  private received(message: unknown): void {
    const parsed = Message.safeParse(message);
    if (!parsed.success) return;
    const { data } = parsed;
    const target = 'note' in data ? { id: data.note, ...(this.folder === undefined ? {} : { folder: this.folder }) } : undefined;
    switch (data.type) {
      case 'ready':
        return void this.o.errors.run('Showing the dashboard', () => this.send());
      case 'folder':
        this.folder = data.id;
        return void this.o.errors.run('Showing the dashboard', () => this.send());
      case 'open':
        return void vscode.commands.executeCommand('safenote.openNote', target);
      case 'mute':
        return void vscode.commands.executeCommand('safenote.muteNote', target);
      case 'wrong':
        return void vscode.commands.executeCommand('safenote.markNoteWrong', target);
      case 'complete':
        return void vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup').then(() => vscode.commands.executeCommand('safenote.secureComplete'));
      case 'drawn':
        this.drawn = data;
        return;
      case 'problem':
        if (this.problems.length < 50) this.problems.push(data.text);
        this.o.errors.quiet('The dashboard', new Error(data.text));
    }
  }

  private later(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      // A hidden page asks anew when it is seen again.
      if (this.panel.visible) void this.send().catch((error: unknown) => this.o.errors.quiet('Showing the dashboard', error));
    }, REFRESH_MS);
  }

  private async send(): Promise<void> {
    const data = await this.data();
    if (this.closed) return;
    await this.panel.webview.postMessage({ type: 'data', data } satisfies ToPage);
  }

  private async data(): Promise<DashboardData> {
    const all = await this.o.apps.all();
    const rooms = all.length > 0 ? all : [await this.o.apps.for(undefined)];
    const room = rooms.find((r) => r.folder.toString() === this.folder) ?? rooms[0];
    if (!room) throw new Error('There is no notebook.');
    this.folder = room.folder.toString();
    if (!this.watched.has(room)) this.watched.set(room, room.app.journal.watch(() => this.later()));
    await this.o.notebooks.readTitles(room);
    const { notes } = await room.app.store.load();
    const { journal } = room.app;
    return {
      folders: rooms.map((r) => ({ id: r.folder.toString(), name: r.name })),
      folder: this.folder,
      ...dashboardData({ notes, totals: journal.totals(), events: journal.events(), titleOf: (cwe) => this.o.notebooks.titleOf(cwe), now: new Date() }),
    };
  }
}
