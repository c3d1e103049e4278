import assert from 'node:assert/strict';
import { readGo, readJest, readJunit, readMocha } from '../../../src/node/runners/reports.ts';

describe('reports of test runners', () => {
  it('reads JUnit XML: entities, CDATA, nested suites, skipped and empty cases', () => {
    const cases = readJunit(
      '<?xml version="1.0"?><testsuites><testsuite name="s"><testcase name="a &lt;b&gt;" classname="c"/><testcase name="f" classname="c" file="t.py"><failure message="1 &gt; 2">line &amp; line</failure></testcase><testcase name="e" classname="c"><error><![CDATA[<boom>]]></error></testcase><testcase name="s" classname="c"><skipped/></testcase></testsuite></testsuites>',
      '/w',
    );
    assert.deepEqual(cases.map((c) => [c.name, c.status]), [['a <b>', 'passed'], ['f', 'failed'], ['e', 'failed'], ['s', 'skipped']]);
    assert.deepEqual([cases[1]?.file, cases[1]?.message, cases[1]?.details], ['/w/t.py', '1 > 2', 'line & line']);
    assert.equal(cases[2]?.details, '<boom>');
  });

  it('does not take a report that was cut off for one without failures', () => {
    assert.throws(() => readJunit('<testsuites><testsuite><testcase name="a"/>', '/w'));
    assert.throws(() => readJunit('', '/w'));
    assert.throws(() => readGo('go: no such module', '/w'));
    assert.throws(() => readMocha('{"stats": {"tests": 1}', '/w'));
  });

  it('tells two tests of one name apart', () => {
    const cases = readJunit('<testsuites><testcase name="a" classname="c"/><testcase name="a" classname="c"/></testsuites>', '/w');
    assert.equal(new Set(cases.map((c) => c.id)).size, 2);
  });

  it('counts a file that jest or vitest cannot load as a failed test', () => {
    const cases = readJest(JSON.stringify({ testResults: [{ name: '/w/a.test.js', status: 'failed', message: 'SyntaxError: x\n at y', assertionResults: [] }] }), '/w');
    assert.deepEqual(cases.map((c) => [c.name, c.status, c.message]), [['a.test.js', 'failed', 'SyntaxError: x']]);
  });

  it('counts a Go package that does not build as a failed test', () => {
    const cases = readGo('{"ImportPath":"x","Action":"build-output","Output":"./a.go:3:1: undefined: y\\n"}\n{"ImportPath":"x","Action":"build-fail"}\n{"Action":"fail","Package":"x"}\n', '/w');
    assert.deepEqual(cases.map((c) => [c.name, c.status, c.message]), [['x', 'failed', './a.go:3:1: undefined: y']]);
  });

  it('counts a failed hook of mocha, which is in no list of tests', () => {
    const cases = readMocha(JSON.stringify({ stats: { tests: 0 }, tests: [], pending: [], failures: [{ fullTitle: 'x "before all" hook', err: { message: 'boom' } }] }), '/w');
    assert.deepEqual(cases.map((c) => [c.status, c.message]), [['failed', 'boom']]);
  });
});
