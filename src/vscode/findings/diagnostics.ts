import * as vscode from 'vscode';
import type { Severity } from '../../core/verification/finding.ts';
import { Disposables } from '../common/disposables.ts';
import { sourceOf } from '../completion/verdict-text.ts';
import type { FindingsStore, TrackedFinding } from './findings-store.ts';

const SEVERITY: Readonly<Record<Severity, vscode.DiagnosticSeverity>> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
};

export const SOURCE = 'SafeNote';

/** A diagnostic of SafeNote, with the id of its finding. */
export class FindingDiagnostic extends vscode.Diagnostic {
  readonly findingId: string;

  constructor(tracked: TrackedFinding) {
    super(rangeOf(tracked), messageOf(tracked), SEVERITY[tracked.finding.severity]);
    this.findingId = tracked.id;
    this.source = `${SOURCE} (${sourceOf(tracked.finding)})`;
    this.code = tracked.finding.cwe[0] ?? tracked.finding.ruleId;
  }
}

export function rangeOf(tracked: TrackedFinding): vscode.Range {
  return new vscode.Range(tracked.from.line, tracked.from.character, tracked.to.line, tracked.to.character);
}

function messageOf({ finding, origin, outdated }: TrackedFinding): string {
  const from = { completion: 'From an accepted completion. ', guard: 'In text that was inserted. ', file: '', import: '', codeql: '' }[origin.kind];
  return `${from}${finding.message}${outdated ? ' (The code was changed since this was reported.)' : ''}`;
}

/** The Problems panel as a projection of the findings store. */
export class Diagnostics implements vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly collection = this.disposables.add(vscode.languages.createDiagnosticCollection('safenote'));

  constructor(findings: FindingsStore) {
    this.disposables.add(
      findings.onDidChange((uris) => {
        for (const uri of uris) this.collection.set(vscode.Uri.parse(uri, true), findings.of(uri).map((f) => new FindingDiagnostic(f)));
      }),
    );
  }

  dispose(): void {
    this.disposables.dispose();
  }
}
