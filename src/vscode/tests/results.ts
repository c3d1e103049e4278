import * as vscode from 'vscode';
import { cutFailure } from '../../core/verification/test-failure.ts';
import type { TestCase } from '../../core/verification/test-runner.ts';
import type { FunctionVerdict } from '../../core/verification/verdict.ts';
import { cancelled } from '../common/cancellation.ts';
import { placeOf } from './failures.ts';

/** A run of tests as the editor shows it. */
export interface ShownRun {
  /** Aborts when the user ends the run where it is shown. */
  readonly signal: AbortSignal;
  /** Shows what came of it and ends it. */
  end(verdict: FunctionVerdict): void;
  /** Ends it without a result. */
  abandon(why: string): void;
}

/**
 * SafeNote's runs in the editor's Test Results. Items exist only for these runs: none is in the tree of the Testing view, which
 * stays the user's own, and no result is kept. The controller is made with the first run.
 */
export class TestResults implements vscode.Disposable {
  private controller: vscode.TestController | undefined;

  dispose(): void {
    this.controller?.dispose();
  }

  begin(title: string, uri: vscode.Uri): ShownRun {
    const controller = (this.controller ??= vscode.tests.createTestController('safenote', 'SafeNote'));
    const run = controller.createTestRun(new vscode.TestRunRequest(), title, false);
    const aborter = new AbortController();
    const link = run.token.onCancellationRequested(() => aborter.abort(cancelled()));
    let ended = false;
    const say = (text: string) => run.appendOutput(`${text.replace(/\r?\n/g, '\r\n')}\r\n`);
    const end = () => {
      if (ended) return;
      ended = true;
      link.dispose();
      run.end();
    };
    say(`${title}\n`);
    return {
      signal: aborter.signal,
      end: (verdict) => {
        if (!ended) this.report(controller, run, uri, verdict, say);
        end();
      },
      abandon: (why) => {
        if (!ended) say(why);
        end();
      },
    };
  }

  private report(controller: vscode.TestController, run: vscode.TestRun, uri: vscode.Uri, verdict: FunctionVerdict, say: (text: string) => void): void {
    const root = vscode.workspace.getWorkspaceFolder(uri)?.uri.fsPath ?? '';
    const files = new Map<string, vscode.TestItem>();
    const counted = new Set((verdict.failures ?? []).map((test) => test.id));
    for (const test of verdict.cases ?? []) {
      const item = controller.createTestItem(test.id, test.name, test.file ? vscode.Uri.file(test.file) : undefined);
      const at = placeOf(test);
      if (at) item.range = at.range;
      parentOf(controller, files, test, verdict.runner ?? 'tests').children.add(item);
      run.started(item);
      if (test.status === 'passed') run.passed(item);
      else if (test.status === 'skipped') run.skipped(item);
      else {
        const known = counted.has(test.id) ? '' : 'It failed before the completion too, in the same way: it does not count against it.\n';
        const message = new vscode.TestMessage(`${known}${cutFailure(test, root)}`);
        if (at) message.location = at;
        run.failed(item, message);
        say(`${known}${cutFailure(test, root)}\n`);
      }
    }
    say(verdict.status === 'unavailable' ? `Not judged: ${verdict.reason ?? 'no reason given'}.` : verdict.status === 'pass' ? `Passed by ${verdict.runner ?? 'tests'}${verdict.reason ? ` (${verdict.reason})` : ''}.` : `Failed: ${verdict.reason ?? ''}.`);
    if (verdict.unboxed) say('The tests ran outside of a sandbox.');
  }
}

/** An item for the test's file, so that results are grouped as people know them. */
function parentOf(controller: vscode.TestController, files: Map<string, vscode.TestItem>, test: TestCase, runner: string): vscode.TestItem {
  const key = test.file ?? runner;
  const known = files.get(key);
  if (known) return known;
  const uri = test.file ? vscode.Uri.file(test.file) : undefined;
  const made = controller.createTestItem(`file:${key}`, uri ? vscode.workspace.asRelativePath(uri) : runner, uri);
  files.set(key, made);
  return made;
}
