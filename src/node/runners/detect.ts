import { existsSync } from 'node:fs';
import path from 'node:path';
import { detectGo } from './go.ts';
import { detectJava } from './java.ts';
import { detectJavascript } from './javascript.ts';
import { detectNative } from './native.ts';
import { detectPython } from './python.ts';
import type { Detected, Project } from './runner.ts';

const NATIVE = ['CMakeLists.txt', 'Makefile', 'makefile', 'GNUmakefile'];
const MANIFESTS: Readonly<Record<string, readonly string[]>> = {
  python: ['pyproject.toml', 'setup.cfg', 'setup.py', 'pytest.ini', 'tox.ini', 'requirements.txt'],
  javascript: ['package.json'],
  typescript: ['package.json'],
  go: ['go.mod'],
  c: NATIVE,
  cpp: NATIVE,
  java: ['pom.xml', 'build.gradle', 'build.gradle.kts'],
};

/** Folders above a file that a manifest makes a project, the nearest first, and the workspace. */
export function projectRoots(workspace: string, file: string, language: string): string[] {
  const manifests = MANIFESTS[language] ?? [];
  const roots: string[] = [];
  for (let folder = path.dirname(file); folder.length > workspace.length; folder = path.dirname(folder)) {
    if (manifests.some((name) => existsSync(path.join(folder, name)))) roots.push(folder);
  }
  return [...roots, workspace];
}

/** The runner of one project for a document of its language. */
export function detect(project: Project, signal: AbortSignal): Promise<Detected> {
  switch (project.document.language) {
    case 'python':
      return detectPython(project, signal);
    case 'javascript':
    case 'typescript':
      return detectJavascript(project);
    case 'go':
      return detectGo(project);
    case 'c':
    case 'cpp':
      return detectNative(project);
    case 'java':
      return detectJava(project);
    default:
      return Promise.resolve({ unavailable: `tests of ${project.document.language || 'this language'} are not run` });
  }
}
