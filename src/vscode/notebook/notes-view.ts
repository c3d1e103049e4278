import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import type { NoteKind } from '../../core/notebook/note.ts';
import type { NoteTarget } from '../commands.ts';
import { visibleText } from '../../core/visible-text.ts';
import { Disposables } from '../common/disposables.ts';
import type { ErrorPath } from '../common/error-path.ts';
import type { Dragging, LazyTree } from '../common/lazy-tree.ts';
import { isFiltering, type State } from './arrange.ts';
import type { Arrangement } from './arrangement.ts';
import { filterWords, groupingName, groupName, labelOf, noteTooltip, sortingName, spokenNote, STATE_ICONS } from './note-labels.ts';
import type { Notebooks } from './notebooks.ts';
import { type GroupNode, type NoteNode, type NotesNode, notesTree, page, type Tree, viewItemOf } from './notes-tree.ts';
import type { SeenNotes } from './seen-notes.ts';

const { t } = vscode.l10n;

/** Changes come in bursts (a build of the notebook); the view follows at most so often, in milliseconds. */
const REFRESH_MS = 150;
/** Rows of a group that the editor is given at once. */
const PAGE = 200;
/** A notebook with more notes opens with its groups closed. */
const OPEN_UP_TO = 100;

/** One notebook in the sidebar. */
export class NotesView implements vscode.TreeDataProvider<NotesNode>, Dragging<NotesNode>, vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly changed = this.disposables.add(new vscode.EventEmitter<NotesNode | undefined>());
  readonly onDidChangeTreeData = this.changed.event;
  private readonly o: { kind: NoteKind; notebooks: Notebooks; tree: LazyTree; arrangement: Arrangement; seen: SeenNotes; errors: ErrorPath; merge: (from: readonly NoteTarget[], into: NoteTarget) => Promise<void> };
  private timer: NodeJS.Timeout | undefined;
  private built: Tree | undefined;
  private buildMs = 0;
  private readonly parents = new WeakMap<NotesNode, NotesNode>();
  /** Group → how many pages of it are shown; one where it is not named. */
  private readonly pages = new Map<string, number>();
  /** New since the view was last in sight; they stay marked as long as it is. */
  private fresh: ReadonlySet<string> = new Set();

  constructor(options: NotesView['o']) {
    this.o = options;
    this.disposables.add(options.notebooks.onDidChange(() => this.later()));
    this.disposables.add(options.arrangement.onDidChange(() => this.refresh()));
    this.disposables.add(options.tree.view.onDidChangeVisibility(() => void this.visibilityChanged()));
    options.tree.attach(this, this);
  }

  /** What is shown, for tests. */
  get look(): { badge: number; message: string; description: string; buildMs: number } {
    const { view } = this.o.tree;
    return { badge: view.badge?.value ?? 0, message: view.message ?? '', description: view.description ?? '', buildMs: this.buildMs };
  }

  /** Every row as the editor gets it, for tests. */
  async rows(nodes?: readonly NotesNode[]): Promise<{ item: vscode.TreeItem; id?: string; tooltip?: string }[]> {
    const rows = [];
    for (const node of nodes ?? (await this.getChildren())) {
      const item = this.getTreeItem(node);
      const tooltip = this.resolveTreeItem(item, node).tooltip;
      rows.push({ item, ...(node.kind === 'note' ? { id: node.id } : {}), ...(tooltip ? { tooltip: typeof tooltip === 'string' ? tooltip : tooltip.value } : {}) });
      if (item.collapsibleState) rows.push(...(await this.rows(await this.getChildren(node))));
    }
    return rows;
  }

  /** Drags notes onto the last of them, for tests. */
  async dragOnto(targets: readonly NoteTarget[]): Promise<void> {
    await this.build();
    const nodes = targets.map((target) => this.groups().flatMap((group) => group.children).find((note) => note.id === target.id));
    const transfer = new vscode.DataTransfer();
    this.drag(nodes.slice(0, -1).filter((node) => node !== undefined), transfer);
    await this.drop(nodes.at(-1), transfer);
  }

  async getChildren(node?: NotesNode): Promise<NotesNode[]> {
    if (!node) return [...(await this.build()).roots];
    const children = node.kind === 'group' ? page(node, this.pages.get(node.key) ?? 1, PAGE) : node.kind === 'folder' ? [...node.children] : [];
    for (const child of children) this.parents.set(child, node);
    return children;
  }

  getParent(node: NotesNode): NotesNode | undefined {
    return this.parents.get(node);
  }

  getTreeItem(node: NotesNode): vscode.TreeItem {
    switch (node.kind) {
      case 'folder': {
        const item = new vscode.TreeItem(node.name, vscode.TreeItemCollapsibleState.Expanded);
        item.id = node.key;
        item.iconPath = vscode.ThemeIcon.Folder;
        item.description = `(${node.count})`;
        item.accessibilityInformation = { label: t('Workspace folder {0}, {1} notes', node.name, node.count) };
        return item;
      }
      case 'group':
        return this.groupItem(node);
      case 'note':
        return this.noteItem(node);
      case 'more': {
        const item = new vscode.TreeItem(t('Show {0} more', Math.min(node.hidden, PAGE)));
        item.id = node.key;
        item.description = t('of {0}', node.hidden);
        item.iconPath = new vscode.ThemeIcon('ellipsis');
        item.command = { command: 'safenote.internal.moreNotes', title: t('Show More'), arguments: [node.group] };
        return item;
      }
      case 'setAside': {
        const item = new vscode.TreeItem(vscode.Uri.file(node.file.file));
        item.id = node.key;
        item.description = t('cannot be read');
        item.tooltip = `${visibleText(node.file.reason)}\n\n${node.inUse ? t('The last good version of this note stays in use. The file is left as it is.') : t('SafeNote neither uses nor changes this file.')}`;
        item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
        item.accessibilityInformation = { label: t('{0}, cannot be read: {1}', node.file.file.split(/[\\/]/).at(-1) ?? '', visibleText(node.file.reason)) };
        item.contextValue = 'noteFile.setAside';
        item.command = { command: 'vscode.open', title: t('Open'), arguments: [vscode.Uri.file(node.file.file)] };
        return item;
      }
    }
  }

  /** The tooltip is made when it is asked for: a notebook may have thousands of notes. */
  resolveTreeItem(item: vscode.TreeItem, node: NotesNode): vscode.TreeItem {
    if (node.kind === 'note') item.tooltip = noteTooltip(node, (cwe) => this.o.notebooks.titleOf(cwe));
    return item;
  }

  /** Shows the next page of a group, if it is one of this view. */
  more(groupKey: string): void {
    const group = this.groups().find((node) => node.key === groupKey);
    if (!group) return;
    this.pages.set(groupKey, (this.pages.get(groupKey) ?? 1) + 1);
    this.changed.fire(group);
  }

  /** Selects a note in the view. False where the filter hides it, or it is of the other notebook. */
  async reveal(target: NoteTarget): Promise<boolean> {
    await this.build();
    for (const group of this.groups()) {
      const at = group.children.findIndex((note) => note.id === target.id && (target.folder === undefined || note.folder === target.folder));
      const note = group.children[at];
      if (!note) continue;
      this.pages.set(group.key, Math.max(this.pages.get(group.key) ?? 1, Math.ceil((at + 1) / PAGE)));
      this.parents.set(note, group);
      await this.o.tree.view.reveal(note, { select: true, focus: true });
      return true;
    }
    return false;
  }

  drag(nodes: readonly NotesNode[], transfer: vscode.DataTransfer): void {
    const notes = nodes.filter((node) => node.kind === 'note');
    if (notes.length === 0) return;
    transfer.set(this.o.tree.rowsMime, new vscode.DataTransferItem(JSON.stringify(notes.map(({ id, folder }): NoteTarget => ({ id, folder })))));
    // Dropped into an editor, a note opens there.
    transfer.set('text/uri-list', new vscode.DataTransferItem(notes.map((node) => vscode.Uri.file(node.stored.file).toString()).join('\r\n')));
  }

  async drop(target: NotesNode | undefined, transfer: vscode.DataTransfer): Promise<void> {
    await this.o.errors.run(t('Merging notes'), async () => {
      const item = transfer.get(this.o.tree.rowsMime);
      if (!item) return;
      if (target?.kind !== 'note') throw new ExpectedError('merge-target', t('Notes are merged by dropping one onto another note.'), t('A group is made of what its notes say; edit a note to move it.'));
      const from = JSON.parse(await item.asString()) as NoteTarget[];
      await this.o.merge(from.filter(({ id, folder }) => id !== target.id || folder !== target.folder), { id: target.id, folder: target.folder });
    });
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.disposables.dispose();
  }

  private refresh(): void {
    this.changed.fire(undefined);
    this.describe();
  }

  private groupItem(node: GroupNode): vscode.TreeItem {
    const open = (this.built?.shown ?? 0) <= OPEN_UP_TO;
    const name = groupName(node);
    const item = new vscode.TreeItem(node.title || node.by === 'age' || !node.label ? name : node.label, open ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed);
    // Opened by default or not is part of what the editor remembers by id.
    item.id = node.key;
    item.description = `(${node.children.length})`;
    item.tooltip = name;
    item.accessibilityInformation = { label: t('{0}, {1} notes', name, node.children.length) };
    return item;
  }

  private noteItem(node: NoteNode): vscode.TreeItem {
    const { note } = node.stored;
    const isNew = this.fresh.has(node.key);
    const item = new vscode.TreeItem(labelOf(node.stored, this.o.arrangement.groupBy(this.o.kind) === 'cwe' && note.cwe ? this.o.notebooks.titleOf(note.cwe) : ''));
    item.id = node.key;
    item.description = [isNew ? t('new') : '', this.o.arrangement.groupBy(this.o.kind) === 'language' ? (note.cwe ?? '') : note.language].filter(Boolean).join(' · ');
    item.iconPath = iconOf(node.state, note.pinned === true, isNew);
    item.contextValue = viewItemOf(node);
    item.command = { command: 'safenote.openNote', title: t('Open Note'), arguments: [{ id: node.id, folder: node.folder }] };
    item.accessibilityInformation = { label: spokenNote(node, isNew) };
    return item;
  }

  private groups(): GroupNode[] {
    const groups: GroupNode[] = [];
    for (const node of this.built?.roots ?? []) {
      if (node.kind === 'group') groups.push(node);
      if (node.kind !== 'folder') continue;
      for (const child of node.children) {
        if (child.kind !== 'group') continue;
        this.parents.set(child, node);
        groups.push(child);
      }
    }
    return groups;
  }

  private async build(): Promise<Tree> {
    const { kind, notebooks, arrangement } = this.o;
    const started = performance.now();
    const folders = await notebooks.load();
    this.countNew(folders.flatMap(({ folder, snapshot }) => snapshot.notes.filter(({ note }) => note.kind === kind).map(({ note }) => `${folder}#${note.id}`)));
    this.built = notesTree(kind, folders, { groupBy: arrangement.groupBy(kind), sortBy: arrangement.sortBy, filter: arrangement.filter, titleOf: (cwe) => notebooks.titleOf(cwe), now: Date.now() });
    this.describe();
    this.buildMs = performance.now() - started;
    return this.built;
  }

  /** How the view is arranged stands beside its name, what is left out above the tree. */
  private describe(): void {
    const { kind, tree, arrangement } = this.o;
    const { shown = 0, all = 0 } = this.built ?? {};
    tree.view.description = all === 0 ? '' : `${groupingName(arrangement.groupBy(kind), kind)}, ${sortingName(arrangement.sortBy)}`;
    tree.view.message = isFiltering(arrangement.filter) ? t('Filtered ({0}): {1} of {2} notes. Clear the filter with its button above.', filterWords(arrangement.filter), shown, all) : '';
  }

  private later(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.o.errors.run(t('Reading the notebook'), () => this.build()).then(() => this.refresh());
    }, REFRESH_MS);
  }

  private async visibilityChanged(): Promise<void> {
    // A view that is left has been seen.
    if (!this.o.tree.view.visible) this.fresh = new Set();
    else await this.o.errors.run(t('Reading the notebook'), () => this.build());
    if (this.fresh.size > 0) this.refresh();
  }

  /** Out of sight, new notes are counted on the view's badge; in sight they are marked, and seen. */
  private countNew(keys: readonly string[]): void {
    const { seen, tree, errors } = this.o;
    const unseen = seen.unseen(keys);
    if (!tree.view.visible) {
      tree.view.badge = unseen.size === 0 ? undefined : { value: unseen.size, tooltip: newNotes(this.o.kind, unseen.size) };
      return;
    }
    if (unseen.size > 0) this.fresh = new Set([...this.fresh, ...unseen]);
    tree.view.badge = undefined;
    seen.markSeen(keys).then(undefined, (error: unknown) => errors.quiet('Remembering which notes were seen', error));
  }
}

function newNotes(kind: NoteKind, count: number): string {
  if (kind === 'security') return count === 1 ? t('1 new security note') : t('{0} new security notes', count);
  return count === 1 ? t('1 new function note') : t('{0} new function notes', count);
}

function iconOf(state: State, pinned: boolean, isNew: boolean): vscode.ThemeIcon {
  if (state === 'active') return new vscode.ThemeIcon(pinned ? 'pinned' : STATE_ICONS.active, isNew ? new vscode.ThemeColor('notificationsInfoIcon.foreground') : undefined);
  return new vscode.ThemeIcon(STATE_ICONS[state], new vscode.ThemeColor(state === 'muted' ? 'disabledForeground' : 'list.warningForeground'));
}
