import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { accept, closeAll, configure, emptyNotebook, openFile, openUntitled, screen, secureComplete, settle, shown, until } from './support/editor.ts';
import { code, type ScriptedModel, startScriptedModel } from './support/scripted-model.ts';

describe('Secure Complete', function () {
  this.timeout(60_000);
  let model: ScriptedModel;

  before(async () => {
    model = await startScriptedModel();
    await configure({ 'model.provider': 'openai', 'model.baseUrl': model.url, 'model.name': 'scripted' });
  });
  beforeEach(async () => {
    await closeAll();
    await emptyNotebook();
    model.requests.length = 0;
  });
  after(async () => {
    await closeAll();
    await model.close();
  });

  const FUNCTION = 'def add(a, b):\n    """Add two numbers."""\n    |\n';

  it('shows ghost text, checked, and inserts it when it is accepted', async () => {
    model.script = () => code('return a + b');
    const editor = await openFile(FUNCTION);
    const now = await shown();
    assert.equal(now.session?.text, 'return a + b');
    assert.equal(now.session?.verdict, 'pass');
    assert.match(now.status.text, /checked|pending/);
    assert.ok(now.gutter === 'pass' || now.gutter === 'pending', now.gutter);
    await accept(editor);
    assert.equal(editor.document.getText(), 'def add(a, b):\n    """Add two numbers."""\n    return a + b\n');
    await until('the acceptance is seen', async () => (await screen()).session?.state === 'accepted');
    assert.equal((await screen()).gutter, undefined, 'the icon goes with the ghost text');
  });

  it('names in the tooltip the model, each analyzer with its time, and the attempts', async () => {
    model.script = () => code('return a + b');
    await openFile(FUNCTION);
    const { status } = await shown();
    const text = status.tooltip.replaceAll('&nbsp;', ' ').replaceAll('\\', '');
    assert.match(text, /Model.*scripted/);
    assert.match(text, /built-in rules.*ms/s);
    assert.match(text, /Attempts.*1/);
  });

  it('asks the model once, however often the editor cycles or asks again at the same place', async () => {
    model.script = () => code('return a + b');
    await openFile(FUNCTION);
    await shown();
    for (const command of ['editor.action.inlineSuggest.showNext', 'editor.action.inlineSuggest.showPrevious', 'editor.action.inlineSuggest.trigger']) await vscode.commands.executeCommand(command);
    await secureComplete();
    await settle();
    assert.equal(model.requests.length, 1);
  });

  it('comes back at once after Escape, without another request', async () => {
    model.script = () => code('return a + b');
    const editor = await openFile(FUNCTION);
    await shown();
    await settle();
    await vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
    await secureComplete();
    await accept(editor);
    assert.match(editor.document.getText(), /return a \+ b/);
    assert.equal(model.requests.length, 1);
  });

  it('asks again after a failure at the same place', async () => {
    model.script = () => ({ status: 401, message: 'Incorrect API key provided' });
    const editor = await openFile(FUNCTION);
    await secureComplete();
    await until('the failure is remembered', async () => (await screen()).decisions[0]?.result === 'failed');
    model.script = () => code('return a + b');
    await shown();
    await accept(editor);
    assert.match(editor.document.getText(), /return a \+ b/);
  });

  it('goes on while its text is typed, without another request', async () => {
    model.script = () => code('return a + b');
    const editor = await openFile(FUNCTION);
    await shown();
    await vscode.commands.executeCommand('type', { text: 'ret' });
    await accept(editor);
    assert.match(editor.document.getText(), /\n {4}return a \+ b\n$/);
    assert.equal(model.requests.length, 1);
  });

  it('recognises accepted words, and the rest as the same completion', async () => {
    model.script = () => code('return a + b');
    const editor = await openFile(FUNCTION);
    await shown();
    await accept(editor, 'editor.action.inlineSuggest.acceptNextWord');
    await until('a part is taken', async () => (await screen()).session?.state === 'partly');
    assert.ok(((await screen()).session?.taken ?? 0) > 0);
    await accept(editor);
    assert.match(editor.document.getText(), /\n {4}return a \+ b\n$/);
    await until('the acceptance is seen', async () => (await screen()).session?.state === 'accepted');
    assert.equal(model.requests.length, 1);
  });

  it('recognises an accepted line of several', async () => {
    model.script = () => code('total = a + b\nreturn total');
    const editor = await openFile(FUNCTION);
    await shown();
    await accept(editor, 'editor.action.inlineSuggest.acceptNextLine');
    assert.match(editor.document.getText(), /\n {4}total = a \+ b/);
    await until('a part is taken', async () => (await screen()).session?.state === 'partly');
    await accept(editor);
    assert.match(editor.document.getText(), /\n {4}total = a \+ b\n {4}return total\n$/);
    assert.equal(model.requests.length, 1);
  });

  it('keeps the line ends of a CRLF file', async () => {
    model.script = () => code('total = a + b\nreturn total');
    const editor = await openFile(FUNCTION, { eol: '\r\n' });
    assert.equal(editor.document.eol, vscode.EndOfLine.CRLF);
    await shown();
    await accept(editor);
    assert.equal(editor.document.getText(), 'def add(a, b):\r\n    """Add two numbers."""\r\n    total = a + b\r\n    return total\r\n');
  });

  it('indents with tabs where the file does', async () => {
    model.script = () => code('if a:\n    return a + b\nreturn b');
    const editor = await openFile('def add(a, b):\n\t"""Add."""\n\t|\n');
    await shown();
    await accept(editor);
    assert.equal(editor.document.getText(), 'def add(a, b):\n\t"""Add."""\n\tif a:\n\t\treturn a + b\n\treturn b\n');
  });

  it('completes in mid-line, between brackets that the editor closed', async () => {
    model.script = () => code('"total: %s", total)');
    const editor = await openFile('def show(total):\n    print(|)\n');
    await shown();
    await accept(editor);
    assert.equal(editor.document.getText(), 'def show(total):\n    print("total: %s", total)\n');
  });

  it('adds missing imports with the same undo step', async () => {
    const start = '"""Numbers."""\nimport os\n\n\ndef add(a, b):\n    """Add."""\n    |\n';
    model.script = () => code('import math\n\nreturn math.fsum([a, b])');
    const editor = await openFile(start);
    await shown();
    await accept(editor);
    await until('the import is there', () => editor.document.getText().includes('import math'));
    assert.equal(editor.document.getText(), '"""Numbers."""\nimport os\nimport math\n\n\ndef add(a, b):\n    """Add."""\n    return math.fsum([a, b])\n');
    await vscode.commands.executeCommand('undo');
    assert.equal(editor.document.getText(), start.replace('|', ''));
  });

  it('works in an unsaved text', async () => {
    model.script = () => code('return a + b');
    const editor = await openUntitled(FUNCTION, 'python');
    await shown();
    await accept(editor);
    assert.match(editor.document.getText(), /return a \+ b/);
  });

  it('works in a notebook cell, with the cells above in the prompt and imports on top of the cell', async () => {
    model.script = () => code('import math\n\nreturn math.fsum([a, OFFSET])');
    const cells = ['%matplotlib inline\nOFFSET = 42', 'def add(a):\n    """Add the offset."""\n    '].map((text) => new vscode.NotebookCellData(vscode.NotebookCellKind.Code, text, 'python'));
    const notebook = await vscode.workspace.openNotebookDocument('jupyter-notebook', new vscode.NotebookData(cells));
    await vscode.window.showNotebookDocument(notebook, { selections: [new vscode.NotebookRange(1, 2)] });
    await vscode.commands.executeCommand('notebook.cell.edit');
    const editor = await until('the cell has an editor', () => vscode.window.visibleTextEditors.find((e) => e.document === notebook.cellAt(1).document));
    const end = editor.document.lineAt(editor.document.lineCount - 1).range.end;
    editor.selection = new vscode.Selection(end, end);
    await until('the cell is active', () => vscode.window.activeTextEditor === editor);
    await shown();
    assert.match(JSON.stringify(model.requests[0]?.messages), /OFFSET = 42/);
    await accept(editor);
    await until('the import is there', () => editor.document.getText().includes('import math'));
    assert.match(editor.document.getText(), /^import math\n[^]*return math\.fsum\(\[a, OFFSET\]\)$/);
    assert.equal(notebook.cellAt(0).document.getText(), '%matplotlib inline\nOFFSET = 42', 'the cell above is as it was');
  });

  it('refuses a file that holds secrets by its name, and sends nothing', async () => {
    model.script = () => code('x');
    await openFile('TOKEN=|\n', { name: '.env' });
    await secureComplete();
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
    await until('the refusal is remembered', async () => /secrets/.test((await screen()).decisions[0]?.reason ?? ''));
    assert.equal(model.requests.length, 0);
  });

  it('ends the request and its connection when the user cancels', async () => {
    let answer: ((text: string) => void) | undefined;
    model.script = () => new Promise((resolve) => (answer = resolve));
    const editor = await openFile(FUNCTION);
    void secureComplete();
    await until('the model was asked', () => model.requests.length === 1);
    assert.match((await screen()).status.text, /generating/);
    await vscode.commands.executeCommand('safenote.cancel');
    await until('the connection is closed', () => model.requests[0]?.closedEarly);
    answer?.(code('return 0'));
    await until('the cancel is remembered', async () => (await screen()).decisions[0]?.result === 'cancelled');
    assert.doesNotMatch((await screen()).status.text, /generating/);
    assert.match(editor.document.getText(), /\n {4}\n$/);
  });

  it('ends the request when the caret moves away', async () => {
    model.script = () => new Promise(() => undefined);
    const editor = await openFile(FUNCTION);
    void secureComplete();
    await until('the model was asked', () => model.requests.length === 1);
    editor.selection = new vscode.Selection(0, 0, 0, 0);
    await until('the connection is closed', () => model.requests[0]?.closedEarly);
  });

  it('inserts nothing and says why, whatever the model does wrong', async () => {
    const cases: [string, () => Awaited<ReturnType<ScriptedModel['script']>>, RegExp][] = [
      ['a bad key', () => ({ status: 401, message: 'Incorrect API key provided' }), /key/i],
      ['an unknown model', () => ({ status: 404, message: 'The model `scripted` does not exist' }), /model/i],
      ['prose without code', () => 'I would rather not.', /code/i],
      ['an empty reply', () => '', /nothing/i],
    ];
    for (const [name, script, reason] of cases) {
      await closeAll();
      model.script = script;
      const editor = await openFile(FUNCTION);
      const text = editor.document.getText();
      const before = (await screen()).decisions[0]?.at;
      await secureComplete();
      const latest = await until(name, async () => {
        const first = (await screen()).decisions[0];
        return first && Number(first.at) !== Number(before) && first;
      });
      assert.equal(latest.result, 'failed', name);
      assert.match(latest.reason, reason, name);
      assert.equal(editor.document.getText(), text, name);
    }
  });

  it('says that there is no model, and how to get one', async () => {
    await configure({ 'model.provider': 'editor', 'model.baseUrl': undefined, 'model.name': 'no-such-model' });
    try {
      await openFile(FUNCTION);
      await secureComplete();
      const { status } = await until('the problem is named', async () => {
        const now = await screen();
        return now.model?.problem !== undefined && now;
      });
      assert.match(status.tooltip, /no-such-model|no language model/);
    } finally {
      await configure({ 'model.provider': 'openai', 'model.baseUrl': model.url, 'model.name': 'scripted' });
    }
  });
});

describe('The editor\'s own triggers', function () {
  this.timeout(60_000);
  let model: ScriptedModel;

  before(async () => {
    model = await startScriptedModel();
    model.script = () => code('return a + b');
    await configure({ 'model.provider': 'openai', 'model.baseUrl': model.url, 'model.name': 'scripted' });
  });
  beforeEach(async () => {
    await closeAll();
    model.requests.length = 0;
  });
  afterEach(() => configure({ 'completion.trigger': undefined }));
  after(() => model.close());

  const FUNCTION = 'def add(a, b):\n    """Add two numbers."""\n    |\n';

  it('are answered when invoked, by default', async () => {
    const editor = await openFile(FUNCTION);
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
    await until('the model was asked', () => model.requests.length === 1);
    await accept(editor);
    assert.match(editor.document.getText(), /return a \+ b/);
  });

  it('are not answered while typing, by default', async () => {
    await openFile(FUNCTION);
    await vscode.commands.executeCommand('type', { text: 'x' });
    await settle(1_200);
    assert.equal(model.requests.length, 0);
  });

  it('are answered while typing when set to automatic, after a pause, once', async () => {
    await configure({ 'completion.trigger': 'automatic' });
    // While the suggest widget has an entry selected, SafeNote keeps out of its way.
    const editorSettings = vscode.workspace.getConfiguration('editor');
    await editorSettings.update('quickSuggestions', false, vscode.ConfigurationTarget.Global);
    try {
      await openFile(FUNCTION);
      for (const text of 'ret') await vscode.commands.executeCommand('type', { text });
      await until('the model was asked', () => model.requests.length > 0);
      await settle();
      assert.equal(model.requests.length, 1);
    } finally {
      await editorSettings.update('quickSuggestions', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('are not answered at all when off, while Secure Complete still is', async () => {
    await configure({ 'completion.trigger': 'off' });
    await openFile(FUNCTION);
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
    await until('the refusal is remembered', async () => /trigger is off/.test((await screen()).decisions[0]?.reason ?? ''));
    assert.equal(model.requests.length, 0);
    await shown();
    assert.equal(model.requests.length, 1);
  });

  it('leave the text of another provider alone when Secure Complete is pressed', async () => {
    let asked = 0;
    const other = vscode.languages.registerInlineCompletionItemProvider({ pattern: '**' }, { provideInlineCompletionItems: () => (asked++, [new vscode.InlineCompletionItem('OTHER')]) });
    try {
      const editor = await openFile(FUNCTION);
      await shown();
      assert.equal(asked, 0, 'only SafeNote is asked');
      await accept(editor);
      assert.match(editor.document.getText(), /return a \+ b/);
    } finally {
      other.dispose();
    }
  });

  it('are explained by Why No Suggestion?', async () => {
    await openFile('TOKEN=|\n', { name: 'credentials.json' });
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
    await until('the refusal is remembered', async () => /secrets/.test((await screen()).decisions[0]?.reason ?? ''));
    await vscode.commands.executeCommand('safenote.whyNoSuggestion');
    const text = vscode.window.activeTextEditor?.document.getText() ?? '';
    assert.match(text, /credentials\.json:1/);
    assert.match(text, /file for keys and secrets/);
  });
});
