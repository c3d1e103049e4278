import * as z from 'zod';

/*
 * What SafeNote remembers of its own work: one event a line, in the user's own folder. There is no code, no task, no
 * path and no message in it, by construction: every field is an id, a name, a number or one of a few words.
 */

/** Names and ids from outside are cut, so that one event stays a short line whatever a model or rule calls itself. */
const Name = z.string().transform((text) => text.slice(0, 120));
const Moment = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/);
const Count = z.number().finite().nonnegative();
const Status = z.enum(['pass', 'fail', 'unavailable']);
const Kind = z.enum(['security', 'function']);

/** A weakness that an analyzer saw in an answer: what it is, not where. */
export const SeenWeakness = z.object({ rule: Name, family: Name, cwe: z.array(Name), analyzer: Name });
export type SeenWeakness = z.infer<typeof SeenWeakness>;

/**
 * `prevented`: the note was in the prompt, an analyzer that knows its rule (or a test) judged the answer, and the rule did not
 * fire. `failed`: it fired in spite of the note. Absent: nobody could tell. That a failure stayed away does not prove that the note
 * kept it away; over many requests the ratio of the two tells.
 */
export const NoteUse = z.object({
  id: Name,
  kind: Kind,
  cwe: Name.optional(),
  /** In the prompt; else it passed the gate and there was no room, or better ones. */
  shown: z.boolean(),
  result: z.enum(['prevented', 'failed']).optional(),
});
export type NoteUse = z.infer<typeof NoteUse>;

export const CompletionEvent = z.object({
  type: z.literal('completion'),
  id: Name,
  at: Moment,
  language: Name,
  model: Name,
  mode: z.enum(['plain', 'rescue', 'safenote']),
  /** Asked again for an answer that failed after it was shown: the prompt held the failure itself, so a pass says nothing about notes. */
  again: z.boolean().optional(),
  notes: z.array(NoteUse),
  knowledge: z.array(z.object({ cwe: Name, sample: Name.optional(), shown: z.boolean() })),
  attempts: z.array(z.object({ security: Status, function: Status, findings: z.array(SeenWeakness) })),
  /** Which attempt was shown, from 0. */
  shown: z.number().int().nonnegative(),
  analyzers: z.array(z.object({ name: Name, version: Name.optional(), ran: z.boolean(), ms: Count, findings: Count })),
  learned: z.array(z.object({ id: Name, kind: Kind, action: z.enum(['created', 'merged']) })),
  tokens: z.object({ prompt: Count, completion: Count }),
  timings: z.object({ retrieveMs: Count, generateMs: Count, verifyMs: Count, totalMs: Count }),
});
export type CompletionEvent = z.infer<typeof CompletionEvent>;

/** The user took a completion over, whole or in part. */
export const AcceptedEvent = z.object({ type: z.literal('accepted'), at: Moment, of: Name, how: z.enum(['whole', 'part']) });

/** The workspace's tests have judged a completion after it was shown; its function notes are judged with it. */
export const TestedEvent = z.object({ type: z.literal('tested'), at: Moment, of: Name, status: z.enum(['pass', 'fail']), notes: z.array(z.object({ id: Name, result: z.enum(['prevented', 'failed']) })) });

export const WRONG_REASONS = ['false-alarm', 'bad-advice', 'not-here', 'outdated'] as const;
export type WrongReason = (typeof WRONG_REASONS)[number];
/** The user said that a note is wrong, or took that back. */
export const WrongEvent = z.object({ type: z.literal('wrong'), at: Moment, note: Name, why: z.enum(WRONG_REASONS).optional(), undone: z.boolean().optional() });

export const ActivityEvent = z.discriminatedUnion('type', [CompletionEvent, AcceptedEvent, TestedEvent, WrongEvent]);
export type ActivityEvent = z.infer<typeof ActivityEvent>;

/** Port: where events are kept. A write that fails is logged and tried again later: it must never fail a completion. */
export interface ActivityJournal {
  append(event: ActivityEvent): Promise<void>;
}
