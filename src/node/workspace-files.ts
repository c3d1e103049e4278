import { readFileSync, realpathSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import ignore, { type Ignore } from 'ignore';
import type { WorkspaceFiles } from '../core/completion/outlines.ts';
import { languageOfPath } from '../core/language.ts';
import { secretFileReason } from '../core/secret-file.ts';
import type { SourceDocument } from '../core/source.ts';
import type { ImportOutline } from '../core/syntax/outline.ts';

/** Larger files are generated ones, in bytes. */
const MAX_SIZE = 300_000;
const SCRIPT_ENDINGS = ['', '.ts', '.tsx', '.js', '.jsx', '.mjs', '.cjs', '.mts', '.cts', '/index.ts', '/index.js'];

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

  async resolveImport(document: SourceDocument, imported: ImportOutline): Promise<SourceDocument | undefined> {
    if (!path.isAbsolute(document.path)) return undefined;
    for (const candidate of this.candidates(document, imported)) {
      const file = await this.readable(candidate);
      if (file && file !== document.path) return { path: file, language: languageOfPath(file), text: await readFile(file, 'utf8') };
    }
    return undefined;
  }

  private candidates(document: SourceDocument, { module, names }: ImportOutline): string[] {
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
          return [...(parts.length > 0 ? [`${at}.py`, path.join(at, '__init__.py')] : []), ...names.map((n) => path.join(at, `${n}.py`))];
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
        const parts = `${name.replace(/\./g, '/')}.java`;
        return [this.root, path.join(this.root, 'src'), path.join(this.root, 'src/main/java'), ancestorWithPackage(folder, name)].filter((b) => b !== undefined).map((base) => path.join(base, parts));
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
