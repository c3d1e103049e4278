import * as vscode from 'vscode';
import { isCancelled, messageOf } from '../../core/errors.ts';
import type { ErrorPath } from '../common/error-path.ts';
import { hasWords } from './arrange.ts';
import type { Arrangement } from './arrangement.ts';
import { quickItem } from './note-commands.ts';
import type { FoundNote, Notebooks } from './notebooks.ts';

const { t } = vscode.l10n;

/** A pause in typing, in milliseconds, after which the meaning of the words is looked for. */
const PAUSE_MS = 250;
const BY_WORDS = 50;
const BY_MEANING = 15;

type Item = vscode.QuickPickItem & { found?: FoundNote };

/** "Search Notes": by words at once, by meaning after a pause in typing; its button shows the result in the sidebar. */
export class NoteSearch {
  private readonly o: { notebooks: Notebooks; arrangement: Arrangement; errors: ErrorPath; open: (found: FoundNote) => Promise<void>; reveal: () => Promise<void> };

  constructor(options: NoteSearch['o']) {
    this.o = options;
  }

  async run(): Promise<void> {
    const { notebooks, arrangement, errors } = this.o;
    const notes = await notebooks.everyNote();
    const pick = vscode.window.createQuickPick<Item>();
    const filter: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('filter'), tooltip: t('Show these words as a filter in the sidebar') };
    pick.title = t('SafeNote: Search Notes');
    pick.placeholder = t('Words of a note, or what it is about');
    pick.buttons = [filter];
    // The order is that of the search, not the editor's own.
    (pick as { sortByLabel?: boolean }).sortByLabel = false;
    let controller = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const words = (text: string): Item[] => notes.filter(({ stored }) => hasWords(stored, text, (cwe) => notebooks.titleOf(cwe))).slice(0, BY_WORDS).map(item);
    const look = (text: string) => {
      clearTimeout(timer);
      controller.abort();
      controller = new AbortController();
      const byWords = words(text);
      const found = byWords.length > 0 ? [heading(t('With these words')), ...byWords] : [remark('info', t('No note has these words.'))];
      // One row says that more may come: the model that knows meanings takes a while to load.
      pick.items = text.trim() === '' ? byWords : [...found, heading(t('By meaning')), remark('loading~spin', t('Looking for notes about this…'))];
      pick.busy = text.trim() !== '';
      if (text.trim() === '') return;
      const { signal } = controller;
      timer = setTimeout(() => {
        void this.meaning(text, notes, signal)
          .then((byMeaning) => {
            if (signal.aborted) return;
            const known = new Set(byWords.map(({ found }) => found?.stored.file));
            const more = byMeaning.filter(({ stored }) => !known.has(stored.file)).map(item);
            pick.items = [...found, heading(t('By meaning')), ...(more.length > 0 ? more : [remark('info', t('No other note is about this.'))])];
          })
          .catch((error: unknown) => {
            if (isCancelled(error) || signal.aborted) return;
            errors.quiet('Searching by meaning', error);
            pick.items = [...found, heading(t('By meaning')), remark('warning', t('Not searched: {0}', messageOf(error)))];
          })
          .finally(() => !signal.aborted && (pick.busy = false));
      }, PAUSE_MS);
    };
    look('');
    const chosen = await new Promise<FoundNote | 'filter' | undefined>((resolve) => {
      pick.onDidChangeValue(look);
      pick.onDidTriggerButton(() => resolve('filter'));
      pick.onDidAccept(() => {
        const note = pick.activeItems[0]?.found;
        if (note) resolve(note);
      });
      pick.onDidHide(() => resolve(undefined));
      pick.show();
    });
    const text = pick.value;
    clearTimeout(timer);
    controller.abort();
    pick.dispose();
    if (chosen === 'filter') {
      arrangement.setFilter({ ...arrangement.filter, text });
      await this.o.reveal();
    } else if (chosen) await this.o.open(chosen);
  }

  /** The notes nearest in meaning, of all notebooks, best first. */
  private async meaning(text: string, notes: readonly FoundNote[], signal: AbortSignal): Promise<FoundNote[]> {
    const rooms = [...new Set(notes.map(({ room }) => room))];
    const found = await Promise.all(rooms.map(async (room) => (await room.app.notebook.similar(text, BY_MEANING, signal)).map(({ stored, score }) => ({ room, stored, score }))));
    return found.flat().sort((a, b) => b.score - a.score).slice(0, BY_MEANING);
  }
}

function heading(label: string): Item {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}

/** A row that says something and cannot be chosen. */
function remark(icon: string, label: string): Item {
  return { label: `$(${icon}) ${label}`, alwaysShow: true };
}

/** Always shown: the search has chosen it, whatever the editor's own matching says. */
function item(found: FoundNote): Item {
  return { ...quickItem(found), alwaysShow: true };
}
