import type { TestCase } from './test-runner.ts';

/** A place that a traceback names. */
export interface Frame {
  /** As written: absolute, or relative to wherever the runner stood. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

/** `File "a.py", line 3` and `a.js:3:7`, `a.go:3`, `a.c:3: Failure`, with or without a file URL, and Java's `p.C.m(C.java:3)`. */
const PLACE = /File "([^"\n]{1,400})", line (\d+)|\bat ([\w.$]{1,300})\.[\w$<>]{1,100}\(([\w$]{1,100}\.java):(\d+)\)|(?:^|[\s("'=])(?:file:\/\/)?((?:[\w.@+~%-]*[\\/])*[\w.@+~%-]{1,100}\.(?:py|[cm]?[jt]sx?|cc|cpp|cxx|hh|hpp|hxx|h|c|go)):(\d+)/gm;

/** The places that a failure passed through, deepest first, each once. */
export function framesOf(test: TestCase): Frame[] {
  const text = `${test.details ?? ''}\n${test.message ?? ''}`.slice(0, 40_000);
  const frames: Frame[] = [];
  let python = false;
  for (const [, quoted, quotedLine, owner, javaFile, javaLine, plain, plainLine] of text.matchAll(PLACE)) {
    if (quoted !== undefined) python = true;
    // A Java frame names class and file; the package is the folder.
    const file = quoted ?? (javaFile === undefined ? unescaped(plain ?? '') : [...(owner ?? '').split('.').slice(0, -1), javaFile].join('/'));
    const line = Number(quotedLine ?? javaLine ?? plainLine);
    if (file && line > 0 && !frames.some((f) => f.file === file && f.line === line)) frames.push({ file, line });
  }
  // Python writes the most recent call last, pytest its own frames too.
  return python || /^[^\n]*\.py:\d+: /m.test(text) ? frames.reverse() : frames;
}

function unescaped(file: string): string {
  try {
    return decodeURIComponent(file);
  } catch {
    return file;
  }
}
