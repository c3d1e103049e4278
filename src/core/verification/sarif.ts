import type { CodeFlow, Log, Notification, PhysicalLocation, ReportingDescriptor, Result, Run } from 'sarif';
import type { Range } from '../source.ts';
import type { Finding } from './finding.ts';
import { describeMark, type Lapsed } from './marks.ts';
import type { Suppressed } from './suppression.ts';

/** What a run over some files said. `uri` is relative to the root, with forward slashes. */
export interface SarifInput {
  readonly files: readonly SarifInputFile[];
  readonly analyzers: readonly { readonly name: string; readonly version: string | null; readonly status: string; readonly reason?: string }[];
}

export interface SarifInputFile {
  readonly uri: string;
  readonly findings: readonly Finding[];
  readonly suppressed?: readonly Suppressed[];
  readonly lapsed?: readonly Lapsed[];
  /** Why it was not checked, or not whole. */
  readonly reason?: string;
  /** Identifies a finding wherever its line has moved (identity.ts), as a hash. */
  readonly fingerprint?: (finding: Finding) => string;
}

const LEVEL = { error: 'error', warning: 'warning', info: 'note' } as const;
/** Changes when what goes into the fingerprint does. */
const FINGERPRINT = 'safenote/v1';

/**
 * Findings as SARIF 2.1.0, one run. What was accepted is there, as suppressed; what was not checked is a notification, so that
 * silence is not read as clean.
 */
export function toSarif(input: SarifInput, version: string): Log {
  const rules = new Map<string, { index: number; descriptor: ReportingDescriptor }>();
  const resultOf = (file: SarifInputFile, finding: Finding): Result => {
    const rule = rules.get(finding.ruleId) ?? { index: rules.size, descriptor: descriptor(finding) };
    rules.set(finding.ruleId, rule);
    return {
      ruleId: finding.ruleId,
      ruleIndex: rule.index,
      level: LEVEL[finding.severity],
      message: { text: finding.message.trim() },
      locations: [{ physicalLocation: place(file.uri, finding) }],
      ...(finding.trace && finding.trace.length > 0 ? { codeFlows: [flow(file.uri, finding.trace)] } : {}),
      ...(file.fingerprint ? { partialFingerprints: { [FINGERPRINT]: file.fingerprint(finding) } } : {}),
      properties: { analyzer: finding.analyzer },
    };
  };
  const results = input.files.flatMap((file) => [
    ...file.findings.map((finding) => resultOf(file, finding)),
    ...(file.suppressed ?? []).map(({ finding, by, reason, expires }): Result => ({
      ...resultOf(file, finding),
      suppressions: [{
        kind: by === 'comment' ? 'inSource' : 'external',
        status: 'accepted',
        ...(reason ? { justification: reason } : {}),
        ...(expires ? { properties: { expires } } : {}),
      }],
    })),
  ]);
  const missing: Notification[] = [
    ...input.files.filter((f) => f.reason).map((f): Notification => ({ descriptor: { id: 'not-checked' }, level: 'warning', message: { text: `${f.uri}: ${f.reason ?? ''}` }, locations: [{ physicalLocation: { artifactLocation: { uri: f.uri } } }] })),
    ...input.analyzers.filter((a) => a.status === 'unavailable').map((a): Notification => ({ descriptor: { id: 'analyzer-unavailable' }, level: 'warning', message: { text: `${a.name} did not run: ${a.reason ?? ''}` } })),
  ];
  const lapsed = input.files.flatMap((file) => (file.lapsed ?? []).map(({ finding, mark, why }): Notification => ({
    descriptor: { id: 'mark-without-effect' },
    level: 'note',
    message: { text: `A false-positive mark ${why === 'expired' ? `expired on ${mark.expires ?? ''}` : 'is not approved here'}: ${describeMark(mark)}` },
    locations: [{ physicalLocation: place(file.uri, finding) }],
  })));
  const run: Run = {
    tool: { driver: { name: 'SafeNote', version, rules: [...rules.values()].map((r) => r.descriptor), notifications: NOTIFICATIONS } },
    columnKind: 'utf16CodeUnits',
    results,
    invocations: [{ executionSuccessful: missing.length === 0, toolExecutionNotifications: [...missing, ...lapsed] }],
  };
  return { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] };
}

const NOTIFICATIONS: ReportingDescriptor[] = [
  { id: 'not-checked', shortDescription: { text: 'A file, or a part of it, was not checked.' } },
  { id: 'analyzer-unavailable', shortDescription: { text: 'An analyzer did not run.' } },
  { id: 'mark-without-effect', shortDescription: { text: 'A false-positive mark has expired or is not approved; its finding counts.' } },
];

function place(uri: string, { startLine, startColumn, endLine, endColumn }: Range): PhysicalLocation {
  return { artifactLocation: { uri }, region: { startLine, startColumn, endLine, endColumn } };
}

function flow(uri: string, trace: readonly Range[]): CodeFlow {
  return { threadFlows: [{ locations: trace.map((step) => ({ location: { physicalLocation: place(uri, step) } })) }] };
}

function descriptor(finding: Finding): ReportingDescriptor {
  return {
    id: finding.ruleId,
    shortDescription: { text: finding.ruleFamily.replace(/[-.]/g, ' ') },
    fullDescription: { text: finding.message.trim() },
    defaultConfiguration: { level: LEVEL[finding.severity] },
    properties: { tags: [...new Set(['security', ...finding.cwe.map((cwe) => `external/cwe/cwe-${cwe.replace('CWE-', '').padStart(3, '0')}`)])] },
  };
}
