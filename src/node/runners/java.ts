import { existsSync, readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestCase } from '../../core/verification/test-runner.ts';
import { onPath, realPath } from '../sandbox/box.ts';
import { reaching } from './reach.ts';
import { type Ended, exitCase, readJunit } from './reports.ts';
import type { Chosen, Detected, Project } from './runner.ts';

const GRADLE_FILES = ['build.gradle', 'build.gradle.kts'];
/** Small and soon there: a build of a few seconds gains nothing from the second compiler. */
const JVM = '-Xmx768m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC';

/** JUnit by Maven or Gradle, offline: what they need has been downloaded by the user's own builds. */
export async function detectJava(project: Project): Promise<Detected> {
  const { root, document, names, files: index } = project;
  const maven = existsSync(path.join(root, 'pom.xml'));
  const gradle = GRADLE_FILES.find((name) => existsSync(path.join(root, name)));
  if (!maven && !gradle) return { unavailable: 'there is neither a pom.xml nor a build.gradle', elsewhere: true };
  const sources = (await index.list(root)).filter((file) => file.endsWith('.java'));
  const tests = sources.filter((file) => /(?:^|\/)src\/test\//.test(file) && /(?:^|\/)(?:Test[^/]*|[^/]*(?:Test|Tests|TestCase))\.java$/.test(file));
  if (tests.length === 0) return { unavailable: 'the workspace has no Java tests', elsewhere: true };
  // Classes of one package use each other without an import.
  const found = await reaching(index, root, tests, document.path, names, sources, { withoutImport: true });
  if (found.files.length === 0) return { unavailable: 'no test names this class', elsewhere: true };
  const shared = { targets: found.files.map(classOf), first: found.naming.map(classOf), writes: true, byExitCode: true };
  return maven ? detectMaven(project, shared) : detectGradle(project, gradle ?? '', shared);
}

type Shared = Pick<Chosen, 'targets' | 'first' | 'writes' | 'byExitCode'> & { readonly targets: string[] };

async function detectMaven({ root, workspace, env }: Project, shared: Shared): Promise<Detected> {
  const top = topOf(root, workspace, ['pom.xml']);
  const module = path.relative(top, root);
  const home = env['HOME'] ?? os.homedir();
  const mvn = (await onPath('mvn', env)) ?? wrapped(path.join(home, '.m2', 'wrapper', 'dists'), 'mvn');
  if (!mvn) return { unavailable: 'pom.xml is there, but there is no mvn on PATH' };
  const repository = localRepository(top, home, env);
  if (!existsSync(repository)) return { unavailable: `Maven runs offline here and has no local repository yet (${repository}): build the project once` };
  return {
    ...shared, runner: 'maven', because: `${path.join(path.relative(workspace, root), 'pom.xml')} is there; offline, with ${repository}`,
    empties: ['target'], tools: [repository, path.dirname(path.dirname(realPath(mvn))), ...javaHome(env)],
    read: (text, at, ended) => javaCases(text, at, ended, /COMPILATION ERROR/),
    start: (targets, at) => {
      const above = path.resolve(at.root, path.relative(root, top));
      return {
        command: [
          realPath(mvn), '-o', '-B', '-q', '-f', path.join(above, 'pom.xml'), ...(module ? ['-pl', module, '-am'] : []), `-Dmaven.repo.local=${repository}`,
          // Which server a file once came from does not matter where nothing is fetched.
          '-Daether.enhancedLocalRepository.trackingFilename=.none', '-Dstyle.color=never', `-Dtest=${targets.join(',')}`, '-DfailIfNoTests=false', '-Dsurefire.failIfNoSpecifiedTests=false', 'test',
        ],
        environment: { MAVEN_OPTS: `${JVM} -Duser.home=${at.tmp}/home`, MAVEN_SKIP_RC: '1', ...javaHomeVariable(env) },
        report: [path.join(at.root, 'target', 'surefire-reports', 'TEST-*.xml')],
      };
    },
  };
}

async function detectGradle({ root, workspace, env }: Project, file: string, shared: Shared): Promise<Detected> {
  const top = topOf(root, workspace, [...GRADLE_FILES, 'settings.gradle', 'settings.gradle.kts']);
  const module = path.relative(top, root).split(path.sep).join(':');
  const own = env['GRADLE_USER_HOME'] ?? path.join(env['HOME'] ?? os.homedir(), '.gradle');
  const wanted = /distributionUrl=.*\/(gradle-[\w.-]+?)\.zip/.exec(read(path.join(top, 'gradle', 'wrapper', 'gradle-wrapper.properties')))?.[1];
  const gradle = wrapped(path.join(own, 'wrapper', 'dists'), 'gradle', wanted) ?? (await onPath('gradle', env));
  if (!gradle) return { unavailable: `${file} is there, but ${wanted ? `${wanted} is not downloaded yet: build the project once` : 'there is no gradle on PATH'}` };
  const caches = path.join(own, 'caches');
  return {
    ...shared, runner: 'gradle', because: `${path.join(path.relative(workspace, root), file)} is there; offline, with ${caches}`,
    empties: ['build', '.gradle'], tools: [path.join(caches, 'modules-2'), path.dirname(path.dirname(realPath(gradle))), ...javaHome(env)],
    read: (text, at, ended) => javaCases(text, at, ended, /Execution failed for task '[^']*:compile\w*'/),
    start: (targets, at) => ({
      command: [
        realPath(gradle), '--offline', '--no-daemon', '--console=plain', '-q', '-p', path.resolve(at.root, path.relative(root, top)),
        `${module ? `:${module}` : ''}:test`, ...targets.flatMap((name) => ['--tests', name]),
      ],
      environment: {
        GRADLE_USER_HOME: at.boxed ? `${at.tmp}/gradle` : own, GRADLE_RO_DEP_CACHE: existsSync(path.join(caches, 'modules-2')) && at.boxed ? caches : '',
        GRADLE_OPTS: `${JVM} -Duser.home=${at.tmp}/home`, ...javaHomeVariable(env),
      },
      report: [path.join(at.root, 'build', 'test-results', 'test', 'TEST-*.xml')],
    }),
  };
}

/** Code that does not compile is a failed test; the tools report it in words only. */
function javaCases(text: string, root: string, ended: Ended | undefined, notCompiled: RegExp): TestCase[] {
  if (!text.trim() && ended && notCompiled.test(ended.output)) {
    // Only the compiler's own lines: the rest names folders and advice.
    const output = ended.output.split('\n').filter((line) => /\.java:|^\s+(?:symbol|location|required|found|reason):|^\s/.test(line) && !/\bat org\.|re-run|\[Help/i.test(line)).join('\n');
    return [{ ...exitCase('build', { code: ended.code, output: output || ended.output }), id: 'build' }];
  }
  return readJunit(text, root);
}

/** The topmost folder of a build with several modules: every folder between has a file of the build. */
function topOf(root: string, workspace: string, files: readonly string[]): string {
  let top = root;
  for (let folder = path.dirname(root); folder.length >= workspace.length && files.some((name) => existsSync(path.join(folder, name))); folder = path.dirname(folder)) top = folder;
  return top;
}

/** A distribution that a wrapper script has downloaded. */
function wrapped(folder: string, program: string, wanted?: string): string | undefined {
  const below = (at: string) => (existsSync(at) ? readdirSync(at).map((name) => path.join(at, name)) : []);
  const names = below(folder).filter((at) => wanted === undefined || path.basename(at) === wanted).sort().reverse();
  return names.flatMap(below).flatMap((at) => [at, ...below(at)]).map((at) => path.join(at, 'bin', program)).find((file) => existsSync(file));
}

function localRepository(top: string, home: string, env: NodeJS.ProcessEnv): string {
  const told = [env['MAVEN_ARGS'], env['MAVEN_OPTS'], read(path.join(top, '.mvn', 'maven.config')), read(path.join(top, '.mvn', 'jvm.config'))].map((text) => /-Dmaven\.repo\.local=(\S+)/.exec(text ?? '')?.[1]).find(Boolean);
  const setting = /<localRepository>\s*([^<]+?)\s*<\/localRepository>/.exec(read(path.join(home, '.m2', 'settings.xml')).replace(/<!--[\s\S]*?-->/g, ''))?.[1];
  return path.resolve(top, (told ?? setting ?? path.join(home, '.m2', 'repository')).replace('${user.home}', home));
}

function javaHome(env: NodeJS.ProcessEnv): string[] {
  return env['JAVA_HOME'] ? [realPath(env['JAVA_HOME'])] : [];
}

function javaHomeVariable(env: NodeJS.ProcessEnv): Record<string, string> {
  return env['JAVA_HOME'] ? { JAVA_HOME: realPath(env['JAVA_HOME']) } : {};
}

function classOf(file: string): string {
  return file.replace(/^(?:.*\/)?src\/test\/(?:java|kotlin)\//, '').replace(/\.java$/, '').split('/').join('.');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
