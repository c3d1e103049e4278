import { ModelError } from '../llm/model.ts';
import { isImportLine } from './imports.ts';

/**
 * The code of a model's reply: its code block, or a reply that is code throughout. Where there are several blocks, the
 * longest in the language asked for wins, because models sometimes show a usage example after the answer;
 * a block of nothing but imports belongs to it.
 * Throws `ModelError` `model-empty`, `model-no-code` or `model-cut`.
 */
export function extractCode(reply: string, language: string): string {
  const text = reply.replace(/\r\n/g, '\n').replace(/^\s*<think(?:ing)?>[\s\S]*?<\/think(?:ing)?>/i, '');
  if (!text.trim()) {
    throw new ModelError('model-empty', 'The model answered with nothing.', 'Try again, or choose another model with "SafeNote: Select Model".');
  }
  const blocks = fencedBlocks(text);
  const closed = blocks.filter((b) => b.closed && b.code.trim());
  if (closed.length > 0) {
    const named = closed.filter((b) => sameLanguage(b.language, language));
    return best(named.length > 0 ? named : closed, language);
  }
  if (blocks.some((b) => !b.closed && b.code.trim())) {
    throw new ModelError('model-cut', 'The model\'s answer ends in the middle of its code.', 'Try again; where it repeats, raise the server\'s limit on answer length.');
  }
  if (blocks.length === 0 && looksLikeCode(text, language)) return text;
  throw new ModelError('model-no-code', 'The model answered in prose, without code.', 'Try again, describe the task in a comment, or choose another model with "SafeNote: Select Model".');
}

interface Block {
  readonly language: string;
  readonly code: string;
  readonly closed: boolean;
}

function fencedBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  let open: { ticks: string; language: string; lines: string[] } | undefined;
  for (const line of text.split('\n')) {
    if (!open) {
      const start = /^[ \t]*(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$/.exec(line);
      if (start) open = { ticks: start[1] ?? '```', language: (start[2] ?? '').toLowerCase(), lines: [] };
      continue;
    }
    const end = /^[ \t]*(`{3,}|~{3,})\s*$/.exec(line)?.[1];
    if (end && end[0] === open.ticks[0] && end.length >= open.ticks.length) {
      blocks.push({ language: open.language, code: open.lines.join('\n'), closed: true });
      open = undefined;
    } else open.lines.push(line);
  }
  if (open) blocks.push({ language: open.language, code: open.lines.join('\n'), closed: false });
  return blocks;
}

/** The longest, under the imports that some models put into a block of their own. */
function best(blocks: readonly Block[], language: string): string {
  const longest = blocks.reduce((a, b) => (b.code.length > a.code.length ? b : a));
  const imports = blocks.filter((b) => b !== longest && lines(b.code).every((line) => isImportLine(line.trimEnd(), language))).map((b) => b.code);
  return [...imports, longest.code].join('\n');
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line.trim());
}

const NAMES: Readonly<Record<string, readonly string[]>> = {
  python: ['python', 'py', 'python3'],
  javascript: ['javascript', 'js', 'jsx', 'node', 'mjs'],
  typescript: ['typescript', 'ts', 'tsx', 'javascript', 'js'],
  c: ['c', 'h'],
  cpp: ['cpp', 'c++', 'cc', 'cxx', 'c'],
  go: ['go', 'golang'],
  java: ['java'],
};

function sameLanguage(tag: string, language: string): boolean {
  return tag === language || (NAMES[language]?.includes(tag) ?? false);
}

/**
 * Without a fence only a reply that reads as code throughout is taken: some small models leave the fence away. Prose has
 * lines that begin with a capital letter and end in a full stop, or hardly any of the marks that code is full of.
 */
function looksLikeCode(text: string, language: string): boolean {
  const written = lines(text);
  const prose = written.filter((line) => /^\s*[A-Z][a-z]+(?: [A-Za-z,'’-]+){3,}.*[.:!?]\s*$/.test(line) && !/[;{}=]|\)\s*:?$/.test(line.replace(/[.:!?]\s*$/, '')));
  if (prose.length > 0) return false;
  const marks = language === 'python' ? /[=()[\]:]|^\s*(return|pass|raise|import|from|with|if|for|while|try|def)\b/ : /[;{}()=]|=>/;
  return written.filter((line) => marks.test(line)).length >= Math.ceil(written.length * 0.6);
}
