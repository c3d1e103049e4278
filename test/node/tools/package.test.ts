import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { makeNotices } from '../../../tools/build/notices.mjs';
import { node24, root } from '../../../tools/setup/paths.mjs';

describe('the package', () => {
  let files: string[];

  before(async function () {
    this.timeout(60_000);
    const { stdout } = await promisify(execFile)(node24, [path.join('node_modules', '@vscode', 'vsce', 'vsce'), 'ls', '--no-dependencies'], { cwd: root });
    files = stdout.split('\n').filter(Boolean);
  });

  it('holds the bundles and what they read', () => {
    for (const file of ['dist/extension.js', 'dist/main.js', 'dist/openai-client.js', 'dist/analysis-worker.js', 'dist/embedding-worker.js', 'dist/prompts.json', 'dist/knowledge.json', 'dist/rules/semgrep.yml', 'dist/grammars/python.wasm', 'dist/wasm/ast-grep.wasm', 'THIRD_PARTY_NOTICES', 'LICENSE']) {
      assert.ok(files.includes(file), `${file} is missing`);
    }
  });

  it('holds nothing else', () => {
    const known = /^(package(\.nls(\.[\w-]+)?)?\.json|README\.md|CHANGELOG\.md|LICENSE|THIRD_PARTY_NOTICES|(dist|media)\/.*)$/;
    assert.deepEqual(files.filter((file) => !known.test(file)), []);
  });

  it('holds no native module, no source map and no other package', () => {
    assert.deepEqual(files.filter((file) => /\.(node|so|dll|dylib|exe|map|vsix|tmp)$/.test(file)), []);
  });
});

describe('the notices', () => {
  it('name a package that is bundled, in its version, with the words of its licence', async () => {
    const text = await makeNotices(root, ['src/extension.ts', 'node_modules/zod/v4/index.js', 'node_modules/@grpc/grpc-js/build/src/index.js']);
    assert.match(text, /^- zod \d+\.\d+\.\d+ \(MIT\)$/m);
    assert.match(text, /^- @grpc\/grpc-js \d+\.\d+\.\d+ \(Apache-2\.0\)$/m);
    assert.match(text, /Copyright \(c\) \d+ Colin McDonnell/);
  });

  it('do not name a package that is not', async () => {
    assert.doesNotMatch(await makeNotices(root, []), /^- zod /m);
  });

  it('always name the grammars, the WASM parts and the model', async () => {
    const text = await makeNotices(root, []);
    for (const name of ['tree-sitter-python', 'web-tree-sitter', '@ast-grep/wasm', 'onnxruntime-web', 'all-MiniLM-L6-v2']) assert.ok(text.includes(`- ${name} `), name);
  });
});
