import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import type { TestConsent } from '../../core/verification/test-runner.ts';

/** A question about running tests, as it is kept with its answer. */
export type Question = { readonly command: string } | 'unboxed';

/**
 * Asks what no setting may decide. A run does not wait for the answer: it is told that the question is open, and the tests run
 * when it has been answered. A question that was closed without an answer is not asked again in this window.
 */
export class TestQuestions implements TestConsent {
  private readonly asked = new Set<string>();
  private readonly o: { name: string; answered: (question: Question, yes: boolean) => Promise<void> };

  constructor(options: TestQuestions['o']) {
    this.o = options;
  }

  command(command: string): Promise<boolean> {
    return this.open(
      { command },
      `Run this command to test completions in ${this.o.name}? It is set as safenote.tests.command, which can come with a workspace: ${command.length > 300 ? `${command.slice(0, 299)}…` : command}`,
      'Run It',
      'the command of safenote.tests.command waits for your answer to SafeNote\'s question',
    );
  }

  unboxed(reason: string): Promise<boolean> {
    return this.open(
      'unboxed',
      `Tests of ${this.o.name} cannot run in a sandbox: ${reason}. Run them on a copy of the workspace without one? Their code can then do whatever you can.`,
      'Run Without a Sandbox',
      'SafeNote has asked whether they may run without one, and waits for your answer',
    );
  }

  private open(question: Question, text: string, yes: string, waiting: string): Promise<boolean> {
    const key = question === 'unboxed' ? question : `command ${question.command}`;
    if (!this.asked.has(key)) {
      this.asked.add(key);
      void vscode.window.showWarningMessage(`SafeNote: ${text}`, yes, 'Never Here').then(async (chosen) => {
        if (chosen) await this.o.answered(question, chosen === yes);
      });
    }
    return Promise.reject(new ExpectedError('tests-question', waiting, waiting));
  }
}
