import * as vscode from 'vscode';
import { Disposables } from './disposables.ts';

/** A view whose content comes from a provider that is attached later. */
export class LazyTree implements vscode.TreeDataProvider<unknown>, vscode.Disposable {
  private readonly own = new Disposables();
  private readonly changed = this.own.add(new vscode.EventEmitter<undefined>());
  readonly onDidChangeTreeData = this.changed.event;
  readonly view: vscode.TreeView<unknown>;
  private provider: vscode.TreeDataProvider<unknown> | undefined;
  private readonly attachNow: (() => void) | undefined;

  /** `attachNow` is called when the view is first looked at; without it the view stays empty until it is given a provider. */
  constructor(id: string, attachNow: (() => void) | undefined) {
    this.attachNow = attachNow;
    this.view = this.own.add(vscode.window.createTreeView(id, { treeDataProvider: this, showCollapseAll: true, canSelectMany: id !== 'safenote.findings' }));
  }

  attach<T>(provider: vscode.TreeDataProvider<T>): void {
    this.provider = provider as vscode.TreeDataProvider<unknown>;
    if (this.provider.onDidChangeTreeData) this.own.add(this.provider.onDidChangeTreeData(() => this.changed.fire(undefined)));
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
