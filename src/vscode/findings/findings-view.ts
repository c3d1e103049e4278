import * as vscode from 'vscode';
import type { FindingTarget } from '../commands.ts';
import { setContext } from '../common/context-keys.ts';
import { Disposables } from '../common/disposables.ts';
import type { LazyTree } from '../common/lazy-tree.ts';
import { nameOf, sourceOf } from '../completion/verdict-text.ts';
import { rangeOf } from './diagnostics.ts';
import type { FindingsStore, TrackedFinding } from './findings-store.ts';

export type FindingNode = { readonly kind: 'file'; readonly uri: string } | ({ readonly kind: 'finding'; readonly tracked: TrackedFinding } & FindingTarget);

/** The Findings view: open findings by file, with a badge. A projection of the findings store. */
export class FindingsView implements vscode.TreeDataProvider<FindingNode>, vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly changed = this.disposables.add(new vscode.EventEmitter<undefined>());
  readonly onDidChangeTreeData = this.changed.event;
  private readonly findings: FindingsStore;
  private readonly tree: LazyTree;

  private readonly titleOf: (cwe: string) => string;

  /** `titleOf` names a CWE; empty where it knows none. */
  constructor(findings: FindingsStore, titleOf: (cwe: string) => string, tree: LazyTree) {
    this.findings = findings;
    this.titleOf = titleOf;
    this.tree = tree;
    tree.attach(this);
    this.disposables.add(findings.onDidChange(() => this.refresh()));
  }

  getChildren(node?: FindingNode): FindingNode[] {
    if (!node) return [...this.findings.uris].sort().map((uri) => ({ kind: 'file', uri }));
    if (node.kind === 'finding') return [];
    return this.findings.of(node.uri).map((tracked) => ({ kind: 'finding', tracked, findingId: tracked.id }));
  }

  getParent(node: FindingNode): FindingNode | undefined {
    return node.kind === 'finding' ? { kind: 'file', uri: node.tracked.uri } : undefined;
  }

  getTreeItem(node: FindingNode): vscode.TreeItem {
    if (node.kind === 'file') {
      const uri = vscode.Uri.parse(node.uri, true);
      const item = new vscode.TreeItem(uri, vscode.TreeItemCollapsibleState.Expanded);
      const count = this.findings.of(node.uri).length;
      item.id = node.uri;
      item.description = vscode.workspace.asRelativePath(uri).split('/').slice(0, -1).join('/');
      item.contextValue = 'findingFile';
      item.iconPath = vscode.ThemeIcon.File;
      item.accessibilityInformation = { label: `${uri.path.split('/').at(-1) ?? ''}, ${count} ${count === 1 ? 'finding' : 'findings'}` };
      return item;
    }
    const { tracked } = node;
    const { finding } = tracked;
    const line = tracked.from.line + 1;
    // People look for the weakness and the line; ids say little.
    const title = this.titleOf(finding.cwe[0] ?? '') || finding.ruleFamily;
    const item = new vscode.TreeItem(`Ln ${line}: ${title}`);
    item.id = tracked.id;
    item.description = `${tracked.outdated ? 'changed since · ' : ''}${nameOf(finding)} · ${finding.message}`;
    const icon = { error: 'error', warning: 'warning', info: 'info' }[finding.severity];
    item.iconPath = new vscode.ThemeIcon(icon, new vscode.ThemeColor({ error: 'list.errorForeground', warning: 'list.warningForeground', info: 'foreground' }[finding.severity]));
    item.contextValue = 'finding';
    // Rule text is a stranger's: shown as plain text.
    item.tooltip = `${finding.message}\n\n${[...finding.cwe, finding.ruleId].join(', ')}\n${sourceOf(finding)}, line ${line}${tracked.outdated ? '\nThe code was changed since this was reported.' : ''}`;
    item.command = { command: 'vscode.open', title: 'Go to Finding', arguments: [vscode.Uri.parse(tracked.uri, true), { selection: rangeOf(tracked), preserveFocus: false } satisfies vscode.TextDocumentShowOptions] };
    item.accessibilityInformation = { label: `${finding.severity}, line ${line}: ${nameOf(finding)}. ${finding.message}` };
    return item;
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private refresh(): void {
    const { count } = this.findings;
    this.tree.view.badge = count === 0 ? undefined : { value: count, tooltip: `${count} open ${count === 1 ? 'finding' : 'findings'}` };
    setContext('safenote.hasFindings', count > 0);
    this.changed.fire(undefined);
  }
}
