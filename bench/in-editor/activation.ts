import { writeFileSync } from 'node:fs';
import * as vscode from 'vscode';

describe('Activation', () => {
  it('is measured', async () => {
    await vscode.extensions.getExtension('safenote.safenote')?.activate();
    const started = performance.now();
    const { activationMs } = await vscode.commands.executeCommand<{ activationMs: number }>('safenote.internal.test');
    writeFileSync(process.env['SAFENOTE_BENCH_FILE'] ?? '', JSON.stringify({ activationMs, firstUseMs: performance.now() - started }));
  });
});
