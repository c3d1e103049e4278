import { readFileSync, realpathSync, statSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import ignore, { type Ignore } from 'ignore';
import type { WorkspaceFiles } from '../core/completion/outlines.ts';
import { languageOfPath } from '../core/language.ts';
import { secretFileReason } from '../core/secret-file.ts';
import type { SourceDocument } from '../core/source.ts';
import type { ImportOutline } from '../core/syntax/outline.ts';

/** Larger files are generated ones, in bytes. */
const MAX_SIZE = 300_000;
const SCRIPT_ENDINGS = ['', '.ts', '.tsx', '.js', '.jsx', '.mjs', '.cjs', '.mts', '.cts', '/index.ts', '/index.tsx', '/index.js', '/index.mjs', '/index.cjs'];
/** Files of one package that are read together. */
const MAX_TOGETHER = 12;

/** Finds and reads the workspace's own modules. Nothing is read that git ignores or that is secret by name. */
export class FolderFiles implements WorkspaceFiles {
  private readonly root: string;

  constructor(workspaceFolder: string) {
    let root = path.resolve(workspaceFolder);
    try {
      root = realpathSync(root);
    } catch {
      // A folder that does not exist holds no modules.
    }
    this.root = root;
  }

  /** A document's path inside the folder, with `/` between its parts; `undefined` for what lies elsewhere. */
  relative(file: string): string | undefined {
    if (!path.isAbsolute(file)) return undefined;
    const inside = path.relative(this.root, this.real(file));
    return inside === '' || /^\.\.(?:[\\/]|$)/.test(inside) || path.isAbsolute(inside) ? undefined : inside.split(path.sep).join('/');
  }

  private real(file: string): string {
    try {
      return realpathSync(file);
    } catch {
      return path.resolve(file);
    }
  }

  async resolveImport(document: SourceDocument, imported: ImportOutline): Promise<SourceDocument[]> {
    if (!path.isAbsolute(document.path)) return [];
    if (document.language === 'go') return this.goPackage(await this.goFolder(document, imported.module), document);
    const found: SourceDocument[] = [];
    for (const candidate of this.candidates(document, imported)) {
      // In Python a package and the modules of it that are named count; elsewhere the first file is the one.
      if (found.length > 0 && (document.language !== 'python' || found.length >= MAX_TOGETHER)) break;
      const file = await this.read(candidate);
      if (file && file.path !== document.path && !found.some((f) => f.path === file.path)) found.push(file);
    }
    if (found.length > 0 || document.language !== 'java' || imported.names.length > 0) return found;
    return this.javaPackage(this.javaFolders(document, imported.module), document, new Set(document.text.match(/\b[A-Z]\w*/g) ?? []));
  }

  async besides(document: SourceDocument, names: ReadonlySet<string>): Promise<SourceDocument[]> {
    if (!path.isAbsolute(document.path)) return [];
    const folder = path.dirname(document.path);
    switch (document.language) {
      case 'go':
        return this.goPackage(folder, document);
      case 'java':
        return this.javaPackage([folder], document, names);
      case 'c':
      case 'cpp': {
        const [, stem, ending] = /^(.*)\.(h|hh|hpp|hxx)$/.exec(path.basename(document.path)) ?? [];
        if (!stem || !ending) return [];
        for (const base of [folder, path.join(folder, '../src'), path.join(folder, '../lib'), path.join(this.root, 'src'), this.root]) {
          for (const end of ['c', 'cc', 'cpp', 'cxx']) {
            const file = await this.read(path.join(base, `${stem}.${end}`));
            if (file) return [file];
          }
        }
        return [];
      }
      default:
        return [];
    }
  }

  async named(file: string, near: SourceDocument): Promise<SourceDocument | undefined> {
    if (path.isAbsolute(file)) return this.read(file);
    if (!path.isAbsolute(near.path)) return undefined;
    // Runners stand in the workspace or in a project inside it; Java names a file by its package.
    for (let folder = path.dirname(near.path); folder.startsWith(this.root); folder = path.dirname(folder)) {
      for (const base of [folder, path.join(folder, 'src'), path.join(folder, 'src/main/java')]) {
        const found = await this.read(path.join(base, file));
        if (found) return found;
      }
      if (folder === this.root) break;
    }
    return undefined;
  }

  private async read(candidate: string): Promise<SourceDocument | undefined> {
    const file = await this.readable(candidate);
    return file === undefined ? undefined : { path: file, language: languageOfPath(file), text: await readFile(file, 'utf8') };
  }

  /** The folder of a Go package, by the module path that `go.mod` declares above the document. */
  private async goFolder(document: SourceDocument, module: string): Promise<string | undefined> {
    for (let folder = path.dirname(document.path); folder.startsWith(this.root); folder = path.dirname(folder)) {
      const declared = await readFile(path.join(folder, 'go.mod'), 'utf8').catch(() => undefined);
      if (declared !== undefined) {
        const own = /^module\s+(\S+)/m.exec(declared)?.[1]?.replace(/^"|"$/g, '');
        return own !== undefined && (module === own || module.startsWith(`${own}/`)) ? path.join(folder, module.slice(own.length)) : undefined;
      }
      if (folder === this.root) break;
    }
    return undefined;
  }

  /** The files of a Go package, its tests left out. */
  private async goPackage(folder: string | undefined, document: SourceDocument): Promise<SourceDocument[]> {
    if (folder === undefined) return [];
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.go') && !name.endsWith('_test.go')).sort();
    return this.readAll(names.map((name) => path.join(folder, name)), document);
  }

  /** The files of a Java package that names of the code stand for. */
  private async javaPackage(folders: readonly string[], document: SourceDocument, names: ReadonlySet<string>): Promise<SourceDocument[]> {
    for (const folder of folders) {
      const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.java') && names.has(name.slice(0, -'.java'.length))).sort();
      if (files.length > 0) return this.readAll(files.map((name) => path.join(folder, name)), document);
    }
    return [];
  }

  private async readAll(files: readonly string[], document: SourceDocument): Promise<SourceDocument[]> {
    const found: SourceDocument[] = [];
    for (const file of files) {
      if (found.length >= MAX_TOGETHER) break;
      const read = await this.read(file);
      if (read && read.path !== document.path) found.push(read);
    }
    return found;
  }

  /** Where a Java package may lie. */
  private javaFolders(document: SourceDocument, name: string): string[] {
    const bases = [this.root, path.join(this.root, 'src'), path.join(this.root, 'src/main/java'), ancestorWithPackage(path.dirname(document.path), name)];
    return bases.filter((b) => b !== undefined).map((base) => path.join(base, name.replace(/\./g, '/')));
  }

  private candidates(document: SourceDocument, { module, names, renamed }: ImportOutline): string[] {
    const folder = path.dirname(document.path);
    const name = module.replace(/^["'<]|["'>]$/g, '');
    switch (document.language) {
      case 'python': {
        const dots = /^\.*/.exec(name)?.[0].length ?? 0;
        const parts = name.slice(dots).split('.').filter(Boolean);
        const bases = dots > 0 ? [path.resolve(folder, '../'.repeat(dots - 1))] : [folder, this.root, path.join(this.root, 'src'), path.dirname(folder)];
        return bases.flatMap((base) => {
          const at = path.join(base, ...parts);
          // `from package import module` names a file of the package.
          return [...(parts.length > 0 ? [`${at}.py`, path.join(at, '__init__.py')] : []), ...names.map((n) => path.join(at, `${renamed?.[n] ?? n}.py`))];
        });
      }
      case 'javascript':
      case 'typescript': {
        if (!/^\.{0,2}\//.test(name) && !name.startsWith('./') && !name.startsWith('../')) return [];
        const at = path.resolve(folder, name);
        // TypeScript sources import each other by the name of the file that the compiler will write.
        const bare = at.replace(/\.(?:js|mjs|cjs)$/, '');
        return [...SCRIPT_ENDINGS.map((end) => at + end), ...SCRIPT_ENDINGS.slice(1).map((end) => bare + end)];
      }
      case 'c':
      case 'cpp':
        return [folder, this.root, path.join(this.root, 'include'), path.join(this.root, 'src')].map((base) => path.join(base, name));
      case 'java': {
        // A static import names a member; the class is the part before it.
        return this.javaFolders(document, name).flatMap((at) => [`${at}.java`, `${path.dirname(at)}.java`]);
      }
      default:
        return [];
    }
  }

  /** The real path of a file that may be read, else `undefined`. */
  private async readable(candidate: string): Promise<string | undefined> {
    try {
      const info = await stat(candidate);
      if (!info.isFile() || info.size > MAX_SIZE) return undefined;
      const real = realpathSync(candidate);
      const relative = path.relative(this.root, real);
      if (relative.startsWith('..') || path.isAbsolute(relative) || secretFileReason(real)) return undefined;
      return this.ignored(relative) ? undefined : real;
    } catch {
      return undefined;
    }
  }

  /** Asks every `.gitignore` from the root down to the file's folder. */
  private ignored(relative: string): boolean {
    const parts = relative.split(path.sep);
    for (let depth = 0; depth < parts.length; depth++) {
      const rules = ignoreFile(path.join(this.root, ...parts.slice(0, depth), '.gitignore'));
      if (rules?.ignores(parts.slice(depth).join('/'))) return true;
    }
    return false;
  }
}

function ignoreFile(file: string): Ignore | undefined {
  try {
    if (statSync(file).size > MAX_SIZE) return undefined;
    return ignore().add(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The source root that a Java file lies under, judged by the first part of the package that it imports. */
function ancestorWithPackage(folder: string, name: string): string | undefined {
  const first = name.split('.')[0] ?? '';
  const at = folder.split(path.sep).lastIndexOf(first);
  return at > 0 ? folder.split(path.sep).slice(0, at).join(path.sep) : undefined;
}
