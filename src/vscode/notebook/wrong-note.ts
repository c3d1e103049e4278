import * as vscode from 'vscode';
import { WRONG_REASONS, type WrongReason } from '../../core/activity/event.ts';
import { countersOf } from '../../core/activity/totals.ts';
import { describeWorth } from '../../core/activity/worth.ts';
import { ExpectedError } from '../../core/errors.ts';
import type { NoteTarget } from '../commands.ts';
import type { ErrorPath } from '../common/error-path.ts';
import type { FoundNote, Notebooks } from './notebooks.ts';

const REASONS: Readonly<Record<WrongReason, { readonly label: string; readonly detail: string }>> = {
  'false-alarm': { label: 'It is a false alarm', detail: 'What it calls an error is none.' },
  'bad-advice': { label: 'Its advice is bad', detail: 'The failure is real; the guidance or the secure example is not right.' },
  'not-here': { label: 'It does not apply here', detail: 'True elsewhere; this code base is different.' },
  outdated: { label: 'It is outdated', detail: 'An API or a rule has changed since.' },
};

/** "This Note Is Wrong…": the user's own word on a note. It is kept beside the counters, not in the note, and can be taken back. */
export class WrongNote {
  private readonly o: { notebooks: Notebooks; errors: ErrorPath };

  constructor(options: WrongNote['o']) {
    this.o = options;
  }

  async run(target?: NoteTarget): Promise<void> {
    const found = target?.id ? await this.o.notebooks.find(target) : await this.pick();
    if (!found) return;
    const { note } = found.stored;
    const { wrong } = countersOf(found.room.app.journal.totals(), note.id);
    const back = { label: '$(discard) It is right after all', detail: 'Takes back what you said; the note ranks as before.', why: undefined };
    const reasons = WRONG_REASONS.map((why) => ({ ...REASONS[why], why }));
    const chosen = await vscode.window.showQuickPick<{ label: string; detail: string; why: WrongReason | undefined }>(wrong > 0 ? [back, ...reasons] : reasons, { title: `SafeNote: What is wrong with "${note.title}"?`, placeHolder: 'It sinks in the ranking and is proposed for retirement. The note itself is not changed.' });
    if (!chosen) return;
    await this.say(found, chosen.why);
    const { id } = note;
    const targetOf = { id, folder: found.room.folder.toString() };
    if (chosen.why === undefined) {
      void vscode.window.showInformationMessage(`SafeNote: "${note.title}" counts as right again.`);
      return;
    }
    // Not awaited: the command is done, the notification may stay for long.
    void vscode.window.showInformationMessage(`SafeNote: noted. "${note.title}" sinks in the ranking. Mute it to keep it out of every prompt.`, 'Mute…', 'Open Note', 'Undo').then((answer) =>
      this.o.errors.run('Following up on a wrong note', async () => {
        if (answer === 'Mute…') await vscode.commands.executeCommand('safenote.muteNote', targetOf);
        if (answer === 'Open Note') await vscode.commands.executeCommand('safenote.openNote', targetOf);
        if (answer === 'Undo') await this.say(found, undefined);
      }),
    );
  }

  private async say({ room, stored }: FoundNote, why: WrongReason | undefined): Promise<void> {
    await room.app.activity.wrong(stored.note.id, why ? { why } : { undone: true });
    this.o.notebooks.changed();
  }

  private async pick(): Promise<FoundNote | undefined> {
    const all = await this.o.notebooks.everyNote();
    if (all.length === 0) throw new ExpectedError('no-notes', 'The notebook is empty.', 'Notes are written when a completion fails its check.');
    const items = all.map((found) => {
      const { note } = found.stored;
      return { label: note.title, description: [note.cwe, note.language].filter(Boolean).join(' · '), detail: describeWorth(countersOf(found.room.app.journal.totals(), note.id)), found };
    });
    return (await vscode.window.showQuickPick(items, { title: 'SafeNote: This Note Is Wrong', placeHolder: 'Which note?', matchOnDescription: true }))?.found;
  }
}
