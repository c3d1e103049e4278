import * as vscode from 'vscode';
import { Disposables } from './disposables.ts';

/** What a view does with dragged rows; asked only for views that were made with `draggable`. */
export interface Dragging<T> {
  drag(nodes: readonly T[], transfer: vscode.DataTransfer): void;
  drop(target: T | undefined, transfer: vscode.DataTransfer): Promise<void>;
}

/** A view whose content comes from a provider that is attached later. */
export class LazyTree implements vscode.TreeDataProvider<unknown>, vscode.Disposable {
  private readonly own = new Disposables();
  private readonly changed = this.own.add(new vscode.EventEmitter<unknown>());
  readonly onDidChangeTreeData = this.changed.event;
  readonly view: vscode.TreeView<unknown>;
  /** The kind of data by which the view knows its own rows again. */
  readonly rowsMime: string;
  private provider: vscode.TreeDataProvider<unknown> | undefined;
  private dragging: Dragging<unknown> | undefined;
  private readonly attachNow: (() => void) | undefined;

  /** `attachNow` is called when the view is first looked at; without it the view stays empty until it is given a provider. */
  constructor(id: string, attachNow: (() => void) | undefined, draggable = false) {
    this.attachNow = attachNow;
    this.rowsMime = `application/vnd.code.tree.${id.toLowerCase()}`;
    const dragAndDropController: vscode.TreeDragAndDropController<unknown> = {
      dragMimeTypes: [this.rowsMime, 'text/uri-list'],
      dropMimeTypes: [this.rowsMime],
      handleDrag: (nodes, transfer) => this.dragging?.drag(nodes, transfer),
      handleDrop: (target, transfer) => this.dragging?.drop(target, transfer),
    };
    this.view = this.own.add(
      vscode.window.createTreeView(id, { treeDataProvider: this, showCollapseAll: true, canSelectMany: id !== 'safenote.findings', ...(draggable ? { dragAndDropController } : {}) }),
    );
  }

  attach<T>(provider: vscode.TreeDataProvider<T>, dragging?: Dragging<T>): void {
    this.provider = provider as vscode.TreeDataProvider<unknown>;
    this.dragging = dragging as Dragging<unknown> | undefined;
    if (this.provider.onDidChangeTreeData) this.own.add(this.provider.onDidChangeTreeData((node) => this.changed.fire(node)));
    this.changed.fire(undefined);
  }

  getChildren(node?: unknown): vscode.ProviderResult<unknown[]> {
    if (!this.provider) this.attachNow?.();
    return this.provider?.getChildren(node) ?? [];
  }

  getTreeItem(node: unknown): vscode.TreeItem | Thenable<vscode.TreeItem> {
    return this.provider?.getTreeItem(node) ?? new vscode.TreeItem('');
  }

  getParent(node: unknown): vscode.ProviderResult<unknown> {
    return this.provider?.getParent?.(node);
  }

  resolveTreeItem(item: vscode.TreeItem, node: unknown, token: vscode.CancellationToken): vscode.ProviderResult<vscode.TreeItem> {
    return this.provider?.resolveTreeItem?.(item, node, token) ?? item;
  }

  dispose(): void {
    this.own.dispose();
  }
}
