import assert from 'node:assert/strict';
import { importOffset } from '../../../src/core/prompting/imports.ts';

/** `|` marks the place that is expected. */
const CASES: readonly (readonly [string, string, string])[] = [
  ['after a directive, above the comment of the first function', 'javascript', "'use strict';\n\n|/** Adds. */\nfunction add() {}\n"],
  ['above a comment of several lines', 'javascript', "'use strict';\n\n|/**\n * Adds.\n *\n\n * And more.\n */\nfunction add() {}\n"],
  ['above line comments of the first function', 'c', '/* The file. */\n\n|// Adds.\n// Two numbers.\nint add(void);\n'],
  ['after a licence that stands apart', 'javascript', '/* Licence. */\n\n|const x = 1;\n'],
  ['after shebang and module docstring', 'python', '#!/usr/bin/env python3\n"""What it is."""\n|\ndef f():\n    pass\n'],
  ['above the comment of a function, below the docstring', 'python', '"""What it is."""\n|# Adds.\ndef f():\n    pass\n'],
  ['not above an encoding', 'python', '# -*- coding: utf-8 -*-\n|def f():\n    pass\n'],
  ['not above a mark for the checker', 'javascript', '// @ts-check\n|function f() {}\n'],
  ['after the package', 'java', 'package a.b;\n|/** It. */\nclass A {}\n'],
  ['at the top of a file without a head', 'python', '|def f():\n    pass\n'],
  ['at the end of a file that is nothing but head', 'python', '# Notes.\n|'],
  ['at the top of an empty file', 'python', '|'],
];

describe('the place of new imports', () => {
  for (const [name, language, marked] of CASES) {
    it(`is ${name} (${language})`, () => {
      const text = marked.replace('|', '');
      const at = importOffset(text, language, []);
      assert.equal(`${text.slice(0, at)}|${text.slice(at)}`, marked);
    });
  }

  it('is after the last import where there is one', () => assert.equal(importOffset('import a\nx = 1\n', 'python', [{ end: 8 }]), 9));
});
