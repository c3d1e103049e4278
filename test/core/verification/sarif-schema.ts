// The JSON schema of SARIF 2.1.0, as a package of Microsoft's ships it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';

const FILE = path.join(import.meta.dirname, '../../../node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
let validate: ValidateFunction | undefined;

/** Fails with what is wrong where a value is no SARIF 2.1.0. */
export function assertValidSarif(value: unknown): void {
  if (!validate) {
    // Draft 4 names its schema otherwise; nothing else in this one differs from what ajv knows.
    const { id: _id, $schema: _schema, ...schema } = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, unknown>;
    const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
    (formats as unknown as (a: Ajv) => void)(ajv);
    validate = ajv.compile(schema);
  }
  // As it is written: what is `undefined` is not there.
  const plain: unknown = JSON.parse(JSON.stringify(value));
  assert.ok(validate(plain), (validate.errors ?? []).map((e) => `${e.instancePath} ${e.message ?? ''}`).join('\n'));
}
