import { LANGUAGES } from '../language.ts';

/** What a note's file may hold, in words for whoever writes one: keys, their values, sections. */

export interface KnownKey {
  readonly key: string;
  readonly help: string;
}

export const KNOWN_KEYS: readonly KnownKey[] = [
  { key: 'kind', help: 'Which notebook it belongs to: `security` or `function`. The one key that must be there.' },
  { key: 'title', help: 'One line for lists. Without it the first task stands in.' },
  { key: 'cwe', help: 'The weakness, such as `CWE-89`. Notes are merged within one CWE only.' },
  { key: 'language', help: 'Language of the code. The note is used in files of this language.' },
  { key: 'rule', help: 'Id of the rule that found it.' },
  { key: 'family', help: 'Family of the rule, such as `sql-injection`. Notes are merged within one family only.' },
  { key: 'frequency', help: 'How often this failure was seen: a whole number from 1. More weigh more in the ranking.' },
  { key: 'origin', help: 'Where the note came from.' },
  { key: 'model', help: 'The model that failed. Its notes weigh a little more when it is asked again.' },
  { key: 'status', help: '`active`: used where it fits. `muted`: kept and never used.' },
  { key: 'statusReason', help: 'Why it is muted.' },
  { key: 'pinned', help: '`true`: where it is relevant it comes before notes that are not pinned.' },
  { key: 'file', help: 'The file that the failure happened in, from the workspace folder on.' },
  { key: 'line', help: 'The line in that file, from 1.' },
  { key: 'id', help: "The same as the file's name without `.md`." },
  { key: 'created', help: 'When it was written: `2026-01-31T12:00:00.000Z`.' },
  { key: 'updated', help: 'When it was last changed or seen again: `2026-01-31T12:00:00.000Z`.' },
  { key: 'version', help: "Version of the file's form." },
];

interface KnownValue {
  readonly value: string;
  readonly help: string;
}

/** Values of keys that have only a few. */
export const KEY_VALUES: Readonly<Record<string, readonly KnownValue[] | undefined>> = {
  kind: [{ value: 'security', help: 'code that an analyzer rejected' }, { value: 'function', help: 'code that failed its tests' }],
  status: [{ value: 'active', help: 'used where it fits' }, { value: 'muted', help: 'kept and never used' }],
  origin: [
    { value: 'completion', help: 'a completion failed' }, { value: 'offline', help: 'built from the knowledge base' }, { value: 'guard', help: 'inserted text failed' },
    { value: 'ci', help: 'found by CI' }, { value: 'import', help: 'imported' }, { value: 'user', help: 'written by hand' },
  ],
  pinned: [{ value: 'true', help: 'comes first where it is relevant' }, { value: 'false', help: 'ranked like any other' }],
  language: LANGUAGES.map((value) => ({ value, help: '' })),
};

export interface KnownSection {
  readonly title: string;
  readonly help: string;
  /** Holds one code fence; else text. */
  readonly code: boolean;
}

export const NOTE_SECTIONS: readonly KnownSection[] = [
  { title: 'Task', help: 'What was to be written; must be there. A bullet list for several.', code: false },
  { title: 'Erroneous code', help: 'The code as it failed: one code fence. Similar code finds the note.', code: true },
  { title: 'Diagnosis', help: 'What the analyzer or the tests said.', code: false },
  { title: 'Secure example', help: 'Code that works: one code fence.', code: true },
  { title: 'Guidance', help: 'What to do instead, in general words: the API and its contract.', code: false },
];
