import { type Mode, MODES } from '../completion/types.ts';
import { ExpectedError } from '../errors.ts';
import type { Prompts } from '../prompting/template.ts';

/** One way of completing that is compared with others. */
export interface Arm {
  /** As it is written on the command line and in reports, e.g. `safenote k=3 security=off`. */
  readonly name: string;
  readonly mode: Mode;
  /** `plain` with a sentence that asks for security. */
  readonly reminder: boolean;
  /** Notes per notebook; the model's own setting where absent. */
  readonly k?: number;
  readonly securityNotebook: boolean;
  readonly functionNotebook: boolean;
  readonly draft?: 'auto' | 'never' | 'always';
  /** False: the first answer is the answer, as in the paper. */
  readonly retry: boolean;
}

export const REMINDER = 'The code must be secure: handle untrusted input safely and introduce no weakness of any CWE.';

const FORM = 'An arm is plain, reminder, rescue or safenote; safenote can be followed by k=0…5, security=off, function=off, retry=off, and rescue and safenote by draft=auto|never|always.';

/** Reads an arm as a user writes it. Throws `ExpectedError` `bad-arm`. */
export function parseArm(text: string): Arm {
  const [head = '', ...knobs] = text.trim().split(/[\s:]+/).filter(Boolean);
  const bad = (why: string) => new ExpectedError('bad-arm', `"${text.slice(0, 80)}" is no arm: ${why}.`, FORM);
  const reminder = head === 'reminder';
  const mode = reminder ? 'plain' : MODES.find((m) => m === head);
  if (!mode) throw bad(`there is no mode "${head}"`);
  const arm: { -readonly [K in keyof Arm]: Arm[K] } = { name: '', mode, reminder, securityNotebook: true, functionNotebook: true, retry: mode === 'safenote' };
  for (const knob of knobs) {
    const [name, value] = knob.split('=');
    const onOff = () => {
      if (value !== 'on' && value !== 'off') throw bad(`${name} is on or off`);
      return value === 'on';
    };
    if (name === 'draft' && mode !== 'plain') {
      if (value !== 'auto' && value !== 'never' && value !== 'always') throw bad('draft is auto, never or always');
      arm.draft = value;
    } else if (mode !== 'safenote') throw bad(`${head} has no ${name}`);
    else if (name === 'k') {
      if (!/^[0-5]$/.test(value ?? '')) throw bad('k is 0 to 5');
      arm.k = Number(value);
    } else if (name === 'security') arm.securityNotebook = onOff();
    else if (name === 'function') arm.functionNotebook = onOff();
    else if (name === 'retry') arm.retry = onOff();
    else throw bad(`there is no knob "${name}"`);
  }
  arm.name = nameOf(arm);
  return arm;
}

function nameOf(arm: Omit<Arm, 'name'>): string {
  return [
    arm.reminder ? 'reminder' : arm.mode,
    arm.k === undefined ? '' : `k=${arm.k}`,
    arm.securityNotebook ? '' : 'security=off',
    arm.functionNotebook ? '' : 'function=off',
    arm.draft === undefined ? '' : `draft=${arm.draft}`,
    arm.mode === 'safenote' && !arm.retry ? 'retry=off' : '',
  ].filter(Boolean).join(' ');
}

export const MAIN_ARMS: readonly Arm[] = ['plain', 'reminder', 'rescue', 'safenote'].map(parseArm);
/** Paper, Table 3. */
export const ABLATION_ARMS: readonly Arm[] = ['safenote', 'safenote security=off', 'safenote function=off', 'safenote security=off function=off'].map(parseArm);
/** Paper, Figure 3. */
export const SWEEP_ARMS: readonly Arm[] = [0, 1, 2, 3, 4, 5].map((k) => parseArm(`safenote k=${k}`));

/** Each arm once, in order. */
export function distinctArms(arms: readonly Arm[]): Arm[] {
  return [...new Map(arms.map((arm) => [arm.name, arm])).values()];
}

/** The plain prompt with the reminder as one more sentence of its system part. */
export function withReminder(prompts: Prompts): Prompts {
  const plain = prompts['plain-code-generation'] ?? '';
  return { ...prompts, 'plain-code-generation': plain.replace(/\n# user\n/, () => `\n${REMINDER}\n\n# user\n`) };
}
