import * as vscode from 'vscode';
import { messageOf } from '../../core/errors.ts';
import type { DoctorCheck } from '../../node/doctor.ts';
import type { Apps } from '../apps.ts';
import type { Configuration } from '../common/configuration.ts';
import { withProgress } from '../common/progress.ts';
import { redactPaths } from '../common/redact-paths.ts';
import type { VirtualDocuments } from '../common/virtual-documents.ts';

export interface DoctorSection {
  readonly name: string;
  readonly checks: readonly DoctorCheck[];
}

/** "Doctor": one page that says what is there, what is degraded or missing and what to do; made to be copied. */
export class Doctor {
  private readonly o: { apps: Apps; configuration: Configuration; documents: VirtualDocuments; version: string; activationMs: number; home: string };

  constructor(options: Doctor['o']) {
    this.o = options;
  }

  async run(): Promise<void> {
    const page = await withProgress('SafeNote: Doctor', async (signal) => doctorPage([this.editor(), ...(await this.rooms(signal))]));
    const folders = [{ path: this.o.home, name: '~' }, ...(vscode.workspace.workspaceFolders ?? []).map((folder) => ({ path: folder.uri.fsPath, name: `<${folder.name}>` }))];
    const text = redactPaths(page, folders);
    await this.o.documents.show('Doctor.md', text);
    const copy = 'Copy Report';
    void vscode.window.showInformationMessage('SafeNote: the report names no file of yours by its full path and can be shared.', copy).then(async (chosen) => {
      if (chosen === copy) await vscode.env.clipboard.writeText(text);
    });
  }

  private editor(): DoctorSection {
    const problems = this.o.configuration.problems();
    const trusted = vscode.workspace.isTrusted;
    return {
      name: 'Editor',
      checks: [
        { name: 'SafeNote', status: 'ok', detail: `${this.o.version}, activated in ${Math.round(this.o.activationMs)} ms` },
        { name: 'VS Code', status: 'ok', detail: `${vscode.version} (${vscode.env.appName}${vscode.env.remoteName ? `, ${vscode.env.remoteName}` : ''}), ${process.platform} ${process.arch}, Node ${process.versions.node}` },
        { name: 'Workspace trust', status: trusted ? 'ok' : 'degraded', detail: trusted ? 'trusted' : 'not trusted: notes can be read, nothing is sent, started or checked', ...(trusted ? {} : { hint: 'Trust the workspace with "Workspaces: Manage Workspace Trust".' }) },
        ...(problems.length === 0 ? [{ name: 'Settings', status: 'ok' as const, detail: 'all valid' }] : problems.map((detail) => ({ name: 'Settings', status: 'degraded' as const, detail, hint: 'Correct the value in the settings.' }))),
      ],
    };
  }

  private async rooms(signal: AbortSignal): Promise<DoctorSection[]> {
    const rooms = await this.o.apps.all();
    const all = rooms.length > 0 ? rooms : [await this.o.apps.for(undefined)];
    const sections: DoctorSection[] = [];
    // One after the other: each asks the same Semgrep and the same model.
    for (const { app, name } of all) {
      try {
        sections.push({ name: `Workspace folder: ${name}`, checks: (await app.doctor(signal)).checks });
      } catch (error) {
        signal.throwIfAborted();
        sections.push({ name: `Workspace folder: ${name}`, checks: [{ name: 'SafeNote', status: 'missing', detail: messageOf(error) }] });
      }
    }
    return sections;
  }
}

/** The report as Markdown. */
export function doctorPage(sections: readonly DoctorSection[]): string {
  const cell = (text: string) => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim();
  const all = sections.flatMap((s) => s.checks);
  const bad = all.filter((c) => c.status !== 'ok').length;
  return [
    '# SafeNote: Doctor',
    '',
    bad === 0 ? 'Everything is there.' : `${bad} of ${all.length} ${all.length === 1 ? 'part' : 'parts'} degraded or missing; the rest works.`,
    '',
    ...sections.flatMap(({ name, checks }) => [
      `## ${cell(name)}`,
      '',
      '| Part | Status | Detail | What to do |',
      '| --- | --- | --- | --- |',
      ...checks.map((c) => `| ${cell(c.name)} | ${c.status} | ${cell(c.detail)} | ${cell(c.hint ?? '')} |`),
      '',
    ]),
  ].join('\n');
}
