// SafeNote as a user meets it: the VSIX installed in a real VS Code, a browser, keys and eyes.
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { filesBelow } from '../../tools/build/files.mjs';
import { launchBrowser } from '../../tools/editor/browser.ts';
import { installExtension, startServer, type EditorServer } from '../../tools/editor/server.ts';
import { root, semgrep } from '../../tools/setup/paths.mjs';

export interface EditorOptions {
  /** Folder whose copy is opened (paths from the project's root); absent: an empty one. */
  readonly workspace?: string;
  /** Machine settings. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The model to use; absent: none is configured. */
  readonly model?: { readonly baseUrl: string; readonly name: string };
  /** `ask`: the editor's question about trust is left to the test. Default `all`: everything is trusted. */
  readonly trust?: 'all' | 'ask';
  readonly env?: Readonly<Record<string, string>>;
  readonly viewport?: { readonly width: number; readonly height: number };
  /** False: the extension is not installed. */
  readonly extension?: boolean;
}

/** What the functions that run in the page need of an element; the DOM's own types would leak into the whole project. */
interface PageElement {
  readonly textContent: string | null;
  contains(other: PageElement): boolean;
  querySelectorAll(selector: string): Iterable<PageElement>;
  getBoundingClientRect(): { readonly top: number; readonly left: number };
}

const SECOND = 1000;

/** One editor window with everything behind it. Always `close()` it. */
export class Editor {
  readonly page: Page;
  /** The opened copy of the workspace. */
  readonly folder: string;
  /** Where SafeNote keeps its per-user data in this run. */
  readonly home: string;
  private readonly browser: Browser;
  private readonly server: EditorServer;
  private readonly base: string;

  private constructor(page: Page, browser: Browser, server: EditorServer, base: string) {
    this.page = page;
    this.browser = browser;
    this.server = server;
    this.base = base;
    this.folder = path.join(base, 'workspace');
    this.home = path.join(base, 'home');
  }

  /** Starts server and browser, and resolves when the window can be used. */
  static async open(options: EditorOptions = {}): Promise<Editor> {
    const base = await realpath(await mkdtemp(path.join(os.tmpdir(), 'safenote-e2e-')));
    const undo: (() => Promise<unknown>)[] = [() => rm(base, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })];
    try {
      const folder = path.join(base, 'workspace');
      await mkdir(folder);
      if (options.workspace) await cp(path.resolve(root, options.workspace), folder, { recursive: true });
      const [dataFolder, extensionsFolder] = [path.join(base, 'data'), path.join(base, 'extensions')];
      if (options.extension !== false) await installExtension(await vsixFile(), dataFolder, extensionsFolder);
      const model = options.model && { 'safenote.model.provider': 'openai', 'safenote.model.baseUrl': options.model.baseUrl, 'safenote.model.name': options.model.name };
      const server = await startServer({
        dataFolder,
        extensionsFolder,
        token: 'e2e',
        trustEverything: options.trust !== 'ask',
        settings: { ...model, ...(existsSync(semgrep) && { 'safenote.analyzers.semgrep.path': semgrep }), ...options.settings },
        env: { SAFENOTE_HOME: path.join(base, 'home'), ...options.env },
      });
      undo.push(() => server.stop());
      const browser = await launchBrowser();
      undo.push(() => browser.close());
      const context = await browser.newContext({ viewport: options.viewport ?? { width: 1360, height: 850 }, permissions: ['clipboard-read', 'clipboard-write'] });
      const page = await context.newPage();
      await page.goto(server.url(folder));
      const editor = new Editor(page, browser, server, base);
      await editor.waitForWorkbench();
      return editor;
    } catch (error) {
      for (const step of undo.reverse()) await step().catch(() => {});
      throw error;
    }
  }

  /** Ends everything and removes the run's folders. Returns what would have been left running. */
  async close(): Promise<string[]> {
    await this.browser.close().catch(() => {});
    const left = await this.server.stop();
    await rm(this.base, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    return left;
  }

  async waitForWorkbench(): Promise<void> {
    await this.page.locator('.monaco-workbench').waitFor({ timeout: 60 * SECOND });
    await this.page.locator('.statusbar').waitFor({ timeout: 30 * SECOND });
  }

  /** Opens a file of the workspace by its path there. */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press('Control+P');
    await this.quickInput().waitFor();
    await this.page.keyboard.type(name);
    // Typing Enter before the list is there would lose the key.
    await this.rows().filter({ hasText: path.basename(name) }).first().waitFor({ timeout: 15 * SECOND });
    await this.page.keyboard.press('Enter');
    await this.page.locator('.tab.active', { hasText: path.basename(name) }).waitFor({ timeout: 15 * SECOND });
    await this.page.locator('.editor-instance .monaco-editor .view-line').first().waitFor({ timeout: 15 * SECOND });
  }

  /** Sets the caret; 1-based. */
  async gotoLine(line: number, column = 1): Promise<void> {
    await this.page.keyboard.press('Control+G');
    await this.quickInput().waitFor();
    await this.page.keyboard.type(`${line}:${column}`);
    await this.page.keyboard.press('Enter');
    await this.quickInput().waitFor({ state: 'hidden' });
    await this.page.locator('#status\\.editor\\.selection', { hasText: new RegExp(`Ln ${line}, Col ${column}\\b`) }).waitFor({ timeout: 10 * SECOND });
  }

  /** Runs a command by its title through the command palette. */
  async runCommand(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.quickInput().waitFor();
    await this.page.keyboard.type(title);
    await this.rows().filter({ hasText: title }).first().waitFor({ timeout: 30 * SECOND });
    await this.page.keyboard.press('Enter');
  }

  /** Chooses an entry of the quick pick that is open. */
  async pick(text: string): Promise<void> {
    const row = this.rows().filter({ hasText: text }).first();
    await row.waitFor({ timeout: 15 * SECOND });
    await row.click();
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
  }

  async save(): Promise<void> {
    await this.page.keyboard.press('Control+S');
    await this.page.locator('.tab.active.dirty').waitFor({ state: 'detached', timeout: 10 * SECOND });
  }

  /** The ghost text that is shown, lines joined by line feeds; empty when there is none. */
  async ghostText(): Promise<string> {
    const elements = this.page.locator('.monaco-editor [class*="ghost-text"], .monaco-editor .suggest-preview-text .view-line');
    return elements.evaluateAll((all: PageElement[]) => {
      // A part of a line, or whole lines below it; only the outermost elements, from top to bottom.
      const outermost = all.filter((element) => element.textContent && !all.some((other) => other !== element && other.contains(element)));
      const pieces = outermost.map((element) => ({ element, box: element.getBoundingClientRect() }));
      pieces.sort((a, b) => a.box.top - b.box.top || a.box.left - b.box.left);
      let text = '';
      pieces.forEach(({ element, box }, index) => {
        const before = pieces[index - 1]?.box.top ?? box.top;
        if (Math.abs(box.top - before) > 3) text += '\n';
        const lines = [...element.querySelectorAll('.view-line')].map((line) => line.textContent ?? '');
        text += lines.length > 0 ? lines.join('\n') : (element.textContent ?? '');
      });
      return text.replaceAll('\u00a0', ' ');
    });
  }

  /** Waits until ghost text is shown (and, where given, matches), and returns it. */
  async waitForGhostText(matching: RegExp = /\S/, timeout = 60 * SECOND): Promise<string> {
    return this.until(`ghost text that matches ${matching}`, timeout, () => this.ghostText(), (text) => matching.test(text));
  }

  async waitForNoGhostText(timeout = 10 * SECOND): Promise<void> {
    await this.until('no ghost text', timeout, () => this.ghostText(), (text) => text === '');
  }

  /** The visible lines of the active editor, as shown. */
  async visibleText(): Promise<string> {
    return this.page.locator('.editor-group-container.active .editor-instance .view-lines > .view-line').evaluateAll((lines: PageElement[]) =>
      lines
        .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
        .map((line) => line.textContent ?? '')
        .join('\n')
        .replaceAll('\u00a0', ' '),
    );
  }

  async waitForText(matching: RegExp, timeout = 20 * SECOND): Promise<string> {
    return this.until(`editor text that matches ${matching}`, timeout, () => this.visibleText(), (text) => matching.test(text));
  }

  /** A file of the workspace as it is on disk. */
  fileText(name: string): Promise<string> {
    return readFile(path.join(this.folder, name), 'utf8');
  }

  /** Texts of the status bar's items. */
  async statusBar(): Promise<string[]> {
    return (await this.page.locator('.statusbar-item:visible').allTextContents()).map((text) => text.replaceAll('\u00a0', ' ').trim()).filter(Boolean);
  }

  async waitForStatus(matching: RegExp, timeout = 30 * SECOND): Promise<string> {
    return this.until(`a status bar item that matches ${matching}`, timeout, async () => (await this.statusBar()).join(' | '), (text) => matching.test(text));
  }

  /** Texts of the notifications that are shown. */
  async notifications(): Promise<string[]> {
    return this.page.locator('.notification-toast .notification-list-item-message').allTextContents();
  }

  /** Presses a button of a notification. */
  async answerNotification(button: string): Promise<void> {
    await this.page.locator('.notification-toast .monaco-button', { hasText: button }).first().click({ timeout: 15 * SECOND });
  }

  /** Shows a view container by the name of its icon, if it is not shown. */
  async openContainer(title: string): Promise<void> {
    const icon = this.page.locator('.activitybar .action-item', { has: this.page.locator(`a[aria-label^="${title}"]`) }).first();
    await icon.waitFor({ timeout: 30 * SECOND });
    if (!(/\bchecked\b/.test((await icon.getAttribute('class')) ?? ''))) await icon.click();
  }

  /** Rows of the trees in the side bar, as shown, from top to bottom. */
  async treeRows(): Promise<string[]> {
    return (await this.treeRow('').allTextContents()).map((text) => text.replaceAll('\u00a0', ' ').trim());
  }

  /** A row of a tree in the side bar by a part of its text. */
  treeRow(text: string): Locator {
    return this.page.locator('.sidebar .monaco-list-row', { hasText: text });
  }

  async waitForTree(matching: RegExp, timeout = 20 * SECOND): Promise<string[]> {
    const text = await this.until(`a tree that matches ${matching}`, timeout, async () => (await this.treeRows()).join('\n'), (rows) => matching.test(rows));
    return text.split('\n');
  }

  /** Writes test-results/NAME.png and returns its path. */
  async screenshot(name: string): Promise<string> {
    const file = path.join(root, 'test-results', `${name}.png`);
    await this.page.screenshot({ path: file });
    return file;
  }

  /** What the extension has written to its log channel. */
  async extensionLog(): Promise<string> {
    const logs = path.join(this.base, 'data/data/logs');
    const files = (await filesBelow(logs, '.log')).filter((file) => file.includes('/safenote.safenote/'));
    return (await Promise.all(files.map((file) => readFile(path.join(logs, file), 'utf8')))).join('');
  }

  private quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible');
  }

  private rows(): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row');
  }

  private async until(what: string, timeout: number, read: () => Promise<string>, good: (text: string) => boolean): Promise<string> {
    const end = Date.now() + timeout;
    let text = await read();
    while (!good(text)) {
      if (Date.now() > end) {
        const picture = await this.screenshot(`timeout-${Date.now()}`);
        throw new Error(`Waited ${timeout / SECOND} s for ${what}; the last was ${JSON.stringify(text.slice(0, 500))}. Status: ${(await this.statusBar()).join(' | ')}. See ${picture}. SafeNote's log ends: ${(await this.extensionLog()).split('\n').slice(-8).join(' / ')}`);
      }
      await this.page.waitForTimeout(100);
      text = await read();
    }
    return text;
  }
}

async function vsixFile(): Promise<string> {
  const files = (await readdir(path.join(root, 'dist')).catch(() => [])).filter((name) => name.endsWith('.vsix'));
  const name = files[0];
  if (!name) throw new Error('There is no VSIX in dist/. Run: npm run package');
  return path.join(root, 'dist', name);
}
