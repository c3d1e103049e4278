import type { Uri } from 'vscode';
import type { SettingKey } from '../core/settings.ts';

/** A note as a command gets it: from a tree, a keyboard shortcut or another command. Absent: the user is asked which. */
export interface NoteTarget {
  readonly id: string;
  /** Workspace folder of its notebook, as a URI string; the first that has the note where absent. */
  readonly folder?: string;
}

/** A finding as a command gets it. */
export interface FindingTarget {
  readonly findingId: string;
}

/** An accepted completion as a command gets it. */
export interface SessionTarget {
  readonly sessionId: number;
}

/** A file that cannot be read as a note, as the tree hands it over. */
export interface ConflictTarget {
  readonly file?: { readonly file: string };
}

/** What Export Notebook is told where nobody is asked. */
export interface ExportTarget {
  readonly format: 'markdown' | 'jsonl' | 'pairs' | 'preferences' | 'agents' | 'copilot';
  readonly target: Uri;
}

/** Every command of SafeNote with its signature. To add one, begin here; a test holds `package.json` against this map. */
export interface CommandMap {
  'safenote.secureComplete': () => Promise<void>;
  'safenote.cancel': () => void;
  'safenote.verifyFile': (uri?: Uri) => Promise<void>;
  'safenote.verifyWithCodeql': (uri?: Uri) => Promise<void>;
  'safenote.cancelCodeql': () => void;
  'safenote.runTests': () => Promise<void>;
  'safenote.cancelTests': () => void;
  'safenote.fix': (target?: FindingTarget) => Promise<void>;
  'safenote.fixAll': (target?: Uri | { readonly uri: string }) => Promise<void>;
  'safenote.applyFix': () => Promise<void>;
  'safenote.discardFix': () => Promise<void>;
  'safenote.clearFindings': () => void;
  'safenote.importSarif': (file?: Uri) => Promise<void>;
  'safenote.noteFindings': (target?: FindingTarget) => Promise<void>;
  'safenote.markFalsePositive': (target?: FindingTarget, given?: { reason: string; days?: number }) => Promise<void>;
  'safenote.reviewMarks': () => Promise<void>;
  'safenote.openNotebook': () => Promise<void>;
  'safenote.searchNotes': () => Promise<void>;
  'safenote.refreshNotes': () => Promise<void>;
  'safenote.openNote': (target?: NoteTarget) => Promise<void>;
  'safenote.muteNote': (target?: NoteTarget, selected?: readonly NoteTarget[]) => Promise<void>;
  'safenote.unmuteNote': (target?: NoteTarget, selected?: readonly NoteTarget[]) => Promise<void>;
  'safenote.approveNote': (target?: NoteTarget | Uri, selected?: readonly NoteTarget[]) => Promise<void>;
  'safenote.deleteNote': (target?: NoteTarget, selected?: readonly NoteTarget[]) => Promise<void>;
  'safenote.copyNoteId': (target?: NoteTarget) => Promise<void>;
  'safenote.reviewNotes': () => Promise<void>;
  'safenote.shareNotebook': () => Promise<void>;
  'safenote.stopSharing': () => Promise<void>;
  'safenote.resolveNoteConflict': (target?: Uri | ConflictTarget) => Promise<void>;
  'safenote.importNotebook': (source?: Uri) => Promise<void>;
  'safenote.exportNotebook': (target?: ExportTarget) => Promise<void>;
  'safenote.pinNote': (target?: NoteTarget, selected?: readonly NoteTarget[]) => Promise<void>;
  'safenote.unpinNote': (target?: NoteTarget, selected?: readonly NoteTarget[]) => Promise<void>;
  'safenote.mergeNotes': (target?: NoteTarget, selected?: readonly NoteTarget[]) => Promise<void>;
  'safenote.splitNote': (target?: NoteTarget) => Promise<void>;
  'safenote.undoNoteChange': () => Promise<void>;
  'safenote.goToOrigin': (target?: NoteTarget) => Promise<void>;
  'safenote.compareNote': (target?: NoteTarget) => Promise<void>;
  'safenote.previewNote': (target?: NoteTarget | Uri) => Promise<void>;
  'safenote.filterNotes': () => Promise<void>;
  'safenote.clearNoteFilter': () => void;
  'safenote.arrangeNotes': () => Promise<void>;
  'safenote.securityNotes.byCwe': () => Promise<void>;
  'safenote.securityNotes.byFile': () => Promise<void>;
  'safenote.securityNotes.byLanguage': () => Promise<void>;
  'safenote.securityNotes.byModel': () => Promise<void>;
  'safenote.securityNotes.byAge': () => Promise<void>;
  'safenote.functionNotes.byModule': () => Promise<void>;
  'safenote.functionNotes.byLanguage': () => Promise<void>;
  'safenote.functionNotes.byModel': () => Promise<void>;
  'safenote.functionNotes.byAge': () => Promise<void>;
  'safenote.sortNotes.byFrequency': () => Promise<void>;
  'safenote.sortNotes.byDate': () => Promise<void>;
  'safenote.sortNotes.byTitle': () => Promise<void>;
  'safenote.sortNotes.byWorth': () => Promise<void>;
  'safenote.markNoteWrong': (target?: NoteTarget) => Promise<void>;
  'safenote.openDashboard': () => void;
  'safenote.showPrompt': () => Promise<void>;
  'safenote.whyNoSuggestion': () => Promise<void>;
  'safenote.selectModel': () => Promise<void>;
  'safenote.setApiKey': () => Promise<void>;
  'safenote.buildNotebook': () => Promise<void>;
  'safenote.installSemgrep': () => Promise<void>;
  'safenote.doctor': () => Promise<void>;
  'safenote.showLog': () => void;
}

/** Commands that are not for people: they are registered and never contributed. */
export interface InternalCommandMap {
  /** Runs after the editor has inserted the whole ghost text of a session. */
  'safenote.internal.accepted': (sessionId: number) => Promise<void>;
  /** Replaces an accepted completion that failed by a checked one. */
  'safenote.internal.replaceCompletion': (target: FindingTarget | SessionTarget) => Promise<void>;
  /** What a click on the status bar item offers. */
  'safenote.internal.menu': () => Promise<void>;
  /** Shows more rows of a long group in the sidebar. */
  'safenote.internal.moreNotes': (group: string) => void;
}

/** The same ids where code runs. */
export const INTERNAL_COMMANDS: readonly (keyof InternalCommandMap)[] = ['safenote.internal.accepted', 'safenote.internal.replaceCompletion', 'safenote.internal.menu', 'safenote.internal.moreNotes'];

export type CommandId = keyof CommandMap;
export type CommandHandlers = CommandMap & InternalCommandMap;

/** The same ids where code runs. `where` says in which menus a command is; `palette: false` keeps it out of F1. */
export const COMMANDS: Readonly<Record<CommandId, { readonly title: string; readonly palette: boolean }>> = {
  'safenote.secureComplete': { title: 'Secure Complete', palette: true },
  'safenote.cancel': { title: 'Cancel Completion', palette: true },
  'safenote.verifyFile': { title: 'Verify File', palette: true },
  'safenote.verifyWithCodeql': { title: 'Verify File with CodeQL', palette: true },
  'safenote.cancelCodeql': { title: 'Cancel CodeQL', palette: true },
  'safenote.runTests': { title: 'Run Tests', palette: true },
  'safenote.cancelTests': { title: 'Cancel Tests', palette: true },
  'safenote.fix': { title: 'Find a Proved Fix', palette: true },
  'safenote.fixAll': { title: 'Fix All in File', palette: true },
  'safenote.applyFix': { title: 'Apply Fix', palette: false },
  'safenote.discardFix': { title: 'Discard Fix', palette: false },
  'safenote.clearFindings': { title: 'Clear Findings', palette: true },
  'safenote.importSarif': { title: 'Import SARIF', palette: true },
  'safenote.noteFindings': { title: 'Make Notes of Findings', palette: true },
  'safenote.markFalsePositive': { title: 'Mark as False Positive', palette: true },
  'safenote.reviewMarks': { title: 'Review False-Positive Marks', palette: true },
  'safenote.openNotebook': { title: 'Open Notebook', palette: true },
  'safenote.searchNotes': { title: 'Search Notes', palette: true },
  'safenote.refreshNotes': { title: 'Refresh Notes', palette: true },
  'safenote.openNote': { title: 'Open Note', palette: false },
  'safenote.muteNote': { title: 'Mute Note', palette: true },
  'safenote.unmuteNote': { title: 'Unmute Note', palette: true },
  'safenote.approveNote': { title: 'Approve Note', palette: true },
  'safenote.deleteNote': { title: 'Delete Note', palette: true },
  'safenote.copyNoteId': { title: 'Copy Note Id', palette: false },
  'safenote.reviewNotes': { title: 'Review Notes', palette: true },
  'safenote.shareNotebook': { title: 'Share Notebook', palette: true },
  'safenote.stopSharing': { title: 'Stop Sharing', palette: true },
  'safenote.resolveNoteConflict': { title: 'Resolve Note Conflict', palette: true },
  'safenote.importNotebook': { title: 'Import Notebook', palette: true },
  'safenote.exportNotebook': { title: 'Export Notebook', palette: true },
  'safenote.pinNote': { title: 'Pin Note', palette: true },
  'safenote.unpinNote': { title: 'Unpin Note', palette: true },
  'safenote.mergeNotes': { title: 'Merge Notes', palette: true },
  'safenote.splitNote': { title: 'Split Note', palette: true },
  'safenote.undoNoteChange': { title: 'Undo Note Change', palette: true },
  'safenote.goToOrigin': { title: 'Go to Origin', palette: true },
  'safenote.compareNote': { title: 'Compare Erroneous and Secure Code', palette: true },
  'safenote.previewNote': { title: 'Preview Note in Prompt', palette: true },
  'safenote.filterNotes': { title: 'Filter Notes', palette: true },
  'safenote.clearNoteFilter': { title: 'Clear Note Filter', palette: true },
  'safenote.arrangeNotes': { title: 'Arrange Notes', palette: true },
  'safenote.securityNotes.byCwe': { title: 'Group by CWE', palette: false },
  'safenote.securityNotes.byFile': { title: 'Group by File', palette: false },
  'safenote.securityNotes.byLanguage': { title: 'Group by Language', palette: false },
  'safenote.securityNotes.byModel': { title: 'Group by Model', palette: false },
  'safenote.securityNotes.byAge': { title: 'Group by Age', palette: false },
  'safenote.functionNotes.byModule': { title: 'Group by Module', palette: false },
  'safenote.functionNotes.byLanguage': { title: 'Group by Language', palette: false },
  'safenote.functionNotes.byModel': { title: 'Group by Model', palette: false },
  'safenote.functionNotes.byAge': { title: 'Group by Age', palette: false },
  'safenote.sortNotes.byFrequency': { title: 'Sort by Frequency', palette: false },
  'safenote.sortNotes.byDate': { title: 'Sort by Date', palette: false },
  'safenote.sortNotes.byTitle': { title: 'Sort by Title', palette: false },
  'safenote.sortNotes.byWorth': { title: 'Sort by Worth', palette: false },
  'safenote.markNoteWrong': { title: 'This Note Is Wrong…', palette: true },
  'safenote.openDashboard': { title: 'Open Dashboard', palette: true },
  'safenote.showPrompt': { title: 'Show Prompt', palette: true },
  'safenote.whyNoSuggestion': { title: 'Why No Suggestion?', palette: true },
  'safenote.selectModel': { title: 'Select Model', palette: true },
  'safenote.setApiKey': { title: 'Set API Key', palette: true },
  'safenote.buildNotebook': { title: 'Build Notebook', palette: true },
  'safenote.installSemgrep': { title: 'Install Semgrep', palette: true },
  'safenote.doctor': { title: 'Doctor', palette: true },
  'safenote.showLog': { title: 'Show Log', palette: true },
};

/** The extension's own id, by which the editor asks this provider alone. */
export const EXTENSION_ID = 'safenote.safenote';

/** Context keys that when-clauses of `package.json` may use. */
export const CONTEXT_KEYS = [
  'safenote.completing', 'safenote.testing', 'safenote.codeqlRunning', 'safenote.modelMissing', 'safenote.hasFindings', 'safenote.fixPending', 'safenote.noteToApprove',
  'safenote.securityGrouping', 'safenote.functionGrouping', 'safenote.noteOrder', 'safenote.notesFiltered', 'safenote.noteUndo', 'safenote.noteShown',
] as const;
export type ContextKey = (typeof CONTEXT_KEYS)[number];

/** Views of `package.json`. */
export const VIEWS = ['safenote.securityNotes', 'safenote.functionNotes', 'safenote.findings'] as const;
export const VIEW_CONTAINER = 'safenote';

/** Values of `viewItem` that when-clauses may name: what a row is, for a note also its state, and then what it has. */
export const VIEW_ITEMS = ['note.active', 'note.muted', 'note.quarantined', 'note.active.pinned.merged.origin.secure', 'noteFile.setAside', 'finding', 'findingFile'] as const;
export type ViewItem = (typeof VIEW_ITEMS)[number] | `note.${'active' | 'muted' | 'quarantined'}${'' | '.pinned'}${'' | '.merged'}${'' | '.origin'}${'' | '.secure'}`;

/**
 * Settings of the schema that `package.json` does not offer, because nothing of this version acts on them. A setting
 * without effect would be a promise.
 */
export const NOT_OFFERED: readonly SettingKey[] = [];

/** Settings that name a program, its arguments, an endpoint or a model: a workspace must not set them. */
export const MACHINE_SETTINGS: readonly SettingKey[] = ['model.provider', 'model.baseUrl', 'model.name', 'models', 'embedding.model', 'analyzers.semgrep.path', 'analyzers.codeql.path'];

/** Settings that a workspace has a say in only once it is trusted. */
export const RESTRICTED_SETTINGS: readonly SettingKey[] = [...MACHINE_SETTINGS, 'tests.command'];
