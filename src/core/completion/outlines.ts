import { estimateTokens } from '../llm/model.ts';
import { fence } from '../prompting/template.ts';
import type { OffsetRange, SourceDocument } from '../source.ts';
import type { DeclarationOutline, FunctionOutline, ImportOutline, SyntaxOutline, SyntaxParser } from '../syntax/outline.ts';
import { comment, headerLine, indented, moduleOutline } from './module-outline.ts';

/**
 * Port: the workspace's own files, as far as they may be shown to a model. Files that are secret by name, ignored by git,
 * outside the workspace or too large are not there.
 */
export interface WorkspaceFiles {
  /** The files that an import of a document means; none where it is not the workspace's own. */
  resolveImport(document: SourceDocument, imported: ImportOutline): Promise<readonly SourceDocument[]>;
  /** Files that a document reaches without an import: the rest of its package (Go; in Java those of these names), the sources of a header. */
  besides(document: SourceDocument, names: ReadonlySet<string>): Promise<readonly SourceDocument[]>;
  /** The file that a traceback names, as seen from a document. */
  named(file: string, near: SourceDocument): Promise<SourceDocument | undefined>;
}

/** Modules looked at for one request, and of these the ones that others lead to. */
const MAX_MODULES = 12;
const MAX_IMPORTS = 40;
/** How far a name is followed through modules that only pass it on. */
const MAX_DEPTH = 3;
const MAX_DOCUMENTATION = 300;

/** A workspace file in reach of a document. */
export interface OwnModule {
  /** The document's import that leads there; none where no import is needed. */
  readonly imported?: ImportOutline;
  /** Names that are wanted of it, as it calls them; none: all of it. */
  readonly wanted: ReadonlySet<string>;
  readonly document: SourceDocument;
  readonly outline: SyntaxOutline;
}

/**
 * The workspace's own modules in reach of a document: what it imports, what these pass on (`__init__.py`, `index.ts`, a
 * header's headers), and what belongs to the same package.
 */
export async function ownModules(document: SourceDocument, outline: SyntaxOutline, files: WorkspaceFiles, parser: SyntaxParser, signal: AbortSignal): Promise<OwnModule[]> {
  const found: OwnModule[] = [];
  const seen = new Set([document.path]);
  const add = async (file: SourceDocument, wanted: ReadonlySet<string>, imported?: ImportOutline): Promise<OwnModule | undefined> => {
    if (found.length >= MAX_MODULES || seen.has(file.path)) return undefined;
    seen.add(file.path);
    signal.throwIfAborted();
    const module = { ...(imported ? { imported } : {}), wanted, document: file, outline: await parser.outline(file, signal) };
    found.push(module);
    return module;
  };
  let layer: OwnModule[] = [];
  for (const imported of outline.imports.slice(0, MAX_IMPORTS)) {
    const wanted = wantedOf(imported, document, outline);
    for (const file of await files.resolveImport(document, imported)) {
      const module = await add(file, wanted, imported);
      if (module) layer.push(module);
    }
  }
  for (const file of await files.besides(document, namesIn(document.text))) await add(file, new Set());
  for (let depth = 0; depth < MAX_DEPTH && layer.length > 0; depth++) {
    const next: OwnModule[] = [];
    for (const module of layer) {
      for (const file of await files.besides(module.document, namesIn(document.text))) {
        // The source of a header has what the header names; its other functions are nobody else's business.
        const beside = await add(file, module.wanted, module.imported);
        if (beside) next.push(beside);
      }
      const missing = [...module.wanted].filter((name) => !defines(module.outline, name));
      if (missing.length === 0) continue;
      for (const passed of module.outline.imports) {
        const names = missing.filter((name) => passed.names.includes(name));
        // Without names an import passes everything on.
        if (names.length === 0 && passed.names.length > 0) continue;
        const wanted = new Set(names.length > 0 ? names.map((name) => passed.renamed?.[name] ?? name) : missing);
        for (const file of await files.resolveImport(module.document, passed)) {
          const further = await add(file, wanted, module.imported);
          if (further) next.push(further);
        }
      }
    }
    layer = next;
  }
  return found;
}

/** What a document wants of a module: the names that it imports, or those that it takes of the whole. */
function wantedOf(imported: ImportOutline, document: SourceDocument, outline: SyntaxOutline): Set<string> {
  // A header is included whole.
  if (document.language === 'c' || document.language === 'cpp') return new Set(outline.calls.map((call) => call.name).filter((name) => !name.includes('.')));
  const taken = outline.calls.flatMap((call) => {
    const [head = '', next] = call.name.split('.');
    return next !== undefined && imported.names.includes(head) ? [next] : [];
  });
  return new Set([...imported.names.map((name) => imported.renamed?.[name] ?? name), ...taken]);
}

function defines(outline: SyntaxOutline, name: string): boolean {
  return name === 'default' || outline.functions.some((f) => lastPart(f.name) === name) || outline.declarations.some((d) => d.name === name);
}

function namesIn(text: string): Set<string> {
  return new Set(text.match(/[A-Za-z_$][\w$]*/g) ?? []);
}

/**
 * Signatures and documentation of own modules (DESIGN §4.1), whole functions and types within the token budget: first what
 * the imports name, then what else these modules offer.
 */
export function renderOutlines(modules: readonly OwnModule[], tokenBudget: number): string {
  let left = tokenBudget;
  const fitting = (texts: readonly string[]) =>
    texts.filter((text) => {
      const size = estimateTokens(text);
      if (size > left) return false;
      left -= size;
      return true;
    });
  const parts = modules.filter(speaks).map((module) => {
    const outline = moduleOutline(module.document, module.outline, [...module.wanted]);
    return { module, others: outline.others, named: fitting([outline.about, ...outline.named].filter(Boolean)) };
  });
  return parts
    .flatMap(({ module, others, named }) => {
      const texts = [...named, ...fitting(others)];
      return texts.length === 0 ? [] : [`\`${labelOf(module).replace(/`/g, '')}\`:\n${fence(texts.join('\n'), module.document.language)}`];
    })
    .join('\n\n');
}

/** What a header promises its source does not say again. */
function speaks({ imported, document }: OwnModule): boolean {
  return !(imported && (document.language === 'c' || document.language === 'cpp') && !/\.(h|hh|hpp|hxx)$/.test(document.path));
}

function labelOf({ imported, document }: OwnModule): string {
  return imported?.module ?? fileLabel(document.path);
}

/** A path for a prompt: the last two parts, so that no home folder leaves the machine. */
export function fileLabel(path: string): string {
  return path.split(/[\\/]/).slice(-2).join('/');
}

export function lastPart(name: string): string {
  return name.split(/[.:>]+/).at(-1) ?? name;
}

/** The innermost type around a place. */
export function holderOf(outline: SyntaxOutline, range: OffsetRange): DeclarationOutline | undefined {
  let best: DeclarationOutline | undefined;
  for (const d of outline.declarations) {
    if (d.kind !== 'type' || d.range.start > range.start || d.range.end < range.end || (d.range.start === range.start && d.range.end === range.end)) continue;
    if (!best || d.range.start >= best.range.start) best = d;
  }
  return best;
}

/** A header in one line, and what is said of it. */
export function signature(document: SourceDocument, f: FunctionOutline | DeclarationOutline): string {
  const about = f.documentation.trim();
  return [headerLine(document, f), ...(about ? [indented(comment(about, document.language, MAX_DOCUMENTATION))] : [])].join('\n');
}
