// A language model of the editor that answers as a test says: `safenote-test.script` sets the answer, `safenote-test.requests` tells what it was asked.
const vscode = require('vscode');

let answer = { text: '' };
const requests = [];

exports.activate = (context) => {
  const model = { id: 'scripted-editor-model', name: 'Scripted', family: 'scripted', version: '1', maxInputTokens: 100_000, maxOutputTokens: 10_000, capabilities: {} };
  context.subscriptions.push(
    vscode.lm.registerLanguageModelChatProvider('safenote-test', {
      provideLanguageModelChatInformation: () => [model],
      provideTokenCount: (_model, text) => Math.ceil(String(typeof text === 'string' ? text : '').length / 4),
      provideLanguageModelChatResponse: async (_model, messages, options, progress, token) => {
        const request = {
          roles: messages.map((m) => m.role),
          texts: messages.map((m) => m.content.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : '')).join('')),
          modelOptions: options.modelOptions,
          cancelled: false,
        };
        requests.push(request);
        token.onCancellationRequested(() => (request.cancelled = true));
        if (answer.hang) await new Promise((resolve) => token.onCancellationRequested(resolve));
        if (answer.error === 'blocked') throw vscode.LanguageModelError.Blocked('quota exceeded');
        if (answer.error) throw new Error(answer.error);
        for (const piece of answer.text.match(/[^]{1,20}/g) ?? []) progress.report(new vscode.LanguageModelTextPart(piece));
      },
    }),
    vscode.commands.registerCommand('safenote-test.script', (next) => {
      answer = next;
      requests.length = 0;
    }),
    vscode.commands.registerCommand('safenote-test.requests', () => requests),
  );
};
