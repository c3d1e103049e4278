import type { Output } from '../output.ts';
import { type GlobalOptions, withSession } from '../session.ts';

/** `doctor`: what is there, what is degraded, what is missing. */
export function doctor(options: GlobalOptions): Promise<Output> {
  return withSession(options, async ({ app, signal }) => {
    const report = await app.doctor(signal);
    const mark = { ok: 'ok      ', degraded: 'degraded', missing: 'missing ' } as const;
    const text = report.checks.map((c) => `${mark[c.status]}  ${c.name}: ${c.detail}${c.hint ? `\n            ${c.hint}` : ''}`).join('\n');
    return { json: report, text: `${text}\n`, exitCode: 0 };
  });
}
