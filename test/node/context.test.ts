import assert from 'node:assert/strict';
import path from 'node:path';
import { completedCode, requestContext } from '../../src/core/completion/context.ts';
import { placeReply } from '../../src/core/prompting/place-reply.ts';
import { applyEdits } from '../../src/core/source.ts';
import { AnalysisWorker } from '../../src/node/analysis/client.ts';

interface Case {
  readonly language: string;
  readonly extension: string;
  /** `|` is the caret. */
  readonly text: string;
  readonly reply: string;
  readonly after: string;
  readonly task: RegExp;
  /** What a note about this completion would hold. */
  readonly note: string;
}

const CASES: readonly Case[] = [
  {
    language: 'python', extension: 'py', text: 'class A:\n    def find(self, name):\n        """Find it."""\n        |\n\n    def other(self):\n        return 2\n', reply: 'def find(self, name):\n    """Find it."""\n    return self.db.get(name)',
    after: 'class A:\n    def find(self, name):\n        """Find it."""\n        return self.db.get(name)\n\n    def other(self):\n        return 2\n', task: /^Find it\.[\s\S]*find/, note: 'def find(self, name):\n    """Find it."""\n    return self.db.get(name)',
  },
  {
    language: 'javascript', extension: 'js', text: "const fs = require('fs');\n\n/** Read it. */\nasync function readIt(name) {\n  |\n}\n\nmodule.exports = { readIt };\n", reply: "const path = require('path');\n\nasync function readIt(name) {\n  return fs.readFileSync(path.join('a', name));\n}\n\nmodule.exports = { readIt };",
    after: "const fs = require('fs');\nconst path = require('path');\n\n/** Read it. */\nasync function readIt(name) {\n  return fs.readFileSync(path.join('a', name));\n}\n\nmodule.exports = { readIt };\n", task: /^Read it\.[\s\S]*readIt/,
    note: "const fs = require('fs');\nconst path = require('path');\nasync function readIt(name) {\n  return fs.readFileSync(path.join('a', name));\n}",
  },
  { language: 'typescript', extension: 'ts', text: 'export const f = (a: string): string => {|};\n', reply: 'return a;\n}', after: 'export const f = (a: string): string => {\n    return a;\n};\n', task: /f = \(a/, note: 'export const f = (a: string): string => {\n    return a;\n};' },
  {
    language: 'c', extension: 'c', text: '#include <stdio.h>\n\n/* Copy. */\nint copy(char *dst, const char *src)\n{\n    |\n}\n', reply: 'int copy(char *dst, const char *src) {\n    if (!src) {\n        return -1;\n    }\n    return 0;\n}',
    after: '#include <stdio.h>\n\n/* Copy. */\nint copy(char *dst, const char *src)\n{\n    if (!src) {\n        return -1;\n    }\n    return 0;\n}\n', task: /^Copy\.[\s\S]*copy/, note: '#include <stdio.h>\nint copy(char *dst, const char *src)\n{\n    if (!src) {\n        return -1;\n    }\n    return 0;\n}',
  },
  {
    language: 'go', extension: 'go', text: 'package main\n\nimport "fmt"\n\n// Greet greets.\nfunc Greet(name string) string {\n\t|\n}\n', reply: '    if name == "" {\n        return ""\n    }\n    return fmt.Sprint(name)\n}',
    after: 'package main\n\nimport "fmt"\n\n// Greet greets.\nfunc Greet(name string) string {\n\tif name == "" {\n\t\treturn ""\n\t}\n\treturn fmt.Sprint(name)\n}\n', task: /Greet greets/, note: 'import "fmt"\nfunc Greet(name string) string {\n\tif name == "" {\n\t\treturn ""\n\t}\n\treturn fmt.Sprint(name)\n}',
  },
  {
    language: 'java', extension: 'java', text: 'import java.util.List;\n\nclass A {\n    /** Find it. */\n    int find(List<String> a) {\n        |\n    }\n}\n', reply: 'import java.util.Map;\n\nreturn a.size();',
    after: 'import java.util.List;\nimport java.util.Map;\n\nclass A {\n    /** Find it. */\n    int find(List<String> a) {\n        return a.size();\n    }\n}\n', task: /^Find it\.[\s\S]*find/, note: 'import java.util.List;\nint find(List<String> a) {\n    return a.size();\n}',
  },
];

describe('a completion on the real syntax tree', () => {
  const parser = new AnalysisWorker({ assetsRoot: path.resolve(import.meta.dirname, '../../dist') });
  const { signal } = new AbortController();
  after(() => parser.dispose());
  for (const c of CASES) {
    it(`lands in its place in ${c.language}, with its task and what a note would keep of it`, async () => {
      const offset = c.text.indexOf('|');
      const text = c.text.replace('|', '');
      const document = { path: `/w/a.${c.extension}`, language: c.language, text };
      const outline = await parser.outline(document, signal);
      const { edit, importEdits } = placeReply(text, offset, c.reply, c.language, outline);
      const completed = applyEdits(text, [edit, ...importEdits]);
      assert.equal(completed, c.after);
      assert.match(requestContext(document, offset, outline).task, c.task);
      assert.equal(completedCode(document, [edit, ...importEdits], await parser.outline({ ...document, text: completed }, signal)), c.note);
    });
  }
});
