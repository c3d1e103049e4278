import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Note } from '../../../src/core/notebook/note.ts';
import { redactNote, redactSecrets } from '../../../src/core/notebook/redact.ts';

// Put together at run time: scanners of repositories, rightly, do not like to see them whole.
const join = (...parts: string[]): string => parts.join('');
const RANDOM = 'q7Zt9Xb2LmP4vRk8WcD1hGf6NsJ3yUa5oEi0';
const PEM_BODY = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';

const SECRETS: readonly [string, string, string][] = [
  ['an AWS access key', join('AKIA', 'Z3MNQ7RTYU5PLKJH'), 'aws access key'],
  ['a GitHub token', join('ghp_', RANDOM), 'github token'],
  ['a fine-grained GitHub token', join('github_pat_', '11ABCDEFG0', RANDOM), 'github token'],
  ['a GitLab token', join('glpat-', 'x8Kq2mZt9Lw4Vr7Yb1Nc'), 'gitlab token'],
  ['an OpenAI key', join('sk-', 'proj-', RANDOM), 'api key'],
  ['an Anthropic key', join('sk-', 'ant-api03-', RANDOM), 'api key'],
  ['a Slack token', join('xoxb-', '123456789012-', 'a8Kq2mZt9Lw4Vr7Y'), 'slack token'],
  ['a Slack webhook', join('https://hooks.slack', '.com/services/T01ABCDEF/B02GHIJKL/', 'x8Kq2mZt9Lw4Vr7Yb1NcQw3E'), 'slack webhook'],
  ['a Google API key', join('AIza', 'SyD4x8Kq2mZt9Lw4Vr7Yb1NcQw3ErTyU0pM'), 'google api key'],
  ['a Stripe key', join('sk_', 'live_', '4eC39HqLyjWDarjtT1zdp7dc'), 'stripe key'],
  ['an npm token', join('npm_', RANDOM), 'npm token'],
  ['a Hugging Face token', join('hf_', RANDOM.slice(0, 34)), 'hugging face token'],
  ['a JWT', join('eyJ', 'hbGciOiJIUzI1NiJ9', '.eyJ', 'zdWIiOiIxMjM0NTY3ODkwIn0', '.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'), 'jwt'],
];

describe('redaction', () => {
  for (const [name, secret, kind] of SECRETS) {
    it(`hides ${name}`, () => {
      const text = `client = connect("${secret}")  # keep`;
      const redacted = redactSecrets(text);
      assert.ok(!redacted.includes(secret.slice(-12)), redacted);
      assert.ok(redacted.includes(`[redacted: ${kind}]`), redacted);
      assert.ok(redacted.startsWith('client = connect("') && redacted.endsWith('  # keep'), redacted);
    });
  }

  it('hides a private key, whole or cut off, also inside a string', () => {
    const header = join('-----BEGIN ', 'RSA PRIVATE KEY-----');
    const footer = join('-----END ', 'RSA PRIVATE KEY-----');
    for (const text of [`${header}\n${PEM_BODY}\n${PEM_BODY}\n${footer}`, `${header}\n${PEM_BODY}\n${PEM_BODY}`, `${header}\\n${PEM_BODY}\\n${footer}`, `${header}\\n" +\n  "${PEM_BODY}\\n" +\n  "${footer}`]) {
      const redacted = redactSecrets(`before = 1\nkey = """${text}"""\nafter = 2`);
      assert.ok(!redacted.includes(PEM_BODY.slice(0, 16)), redacted);
      assert.ok(redacted.startsWith('before = 1\nkey = """[redacted: private key]'), redacted);
      assert.ok(redacted.includes('after = 2'), redacted);
    }
  });

  it('leaves code alone that looks for a key by its header', () => {
    const text = join('if pem.startswith("-----BEGIN ', 'PRIVATE KEY-----"): return load(pem)');
    assert.equal(redactSecrets(text), text);
  });

  it('hides random literals under telling names, in many languages', () => {
    const value = 'x8Kq2mZt9Lw4Vr7Y';
    for (const line of [
      `password = "${value}"`, `DB_PASSWORD = '${value}'`, `const apiKey = \`${value}\`;`, `api_key: "${value}"`, `"client_secret": "${value}"`,
      `String token = "${value}";`, `secret := "${value}"`, `passwd => '${value}'`, `let accessKey: string = "${value}"`, `config["auth_token"] = "${value}"`,
      `os.environ['SECRET_KEY'] = '${value}'`, `define("x", 1); $password = '${value}';`, `static const char *password = "${value}";`, `password: Final[str] = "${value}"`, `token = b"${value}"`,
    ]) {
      const redacted = redactSecrets(line);
      assert.ok(!redacted.includes(value) && redacted.includes('[redacted: '), `${line} → ${redacted}`);
    }
  });

  it('hides passwords in addresses, headers and environment files', () => {
    assert.equal(redactSecrets('url = "postgres://app:x8Kq2mZt9Lw4@db.internal:5432/x"'), 'url = "postgres://app:[redacted: password]@db.internal:5432/x"');
    assert.equal(redactSecrets(`Authorization: Bearer ${RANDOM}`), 'Authorization: Bearer [redacted: token]');
    assert.equal(redactSecrets('A=1\nSTRIPE_SECRET_KEY=x8Kq2mZt9Lw4Vr7Y\nB=2'), 'A=1\nSTRIPE_SECRET_KEY=[redacted: key]\nB=2');
  });

  const ORDINARY = [
    'password = "secret"', 'password = "admin"', 'password = "changeme"', 'password = ""', 'password = getpass.getpass()', 'password = os.environ["DB_PASSWORD"]', 'password = request.form["password"]',
    'if password == "correct horse battery staple":', 'token = "access_token"', 'token_type = "Bearer"', 'TOKEN_URL = "https://example.com/oauth2/token"', 'secret = f"{user}-{nonce}"', 'password = "${DB_PASSWORD}"', 'password = "%s"',
    'api_key = "YOUR_API_KEY_HERE"', 'api_key = "<your-api-key>"', 'secret_name = "projects/1/secrets/db-password/versions/2"', 'const tokenKey = "sessionToken2";', 'auth_header = "X-Auth-Token"', 'password_hash = hashlib.sha256(data).hexdigest()',
    'h = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"', 'commit = "1234567890abcdef1234567890abcdef12345678"', 'id = "550e8400-e29b-41d4-a716-446655440000"', 'cursor.execute("SELECT password FROM users WHERE name = \'%s\'" % name)',
    'url = "postgres://user:password@localhost/db"', 'url = f"postgres://{user}:{password}@{host}/db"', 'http://localhost:8080/a@b', 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ', 'sk-button-primary-large-disabled', '.sk-cube-grid .sk-cube { width: 33% }',
    'AKIA is the prefix of access keys', 'assert token.kind == "KEYWORD_1"', 'keyboard = "qwertz"', 'monkey = "banana 12345678 ABC"', 'passport_number = "C01X00T47"', 'char buf[64]; strcpy(buf, password);', 'PASSWORD_MIN_LENGTH=12', 'SECRET_KEY=$(openssl rand -hex 32)',
    'Use `secrets.token_urlsafe(32)` and compare with `hmac.compare_digest`.', 'The password is written to the log in clear text; log the user id instead.',
  ];
  for (const line of ORDINARY) {
    it(`leaves alone: ${line}`, () => assert.equal(redactSecrets(line), line));
  }

  it('changes nothing the second time, and is quick on hostile text', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(...SECRETS.map(([, secret]) => secret), 'password = "', '"', 'token: ', '://a:', '@b', '-----BEGIN PRIVATE KEY-----', 'AAAA'.repeat(10), '\n', 'Bearer ')), { maxLength: 12 }), (parts) => {
        const once = redactSecrets(parts.join(''));
        assert.equal(redactSecrets(once), once);
      }),
      { numRuns: 500 },
    );
    for (const piece of ['password', 'a:', '://a:', '"', '-----BEGIN PRIVATE KEY-----\n', 'eyJ', 'sk-', 'token = "\\', 'A_KEY', 'auth_', '\\n']) redactSecrets(piece.repeat(20_000));
  }).timeout(20_000);

  it('covers every text of a note, and leaves a clean note as it is', () => {
    const token = join('ghp_', RANDOM);
    const clean: Note = {
      id: 'a', kind: 'security', title: 't', language: 'python', frequency: 1, origin: 'completion', model: 'm', created: '', updated: '', status: 'muted', statusReason: 'r',
      tasks: ['x', 'y'], erroneousCode: 'c', diagnosis: 'd', secureExample: 's', guidance: 'g',
    };
    assert.equal(redactNote(clean), clean);
    for (const key of ['title', 'statusReason', 'erroneousCode', 'diagnosis', 'secureExample', 'guidance'] as const) {
      assert.equal(redactNote({ ...clean, [key]: `see ${token}` })[key], 'see [redacted: github token]');
    }
    assert.deepEqual(redactNote({ ...clean, tasks: ['x', token] }).tasks, ['x', '[redacted: github token]']);
  });
});
