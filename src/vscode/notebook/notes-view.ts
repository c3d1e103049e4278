import * as vscode from 'vscode';
import type { NoteKind } from '../../core/notebook/note.ts';
import { Disposables } from '../common/disposables.ts';
import type { LazyTree } from '../common/lazy-tree.ts';
import { labelOf, type NotesNode, notesTree, viewItemOf } from './notes-tree.ts';
import type { Notebooks } from './notebooks.ts';

/** Changes come in bursts (a build of the notebook); the view follows at most so often, in milliseconds. */
const REFRESH_MS = 150;

/** One notebook in the sidebar. */
export class NotesView implements vscode.TreeDataProvider<NotesNode>, vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly changed = this.disposables.add(new vscode.EventEmitter<undefined>());
  readonly onDidChangeTreeData = this.changed.event;
  private readonly kind: NoteKind;
  private readonly notebooks: Notebooks;
  private timer: NodeJS.Timeout | undefined;

  constructor(kind: NoteKind, notebooks: Notebooks, tree: LazyTree) {
    this.kind = kind;
    this.notebooks = notebooks;
    this.disposables.add(notebooks.onDidChange(() => this.later()));
    tree.attach(this);
  }

  async getChildren(node?: NotesNode): Promise<NotesNode[]> {
    if (!node) {
      const folders = await this.notebooks.load();
      return notesTree(this.kind, folders, (cwe) => this.notebooks.titleOf(cwe));
    }
    return node.kind === 'folder' || node.kind === 'group' ? [...node.children] : [];
  }

  getTreeItem(node: NotesNode): vscode.TreeItem {
    switch (node.kind) {
      case 'folder': {
        const item = new vscode.TreeItem(node.name, vscode.TreeItemCollapsibleState.Expanded);
        item.id = node.key;
        item.iconPath = vscode.ThemeIcon.Folder;
        return item;
      }
      case 'group': {
        const item = new vscode.TreeItem(node.label || node.title, node.children.length > 200 ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.Expanded);
        item.id = node.key;
        item.description = `${node.label ? `${node.title} ` : ''}(${node.children.length})`.trim();
        item.tooltip = [node.label, node.title].filter(Boolean).join(': ');
        return item;
      }
      case 'note': {
        const { note } = node.stored;
        const item = new vscode.TreeItem(labelOf(node.stored));
        item.id = node.key;
        item.description = note.language;
        item.iconPath = { active: new vscode.ThemeIcon('note'), muted: new vscode.ThemeIcon('bell-slash', new vscode.ThemeColor('disabledForeground')), quarantined: new vscode.ThemeIcon('lock', new vscode.ThemeColor('list.warningForeground')) }[node.state];
        item.contextValue = viewItemOf(node.state);
        item.command = { command: 'safenote.openNote', title: 'Open Note', arguments: [{ id: node.id, folder: node.folder }] };
        item.accessibilityInformation = { label: [note.title, note.cwe ?? note.language, note.frequency > 1 ? `seen ${note.frequency} times` : 'seen once', { active: '', muted: 'muted', quarantined: 'not approved' }[node.state]].filter(Boolean).join(', ') };
        // The tooltip is made when it is asked for: a notebook may have thousands of notes.
        return item;
      }
      case 'setAside': {
        const item = new vscode.TreeItem(vscode.Uri.file(node.file.file));
        item.id = node.key;
        item.description = 'cannot be read';
        item.tooltip = `${node.file.reason}\n\nSafeNote neither uses nor changes this file.`;
        item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
        item.contextValue = 'noteFile.setAside';
        item.command = { command: 'vscode.open', title: 'Open', arguments: [vscode.Uri.file(node.file.file)] };
        return item;
      }
    }
  }

  resolveTreeItem(item: vscode.TreeItem, node: NotesNode): vscode.TreeItem {
    if (node.kind !== 'note') return item;
    const { note } = node.stored;
    // Notes may come from strangers: plain text, no Markdown.
    item.tooltip = [
      note.title,
      { active: '', muted: `Muted${note.statusReason ? `: ${note.statusReason}` : ''}. It is kept and never used.`, quarantined: 'Not approved: it came from elsewhere or was changed outside this editor. It is never used until you approve it.' }[node.state],
      note.guidance.length > 600 ? `${note.guidance.slice(0, 600)}…` : note.guidance,
      `Seen ${note.frequency === 1 ? 'once' : `${note.frequency} times`}, last ${note.updated.slice(0, 10)}${note.model ? `, model ${note.model}` : ''}`,
    ].filter(Boolean).join('\n\n');
    return item;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.disposables.dispose();
  }

  refresh(): void {
    this.changed.fire(undefined);
  }

  private later(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.refresh();
    }, REFRESH_MS);
  }
}
