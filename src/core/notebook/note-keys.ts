import * as z from 'zod';
import type { NoteOrigin } from './note.ts';

/** Schemas of front matter values that several parts of a note's file share. */

export const ORIGINS = ['completion', 'offline', 'guard', 'ci', 'import', 'user'] as const satisfies readonly NoteOrigin[];

/** Numbers and flags that YAML made of a text such as `title: 404` are text again. */
export const Text = z.union([z.string(), z.number(), z.boolean()]).transform(String);

export const IsoDate = Text.refine((value) => !Number.isNaN(Date.parse(value)), 'must be a date such as 2026-01-31T12:00:00.000Z').transform((value) =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(value) ? value : new Date(value).toISOString(),
);
