import * as vscode from 'vscode';
import type { NoteKind } from '../../core/notebook/note.ts';
import { setContext } from '../common/context-keys.ts';
import { Listeners } from '../common/disposables.ts';
import { type GroupBy, GROUPINGS, isFiltering, NO_FILTER, type NoteFilter, type SortBy, SORTINGS, stateOf } from './arrange.ts';
import { groupingName, originName, sortingName, stateName } from './note-labels.ts';
import type { Notebooks } from './notebooks.ts';

const { t } = vscode.l10n;
const KEY = 'noteArrangement';

interface Kept {
  readonly security: GroupBy;
  readonly function: GroupBy;
  readonly sort: SortBy;
}

/** How the two views group and sort, remembered for the user; and what they leave out, for this window. */
export class Arrangement {
  private readonly changes = new Listeners<void>();
  private readonly memory: vscode.Memento;
  private kept: Kept;
  private current = NO_FILTER;

  constructor(memory: vscode.Memento) {
    this.memory = memory;
    const kept = memory.get<Partial<Kept>>(KEY, {});
    const group = (kind: NoteKind) => GROUPINGS[kind].find((by) => by === kept[kind]) ?? GROUPINGS[kind][0] ?? 'file';
    this.kept = { security: group('security'), function: group('function'), sort: SORTINGS.find((by) => by === kept.sort) ?? 'frequency' };
    this.tell();
  }

  onDidChange(listener: () => void): vscode.Disposable {
    return this.changes.on(listener) as vscode.Disposable;
  }

  groupBy(kind: NoteKind): GroupBy {
    return this.kept[kind];
  }

  get sortBy(): SortBy {
    return this.kept.sort;
  }

  get filter(): NoteFilter {
    return this.current;
  }

  async group(kind: NoteKind, by: GroupBy): Promise<void> {
    await this.keep({ ...this.kept, [kind]: by });
  }

  async sort(by: SortBy): Promise<void> {
    await this.keep({ ...this.kept, sort: by });
  }

  setFilter(filter: NoteFilter): void {
    this.current = isFiltering(filter) ? filter : NO_FILTER;
    this.tell();
    this.changes.fire();
  }

  /** Everything that the menus of the views offer, from the palette. */
  async ask(): Promise<void> {
    const mark = (on: boolean) => (on ? '$(check) ' : '$(blank) ');
    const separator = (label: string) => ({ label, kind: vscode.QuickPickItemKind.Separator, run: undefined });
    const groups = (kind: NoteKind) => GROUPINGS[kind].map((by) => ({ label: mark(this.kept[kind] === by) + groupingName(by, kind), run: () => this.group(kind, by) }));
    const picked = await vscode.window.showQuickPick(
      [
        separator(t('Security notes')), ...groups('security'),
        separator(t('Function notes')), ...groups('function'),
        separator(t('Order of both')), ...SORTINGS.map((by) => ({ label: mark(this.kept.sort === by) + sortingName(by), run: () => this.sort(by) })),
      ],
      { title: t('SafeNote: Arrange Notes'), placeHolder: t('Group and sort the notes in the sidebar') },
    );
    await picked?.run?.();
  }

  /** Asks which notes to show. Values of one heading add up, headings narrow down. */
  async askFilter(notebooks: Notebooks): Promise<void> {
    const notes = (await notebooks.everyNote()).map(({ stored }) => stored);
    const { current } = this;
    const values = (of: (stored: (typeof notes)[number]) => string) => [...Map.groupBy(notes, of)].map(([value, list]) => ({ value, count: list.length })).filter(({ value }) => value !== '').sort((a, b) => b.count - a.count);
    const items = [
      ...section(t('Language'), 'languages', values((s) => s.note.language), (value) => value),
      ...section(t('Status'), 'states', [...values(stateOf), { value: 'pinned', count: notes.filter((s) => s.note.pinned).length }], (value) => stateName(value as 'pinned')),
      ...section(t('Model'), 'models', values((s) => s.note.model), (value) => value),
      ...section(t('Origin'), 'origins', values((s) => s.note.origin), originName),
    ];
    const picked = await vscode.window.showQuickPick(
      items.map((item) => ({ ...item, picked: item.of !== undefined && (current[item.of] as readonly string[]).includes(item.value) })),
      { title: t('SafeNote: Filter Notes'), placeHolder: t('Which notes to show; none chosen shows all'), canPickMany: true },
    );
    if (!picked) return;
    const chosen = (of: Choice) => picked.filter((item) => item.of === of).map((item) => item.value);
    this.setFilter({ ...current, languages: chosen('languages'), states: chosen('states') as NoteFilter['states'], models: chosen('models'), origins: chosen('origins') });
  }

  private async keep(kept: Kept): Promise<void> {
    this.kept = kept;
    this.tell();
    this.changes.fire();
    await this.memory.update(KEY, kept);
  }

  private tell(): void {
    setContext('safenote.securityGrouping', this.kept.security);
    setContext('safenote.functionGrouping', this.kept.function);
    setContext('safenote.noteOrder', this.kept.sort);
    setContext('safenote.notesFiltered', this.current !== NO_FILTER);
  }
}

type Choice = 'languages' | 'states' | 'models' | 'origins';

function section(title: string, of: Choice, values: readonly { value: string; count: number }[], name: (value: string) => string) {
  return [
    { label: title, kind: vscode.QuickPickItemKind.Separator, description: '', of: undefined, value: '' },
    ...values.map(({ value, count }) => ({ label: name(value), kind: vscode.QuickPickItemKind.Default, description: String(count), of, value })),
  ];
}
