import { ExpectedError } from '../../../core/errors.ts';
import type { Suite } from '../../../core/evaluation/suite.ts';
import { loadCodeguardPlus } from './codeguardplus.ts';
import type { SuiteContext } from './context.ts';
import { loadCweval } from './cweval.ts';
import { loadCyberSecEval } from './cyberseceval.ts';
import { loadFolderSuite } from './folder-suite.ts';
import { loadHumanEval, loadLiveCodeBench } from './function-only.ts';
import { loadRepeatSuite } from './repeat-suite.ts';
import { loadSallm } from './sallm.ts';

/** Every suite by the name that `--suite` takes. */
export const SUITES: Readonly<Record<string, { readonly needs: string; readonly load: (folder: string, context: SuiteContext) => Promise<Suite> }>> = {
  cweval: { needs: 'tasks.jsonl; executed functional and security tests (Python, C, C++, JavaScript, Go)', load: loadCweval },
  codeguardplus: { needs: 'tasks.jsonl, test_support.json; unit tests, security by CodeQL or, weaker, by keywords', load: loadCodeguardPlus },
  sallm: { needs: 'tasks.jsonl; executed tests (Python)', load: loadSallm },
  cyberseceval: { needs: 'prompts.jsonl; scan only, by CodeQL or --judge-rules', load: loadCyberSecEval },
  livecodebench: { needs: 'a .jsonl of problems; function only', load: loadLiveCodeBench },
  humaneval: { needs: 'a .jsonl of problems; function only', load: loadHumanEval },
  repeat: { needs: 'a folder for each family (evaluation/repeat)', load: loadRepeatSuite },
  folder: { needs: 'a folder for each task, with tests: a suite of your own (evaluation/smoke)', load: loadFolderSuite },
};

export async function loadSuite(name: string, folder: string, context: SuiteContext): Promise<Suite> {
  const known = Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
  if (!known) throw new ExpectedError('bad-suite', `There is no suite "${name.slice(0, 40)}".`, `Suites are ${Object.keys(SUITES).join(', ')}.`);
  const suite = await known.load(folder, context);
  if (suite.tasks.length === 0) throw new ExpectedError('no-data', `No task of ${folder} can be used${suite.problems[0] ? `: ${suite.problems[0].id}: ${suite.problems[0].reason}` : ''}.`, `The suite ${name} needs ${known.needs}.`);
  return suite;
}
