/** Import lines at the head of a reply, which belong at the top of the file and not at the caret. */

const IMPORT_LINE: Readonly<Record<string, RegExp>> = {
  python: /^(?:import\s+[\w.]+(?:\s+as\s+\w+)?(?:\s*,\s*[\w.]+(?:\s+as\s+\w+)?)*|from\s+[\w.]+\s+import\s+[^(]+)\s*(?:#.*)?$/,
  javascript: /^(?:import\s[^;]*?['"][^'"]+['"]\s*;?|import\s+['"][^'"]+['"]\s*;?|(?:const|let|var)\s+[\w${}\s,:]+=\s*require\(\s*['"][^'"]+['"]\s*\)(?:\.\w+)?\s*;?)\s*(?:\/\/.*)?$/,
  c: /^#\s*include\s*[<"][^>"]+[>"]\s*(?:\/[/*].*)?$/,
  java: /^import\s+(?:static\s+)?[\w.]+(?:\.\*)?\s*;\s*(?:\/\/.*)?$/,
  go: /^import\s+(?:[\w.]+\s+)?"[^"]+"\s*(?:\/\/.*)?$/,
};

function importLine(language: string): RegExp | undefined {
  return IMPORT_LINE[language === 'typescript' ? 'javascript' : language === 'cpp' ? 'c' : language];
}

/** True for a line without leading space that imports something. */
export function isImportLine(line: string, language: string): boolean {
  return importLine(language)?.test(line) ?? false;
}

/**
 * Takes import lines off the head of a piece of code. Only unindented ones followed by other code: an answer that is
 * nothing but imports is the completion itself.
 */
export function splitImports(code: string, language: string): { imports: string[]; rest: string } {
  const lines = code.split('\n');
  const imports: string[] = [];
  let at = 0;
  for (; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (!line.trim()) continue;
    if (!isImportLine(line, language)) break;
    imports.push(line.trimEnd());
  }
  if (imports.length === 0 || at >= lines.length) return { imports: [], rest: code };
  return { imports, rest: lines.slice(at).join('\n') };
}

/** Offset at which new import lines go: after the last import, else after the file's head (shebang, comments, docstring). */
export function importOffset(text: string, language: string, imports: readonly { readonly end: number }[]): number {
  const last = Math.max(-1, ...imports.map((i) => i.end));
  if (last >= 0) {
    const line = text.indexOf('\n', last);
    return line === -1 ? text.length : line + 1;
  }
  const head =
    language === 'python'
      ? /^(?:#[^\n]*\n|\s*\n)*(?:("""|''')[\s\S]*?\1[^\n]*\n)?/
      : /^(?:#![^\n]*\n)?(?:(?:\/\/[^\n]*|\/\*[\s\S]*?\*\/[^\n]*|\s*['"]use strict['"];?[^\n]*|package [^\n]*|\s*)\n)*/;
  const end = head.exec(text)?.[0].length ?? 0;
  return end < text.length ? beforeOwnComment(text, end) : end;
}

/** A comment without a blank line after it belongs to the code below: imports go above it, but not above the file's own marks. */
function beforeOwnComment(text: string, end: number): number {
  let start = end;
  let inBlock = false;
  while (start > 0) {
    const line = text.slice(text.lastIndexOf('\n', start - 2) + 1, start);
    if (!inBlock && (!line.trim() || /^(?:#!|\s*['"]use strict|package )|"""|'''|coding[:=]|@ts-|@flow|eslint|go:build/.test(line))) break;
    if (line.includes('*/') || inBlock) inBlock = !line.includes('/*');
    start -= line.length;
  }
  return start;
}
