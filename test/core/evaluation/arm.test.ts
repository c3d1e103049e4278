import assert from 'node:assert/strict';
import { ABLATION_ARMS, distinctArms, MAIN_ARMS, parseArm, REMINDER, SWEEP_ARMS, withReminder } from '../../../src/core/evaluation/arm.ts';
import { fillTemplate } from '../../../src/core/prompting/template.ts';
import { PROMPTS } from '../doubles.ts';

describe('arms of an evaluation', () => {
  it('are read as they are written, in any order, and named the same', () => {
    assert.equal(parseArm('safenote').name, 'safenote');
    assert.equal(parseArm(' safenote  security=off k=3 ').name, 'safenote k=3 security=off');
    assert.deepEqual(parseArm('safenote k=3 security=off draft=always retry=off'), { name: 'safenote k=3 security=off draft=always retry=off', mode: 'safenote', reminder: false, k: 3, securityNotebook: false, functionNotebook: true, draft: 'always', retry: false });
    assert.equal(parseArm('reminder').mode, 'plain');
    for (const arm of [...MAIN_ARMS, ...ABLATION_ARMS, ...SWEEP_ARMS]) assert.deepEqual(parseArm(arm.name), arm);
    assert.equal(distinctArms([...MAIN_ARMS, ...ABLATION_ARMS]).length, 7);
  });

  it('are refused with the reason', () => {
    for (const [text, why] of [['best', /no mode "best"/], ['safenote k=6', /k is 0 to 5/], ['plain k=1', /plain has no k/], ['rescue security=off', /rescue has no security/], ['safenote security=maybe', /on or off/], ['safenote speed=2', /no knob/], ['', /no mode/]] as const) {
      assert.throws(() => parseArm(text), why);
    }
  });

  it('remind the plain prompt of security, and change nothing else of it', () => {
    const values = { language: 'python', path: 'a.py', code: 'x', task: 't', outlines: '' };
    const plain = fillTemplate(PROMPTS, 'plain-code-generation', values);
    const reminded = fillTemplate(withReminder(PROMPTS), 'plain-code-generation', values);
    assert.equal(reminded[0]?.content, `${plain[0]?.content}\n\n${REMINDER}`);
    assert.deepEqual(reminded.slice(1), plain.slice(1));
  });
});
