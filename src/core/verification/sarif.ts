import type { Log, ReportingDescriptor, Result, Run } from 'sarif';
import type { Finding } from './finding.ts';

/** What a run of one analyzer over some files said. `uri` is relative to the root, with forward slashes. */
export interface SarifInput {
  readonly files: readonly { readonly uri: string; readonly findings: readonly Finding[]; readonly reason?: string }[];
  readonly analyzers: readonly { readonly name: string; readonly version: string | null; readonly status: string; readonly reason?: string }[];
}

const LEVEL = { error: 'error', warning: 'warning', info: 'note' } as const;

/** Findings as SARIF 2.1.0, one run; what was not checked is a notification, so that silence is not read as clean. */
export function toSarif(input: SarifInput, version: string): Log {
  const rules = new Map<string, { index: number; descriptor: ReportingDescriptor }>();
  const results: Result[] = input.files.flatMap((file) =>
    file.findings.map((finding): Result => {
      const rule = rules.get(finding.ruleId) ?? { index: rules.size, descriptor: descriptor(finding) };
      rules.set(finding.ruleId, rule);
      const { startLine, startColumn, endLine, endColumn } = finding;
      return {
        ruleId: finding.ruleId,
        ruleIndex: rule.index,
        level: LEVEL[finding.severity],
        message: { text: finding.message.trim() },
        locations: [{ physicalLocation: { artifactLocation: { uri: file.uri }, region: { startLine, startColumn, endLine, endColumn } } }],
        properties: { analyzer: finding.analyzer },
      };
    }),
  );
  const notifications = [
    ...input.files.filter((f) => f.reason).map((f) => ({ level: 'warning' as const, message: { text: `${f.uri}: ${f.reason ?? ''}` }, locations: [{ physicalLocation: { artifactLocation: { uri: f.uri } } }] })),
    ...input.analyzers.filter((a) => a.status === 'unavailable').map((a) => ({ level: 'warning' as const, message: { text: `${a.name} did not run: ${a.reason ?? ''}` } })),
  ];
  const run: Run = {
    tool: { driver: { name: 'SafeNote', version, rules: [...rules.values()].map((r) => r.descriptor) } },
    columnKind: 'utf16CodeUnits',
    results,
    invocations: [{ executionSuccessful: notifications.length === 0, toolExecutionNotifications: notifications }],
  };
  return { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] };
}

function descriptor(finding: Finding): ReportingDescriptor {
  return {
    id: finding.ruleId,
    shortDescription: { text: finding.ruleFamily.replace(/[-.]/g, ' ') },
    fullDescription: { text: finding.message.trim() },
    defaultConfiguration: { level: LEVEL[finding.severity] },
    properties: { tags: ['security', ...finding.cwe.map((cwe) => `external/cwe/cwe-${cwe.replace('CWE-', '').padStart(3, '0')}`)] },
  };
}
