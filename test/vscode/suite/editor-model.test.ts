import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { accept, closeAll, configure, openFile, screen, secureComplete, shown, until } from './support/editor.ts';

interface Request {
  readonly roles: number[];
  readonly texts: string[];
  readonly modelOptions: Record<string, unknown>;
  readonly cancelled: boolean;
}

const script = (answer: { text?: string; error?: string; hang?: boolean }) => vscode.commands.executeCommand('safenote-test.script', { text: '', ...answer });
const requests = () => vscode.commands.executeCommand<Request[]>('safenote-test.requests');

describe('A model of the editor', function () {
  this.timeout(60_000);
  const FUNCTION = 'def add(a, b):\n    """Add two numbers."""\n    |\n';
  const inspect = (key: string) => vscode.workspace.getConfiguration('safenote').inspect(key)?.globalValue;
  let settings: Record<string, unknown>;

  before(async () => {
    settings = Object.fromEntries(['model.provider', 'model.baseUrl', 'model.name'].map((key) => [key, inspect(key)]));
    await configure({ 'model.provider': 'editor', 'model.baseUrl': undefined, 'model.name': 'scripted-editor-model' });
    await until('the editor has the model', async () => (await vscode.lm.selectChatModels({ vendor: 'safenote-test' })).length > 0);
  });
  beforeEach(closeAll);
  after(async () => {
    await configure(settings);
    await closeAll();
  });

  it('writes completions', async () => {
    await script({ text: '```python\nreturn a + b\n```' });
    const editor = await openFile(FUNCTION);
    const now = await shown();
    assert.deepEqual(now.model?.model, { name: 'scripted-editor-model', origin: 'editor' });
    await accept(editor);
    assert.match(editor.document.getText(), /return a \+ b/);
  });

  it('gets system text in front of the first user message, and the temperature as a hint', async () => {
    await script({ text: '```python\nreturn a + b\n```' });
    await openFile(FUNCTION);
    await shown();
    const [request] = await requests();
    assert.deepEqual(request?.roles, [vscode.LanguageModelChatMessageRole.User]);
    assert.match(request?.texts[0] ?? '', /^You complete code[^]*COMPLETE HERE/);
    assert.equal(request?.modelOptions['temperature'], 0.2);
  });

  it('is told when the user cancels', async () => {
    await script({ hang: true });
    await openFile(FUNCTION);
    void secureComplete();
    await until('the model was asked', async () => (await requests()).length === 1);
    await vscode.commands.executeCommand('safenote.cancel');
    await until('the model was told', async () => (await requests())[0]?.cancelled);
  });

  for (const [name, answer, reason] of [
    ['an empty answer', { text: '' }, /empty/i],
    ['a limit', { error: 'blocked' }, /refused the request.*quota/i],
    ['a fault', { error: 'out of order' }, /out of order/],
  ] as const) {
    it(`says what happened: ${name}`, async () => {
      await script(answer);
      const editor = await openFile(FUNCTION);
      const text = editor.document.getText();
      const before = (await screen()).decisions[0]?.at;
      await secureComplete();
      const latest = await until('the failure is remembered', async () => {
        const first = (await screen()).decisions[0];
        return first && Number(first.at) !== Number(before) && first;
      });
      assert.equal(latest.result, 'failed');
      assert.match(latest.reason, reason);
      assert.equal(editor.document.getText(), text);
    });
  }

  it('is found by "auto" where no endpoint is set', async () => {
    await configure({ 'model.provider': undefined, 'model.name': undefined });
    await script({ text: '```python\nreturn a + b\n```' });
    await openFile(FUNCTION);
    const now = await shown();
    assert.equal(now.model?.model?.origin, 'editor');
  });
});
