import { estimateTokens } from '../llm/model.ts';
import { fence } from '../prompting/template.ts';
import type { SourceDocument } from '../source.ts';
import type { FunctionOutline, ImportOutline, SyntaxOutline, SyntaxParser } from '../syntax/outline.ts';

/**
 * Port: the workspace's own files, as far as they may be shown to a model. Files that are secret by name, ignored by git,
 * outside the workspace or too large are not there.
 */
export interface WorkspaceFiles {
  /** The file that an import of a document means, or `undefined` where it is not the workspace's own. */
  resolveImport(document: SourceDocument, imported: ImportOutline): Promise<SourceDocument | undefined>;
}

/** Modules looked at for one request. */
const MAX_MODULES = 8;
const MAX_IMPORTS = 40;
const MAX_DOCUMENTATION = 300;

/** An import of a document together with the workspace file that it means. */
export interface OwnModule {
  readonly imported: ImportOutline;
  readonly document: SourceDocument;
}

/** The workspace's own modules among the imports of a document. */
export async function ownModules(document: SourceDocument, outline: SyntaxOutline, files: WorkspaceFiles, signal: AbortSignal): Promise<OwnModule[]> {
  const found: OwnModule[] = [];
  for (const imported of outline.imports.slice(0, MAX_IMPORTS)) {
    if (found.length >= MAX_MODULES) break;
    signal.throwIfAborted();
    const module = await files.resolveImport(document, imported);
    if (module) found.push({ imported, document: module });
  }
  return found;
}

/** Signatures and documentation of own modules (DESIGN §4.1), whole functions within the token budget. */
export async function renderOutlines(modules: readonly OwnModule[], parser: SyntaxParser, tokenBudget: number, signal: AbortSignal): Promise<string> {
  let left = tokenBudget;
  const parts: string[] = [];
  for (const { imported, document } of modules) {
    const inside = await parser.outline(document, signal);
    const lines: string[] = [];
    for (const f of choose(inside.functions, imported.names)) {
      const text = signature(document, f);
      const size = estimateTokens(text);
      if (size > left) break;
      left -= size;
      lines.push(text);
    }
    if (lines.length > 0) parts.push(`\`${imported.module.replace(/`/g, '')}\`:\n${fence(lines.join('\n'), document.language)}`);
  }
  return parts.join('\n\n');
}

/**
 * The definitions of own modules that code calls, whole and the shortest first, within the token budget: a failure says that
 * a contract was broken, the definition says which.
 */
export async function renderDefinitions(modules: readonly OwnModule[], called: readonly string[], parser: SyntaxParser, tokenBudget: number, signal: AbortSignal): Promise<string> {
  const names = new Set(called.map(lastPart));
  const found: { document: SourceDocument; text: string }[] = [];
  const seen = new Set<string>();
  for (const { document } of modules) {
    if (seen.has(document.path)) continue;
    seen.add(document.path);
    const inside = await parser.outline(document, signal);
    for (const f of inside.functions) if (f.name && names.has(lastPart(f.name))) found.push({ document, text: document.text.slice(f.range.start, f.range.end) });
  }
  let left = tokenBudget;
  const parts: string[] = [];
  for (const { document, text } of found.sort((a, b) => a.text.length - b.text.length)) {
    const size = estimateTokens(text);
    if (size > left) break;
    left -= size;
    parts.push(fence(text, document.language));
  }
  return parts.join('\n\n');
}

function lastPart(name: string): string {
  return name.split(/[.:>]+/).at(-1) ?? name;
}

/** The functions an import names, members of a named class included; all public ones where it binds the whole module. */
function choose(functions: readonly FunctionOutline[], names: readonly string[]): FunctionOutline[] {
  const named = functions.filter((f) => names.includes(f.name) || names.some((name) => f.name.startsWith(`${name}.`)));
  if (named.length > 0) return named;
  return functions.filter((f) => f.name && !f.name.split('.').at(-1)?.startsWith('_'));
}

function signature(document: SourceDocument, f: FunctionOutline): string {
  const header = document.text.slice(f.header.start, f.header.end).replace(/\s*\n\s*/g, ' ').replace(/[{:]\s*$/, '').trim();
  const mark = document.language === 'python' ? '#' : '//';
  const about = f.documentation.trim().slice(0, MAX_DOCUMENTATION);
  return about ? `${header}\n${about.split(/\r?\n/).map((line) => `    ${mark} ${line.trim()}`).join('\n')}` : header;
}
