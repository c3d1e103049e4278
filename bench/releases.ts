/** Figures of earlier releases, `bench/releases/VERSION.json`, and how a run compares with the last of them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import semver from 'semver';
import * as z from 'zod';
import type { BenchRow } from './rows.ts';

const Record = z.object({ version: z.string(), machine: z.string(), node: z.string(), rows: z.array(z.object({ suite: z.string(), name: z.string(), value: z.number(), unit: z.string() })) });
export type ReleaseRecord = z.infer<typeof Record>;

const FOLDER = path.join(import.meta.dirname, 'releases');

export function machine(): string {
  return `${os.cpus()[0]?.model ?? 'unknown processor'}, ${os.cpus().length} cores, ${os.platform()}`;
}

/** The last release before `version` that has a record. A record that cannot be read is an error: it is ours. */
export function previousRelease(version: string, folder = FOLDER): ReleaseRecord | undefined {
  const versions = existsSync(folder) ? readdirSync(folder).flatMap((name) => semver.valid(name.replace(/\.json$/, '')) ?? []) : [];
  const last = semver.rsort(versions.filter((v) => semver.lt(v, version)))[0];
  return last === undefined ? undefined : Record.parse(JSON.parse(readFileSync(path.join(folder, `${last}.json`), 'utf8')));
}

export function saveRelease(version: string, rows: readonly (BenchRow & { suite: string })[], folder = FOLDER): string {
  const file = path.join(folder, `${version}.json`);
  mkdirSync(folder, { recursive: true });
  const record: ReleaseRecord = { version, machine: machine(), node: process.version, rows: rows.map(({ suite, name, value, unit }) => ({ suite, name, value, unit })) };
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
  return file;
}

export interface Compared {
  readonly suite: string;
  readonly name: string;
  readonly before: number;
  readonly now: number;
  readonly unit: string;
  /** now / before. */
  readonly ratio: number;
}

/** Figures that both have. What only one has is new or gone, and is no comparison. */
export function compareWith(previous: ReleaseRecord, rows: readonly (BenchRow & { suite: string })[]): Compared[] {
  return rows.flatMap(({ suite, name, value, unit }) => {
    // The package's name has its version in it.
    const plain = (text: string) => text.replace(/\d+\.\d+\.\d+/g, 'VERSION');
    const before = previous.rows.find((r) => r.suite === suite && plain(r.name) === plain(name) && r.unit === unit);
    return before && before.value > 0 ? [{ suite, name, before: before.value, now: value, unit, ratio: value / before.value }] : [];
  });
}

export function describeComparison(previous: ReleaseRecord, compared: readonly Compared[]): string {
  const other = previous.machine === machine() ? '' : `\n(${previous.version} was measured on another machine: ${previous.machine}. Sizes compare; times hardly do.)`;
  const figure = (n: number) => n.toFixed(n < 10 ? 2 : 0).padStart(8);
  const lines = compared.map((c) => `  ${`${c.suite}: ${c.name}`.padEnd(76)} ${figure(c.before)} → ${figure(c.now)} ${c.unit.padEnd(4)} × ${c.ratio.toFixed(2)}${c.ratio > 1.2 ? '  MORE' : ''}`);
  return `Compared with ${previous.version}${other}\n${lines.join('\n') || '  no figure is in both'}`;
}
