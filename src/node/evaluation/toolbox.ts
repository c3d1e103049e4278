import { existsSync } from 'node:fs';
import path from 'node:path';
import { run } from '../process/run.ts';
import { BOX_CACHE, goCaches } from '../runners/go-cache.ts';
import { onPath, realPath } from '../sandbox/box.ts';

export type Tool =
  | {
      readonly program: string;
      readonly tools: readonly string[];
      /** What it needs to be told in the box. */
      readonly environment?: Readonly<Record<string, string>>;
      /** The user's build cache, to be linked into the box. */
      readonly cache?: string;
    }
  | { readonly unavailable: string };

/**
 * What judges need to run programs: compilers and interpreters, and packages beside them. `folder` (`--toolbox`) may have a
 * Python environment `venv/`, `node_modules/`, a Go module cache `gomod/`, and files of the suite's own under `files/`.
 */
export class Toolbox {
  readonly folder: string | undefined;
  private readonly env: NodeJS.ProcessEnv;
  private readonly found = new Map<string, Promise<Tool>>();

  constructor(env: NodeJS.ProcessEnv, folder?: string) {
    this.env = env;
    this.folder = folder === undefined ? undefined : realPath(folder);
  }

  python(): Promise<Tool> {
    return this.once('python', async () => {
      const own = this.folder && path.join(this.folder, 'venv', 'bin', 'python');
      const active = this.env['VIRTUAL_ENV'] && path.join(this.env['VIRTUAL_ENV'], 'bin', 'python');
      const program = own && existsSync(own) ? own : active && existsSync(active) ? active : await onPath('python3', this.env);
      if (!program) return { unavailable: 'there is no Python (python3) on PATH' };
      const told = await run(program, ['-I', '-c', 'import sys; print(sys.executable); print(sys.base_prefix); print(sys.prefix)'], { env: this.env, timeoutMs: 10_000 });
      const [executable, base, prefix] = told.stdout.trim().split('\n');
      if (told.code !== 0 || !executable || !base || !prefix) return { unavailable: `${program} does not run: ${told.stderr.trim().split('\n').at(-1) ?? ''}` };
      return { program: executable, tools: [...new Set([base, prefix, realPath(base), path.dirname(path.dirname(realPath(executable)))])] };
    });
  }

  /** Whether Python has a module. */
  pythonHas(module: string): Promise<boolean> {
    return this.once(`python:${module}`, async () => {
      const python = await this.python();
      if ('unavailable' in python) return python;
      const told = await run(python.program, ['-c', `import importlib.util as u, sys; sys.exit(0 if u.find_spec(${JSON.stringify(module)}) else 1)`], { env: this.env, timeoutMs: 10_000 });
      return told.code === 0 ? python : { unavailable: `Python has no module ${module}` };
    }).then((tool) => !('unavailable' in tool));
  }

  node(): Promise<Tool> {
    return this.once('node', async () => {
      const program = await onPath('node', this.env);
      if (!program) return { unavailable: 'there is no Node on PATH' };
      const real = realPath(program);
      return { program: real, tools: [path.dirname(path.dirname(real)), ...(this.nodeModules ? [this.nodeModules] : [])] };
    });
  }

  get nodeModules(): string | undefined {
    const own = this.folder && path.join(this.folder, 'node_modules');
    return own && existsSync(own) ? own : undefined;
  }

  /** Files that a suite's tests expect beside them. */
  get files(): string | undefined {
    const own = this.folder && path.join(this.folder, 'files');
    return own && existsSync(own) ? own : undefined;
  }

  compiler(name: 'gcc' | 'g++'): Promise<Tool> {
    return this.once(name, async () => {
      const program = await onPath(name, this.env);
      return program ? { program, tools: [] } : { unavailable: `${name} is not installed` };
    });
  }

  go(): Promise<Tool> {
    return this.once('go', async () => {
      const program = await onPath('go', this.env);
      if (!program) return { unavailable: 'there is no go on PATH' };
      const user = goCaches(this.env);
      const own = this.folder && path.join(this.folder, 'gomod');
      const modules = own && existsSync(own) ? own : user.modules;
      const real = realPath(program);
      return {
        program: real,
        tools: [path.dirname(path.dirname(real)), modules, user.cache],
        // Modules come out of the cache as out of a proxy: a program names no versions, and the cache itself is never written.
        environment: { GOCACHE: BOX_CACHE, GOMODCACHE: '/tmp/go-mod', GOPROXY: `file://${modules}/cache/download`, GONOSUMDB: '*', GONOSUMCHECK: '1', GOSUMDB: 'off', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod' },
        cache: user.cache,
      };
    });
  }

  private once<T extends Tool>(name: string, find: () => Promise<T>): Promise<T> {
    const known = this.found.get(name) ?? find().catch((error: unknown) => ({ unavailable: (error as Error).message }));
    this.found.set(name, known);
    return known as Promise<T>;
  }
}
