import { estimateTokens } from '../llm/model.ts';
import { fence } from '../prompting/template.ts';
import type { SourceDocument } from '../source.ts';
import type { ImportOutline, SyntaxOutline, SyntaxParser } from '../syntax/outline.ts';
import { type ModuleOutline, moduleOutline } from './module-outline.ts';

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

/**
 * Signatures and documentation of own modules (DESIGN §4.1), whole functions and types within the token budget: first what
 * the imports name, then what else these modules offer.
 */
export async function renderOutlines(modules: readonly OwnModule[], parser: SyntaxParser, tokenBudget: number, signal: AbortSignal): Promise<string> {
  let left = tokenBudget;
  const fitting = (texts: readonly string[]) =>
    texts.filter((text) => {
      const size = estimateTokens(text);
      if (size > left) return false;
      left -= size;
      return true;
    });
  const parts: { readonly imported: ImportOutline; readonly document: SourceDocument; readonly outline: ModuleOutline; readonly named: string[] }[] = [];
  for (const { imported, document } of modules) {
    const outline = moduleOutline(document, await parser.outline(document, signal), imported.names);
    parts.push({ imported, document, outline, named: fitting([outline.about, ...outline.named].filter(Boolean)) });
  }
  return parts
    .flatMap(({ imported, document, outline, named }) => {
      const texts = [...named, ...fitting(outline.others)];
      return texts.length === 0 ? [] : [`\`${imported.module.replace(/`/g, '')}\`:\n${fence(texts.join('\n'), document.language)}`];
    })
    .join('\n\n');
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
