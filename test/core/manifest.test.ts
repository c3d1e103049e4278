import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { DEFAULT_SETTINGS, SettingsSchema } from '../../src/core/settings.ts';
import { COMMANDS, CONTEXT_KEYS, EXTENSION_ID, MACHINE_SETTINGS, NOT_OFFERED, RESTRICTED_SETTINGS, VIEW_CONTAINER, VIEW_ITEMS, VIEWS } from '../../src/vscode/commands.ts';

const root = path.join(import.meta.dirname, '../..');
interface MenuItem { command?: string; submenu?: string; when?: string; group?: string }
interface Property { type: string; default: unknown; scope?: string; enum?: string[]; enumDescriptions?: string[]; minimum?: number; maximum?: number; description?: string; markdownDescription?: string }
interface Manifest {
  name: string; publisher: string; main: string; icon: string; categories: string[]; activationEvents: string[]; extensionKind: string[];
  engines: { vscode: string }; devDependencies: Record<string, string>; dependencies?: Record<string, string>;
  capabilities: { untrustedWorkspaces: { supported: string; description: string; restrictedConfigurations: string[] }; virtualWorkspaces: { supported: string; description: string } };
  contributes: {
    commands: { command: string; title: string; category: string; icon?: string; enablement?: string }[];
    keybindings: { command: string; key: string; mac?: string; when: string }[];
    menus: Record<string, MenuItem[]>;
    submenus: { id: string; label: string }[];
    viewsContainers: { activitybar: { id: string; icon: string }[] };
    views: Record<string, { id: string; name: string; icon?: string }[]>;
    viewsWelcome: { view: string; contents: string; when?: string }[];
    walkthroughs: { id: string; steps: { id: string; description: string; media: { markdown: string }; completionEvents: string[] }[] }[];
    configuration: { properties: Record<string, Property> }[];
  };
}
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Manifest;
const { contributes } = manifest;
const properties = Object.assign({}, ...contributes.configuration.map((c) => c.properties)) as Record<string, Property>;
const whens = [
  ...contributes.commands.flatMap((c) => (c.enablement ? [c.enablement] : [])),
  ...contributes.keybindings.map((k) => k.when),
  ...Object.values(contributes.menus).flatMap((items) => items.flatMap((i) => (i.when ? [i.when] : []))),
  ...contributes.viewsWelcome.flatMap((w) => (w.when ? [w.when] : [])),
];
/** Commands and context keys of the editor itself that the manifest relies on. */
const EDITOR_COMMANDS = new Set(['vscode.openFolder', 'workbench.trust.manage', 'workbench.action.openWalkthrough']);
const EDITOR_KEYS = new Set(['editorTextFocus', 'editorReadonly', 'editorIsOpen', 'isWorkspaceTrusted', 'isInDiffEditor', 'resourceScheme', 'resourceExtname', 'explorerResourceIsFolder', 'view', 'viewItem', 'workspaceFolderCount', 'virtualWorkspace', 'file', 'md', 'sarif', 'safenote', 'false']);

describe('package.json', () => {
  it('is the extension that Secure Complete asks for by its id', () => {
    assert.equal(`${manifest.publisher}.${manifest.name}`, EXTENSION_ID);
  });

  it('has the same commands as the typed map, each titled "SafeNote: …"', () => {
    const titles = Object.fromEntries(contributes.commands.map((c) => [c.command, c.title]));
    assert.deepEqual(titles, Object.fromEntries(Object.entries(COMMANDS).map(([id, { title }]) => [id, title])));
    for (const command of contributes.commands) assert.equal(command.category, 'SafeNote', command.command);
  });

  it('names in menus and keybindings only commands that it contributes', () => {
    const used = [...Object.values(contributes.menus).flat(), ...contributes.keybindings].flatMap((i) => i.command ?? []);
    for (const command of used) assert.ok(command in COMMANDS, command);
  });

  it('fills every submenu and shows each', () => {
    const shown = Object.values(contributes.menus).flat().flatMap((i) => i.submenu ?? []);
    for (const { id } of contributes.submenus) assert.ok(shown.includes(id) && (contributes.menus[id]?.length ?? 0) > 1, id);
    for (const id of shown) assert.ok(contributes.submenus.some((s) => s.id === id), id);
  });

  it('keeps out of the command palette what makes no sense there', () => {
    const hidden = contributes.menus['commandPalette']?.filter((i) => i.when === 'false').map((i) => i.command);
    assert.deepEqual(hidden?.sort(), Object.entries(COMMANDS).filter(([, c]) => !c.palette).map(([id]) => id).sort());
  });

  it('links in its texts only to commands that exist', () => {
    const texts = [...contributes.viewsWelcome.map((w) => w.contents), ...contributes.walkthroughs.flatMap((w) => w.steps.map((s) => s.description))];
    const links = texts.flatMap((text) => [...text.matchAll(/\(command:([\w.]+)/g)].map((m) => m[1] ?? ''));
    assert.ok(links.length > 5);
    for (const link of links) assert.ok(link in COMMANDS || EDITOR_COMMANDS.has(link), link);
  });

  it('uses in when-clauses only keys, views and items that exist', () => {
    for (const when of whens) {
      const bare = when.replace(/=~ \/(?:[^/\\]|\\.)*\/[a-z]*/g, '').replace(/'[^']*'/g, '');
      for (const word of bare.match(/[A-Za-z][\w.]*/g) ?? []) {
        const known = EDITOR_KEYS.has(word) || (CONTEXT_KEYS as readonly string[]).includes(word) || (VIEWS as readonly string[]).includes(word) || (VIEW_ITEMS as readonly string[]).includes(word);
        assert.ok(known, `${word} in "${when}"`);
      }
      for (const [, value] of when.matchAll(/viewItem == ([\w.]+)/g)) assert.ok((VIEW_ITEMS as readonly string[]).includes(value ?? ''), when);
      for (const [, pattern] of when.matchAll(/view =~ \/((?:[^/\\]|\\.)*)\//g)) assert.ok(VIEWS.some((view) => new RegExp(pattern ?? '$^').test(view)), when);
      for (const [, pattern] of when.matchAll(/viewItem =~ \/((?:[^/\\]|\\.)*)\//g)) assert.ok(VIEW_ITEMS.some((item) => new RegExp(pattern ?? '$^').test(item)), when);
    }
  });

  it('uses every context key that the code sets', () => {
    for (const key of CONTEXT_KEYS) assert.ok(whens.some((when) => when.includes(key)), key);
  });

  it('has the views of the typed map in its container', () => {
    assert.deepEqual(contributes.viewsContainers.activitybar.map((c) => c.id), [VIEW_CONTAINER]);
    assert.deepEqual(contributes.views[VIEW_CONTAINER]?.map((v) => v.id), [...VIEWS]);
    for (const view of VIEWS) assert.ok(contributes.viewsWelcome.some((w) => w.view === view), `${view} says nothing when it is empty`);
  });

  it('binds Secure Complete to Ctrl+Alt+S on every platform, in text editors only', () => {
    assert.deepEqual(contributes.keybindings, [{ command: 'safenote.secureComplete', key: 'ctrl+alt+s', mac: 'ctrl+alt+s', when: 'editorTextFocus && !editorReadonly' }]);
  });

  it('offers every setting of the schema that has an effect, with the same default', () => {
    const offered = Object.keys(SettingsSchema.shape).filter((key) => !(NOT_OFFERED as readonly string[]).includes(key)).map((key) => `safenote.${key}`);
    assert.deepEqual(Object.keys(properties).sort(), offered.sort());
    for (const [name, property] of Object.entries(properties)) assert.deepEqual(property.default, DEFAULT_SETTINGS[name.slice('safenote.'.length) as keyof typeof DEFAULT_SETTINGS], name);
  });

  it('takes the same values as the schema', () => {
    for (const [name, property] of Object.entries(properties)) {
      const schema = SettingsSchema.shape[name.slice('safenote.'.length) as keyof typeof SettingsSchema.shape];
      const accepts = (value: unknown) => schema.safeParse(value).success;
      if (property.enum) {
        for (const value of property.enum) assert.ok(accepts(value), `${name}: ${value}`);
        assert.ok(!accepts('no such value'), name);
        assert.equal(property.enumDescriptions?.length, property.enum.length, name);
      }
      for (const bound of [property.minimum, property.maximum]) if (bound !== undefined) assert.ok(accepts(bound), `${name}: ${bound}`);
      if (property.minimum !== undefined) assert.ok(!accepts(property.minimum - 1), `${name} below its minimum`);
      if (property.maximum !== undefined) assert.ok(!accepts(property.maximum + 1), `${name} above its maximum`);
      assert.ok(property.markdownDescription, `${name} is not described`);
    }
  });

  it('lets no workspace name an executable, an endpoint or a model', () => {
    const machine = MACHINE_SETTINGS.filter((key) => !NOT_OFFERED.includes(key)).map((key) => `safenote.${key}`).sort();
    assert.deepEqual(Object.entries(properties).filter(([, p]) => p.scope === 'machine').map(([name]) => name).sort(), machine);
    const restricted = RESTRICTED_SETTINGS.filter((key) => !NOT_OFFERED.includes(key)).map((key) => `safenote.${key}`).sort();
    assert.deepEqual([...manifest.capabilities.untrustedWorkspaces.restrictedConfigurations].sort(), restricted);
  });

  it('says what works where the workspace is not trusted or not on disk', () => {
    assert.equal(manifest.capabilities.untrustedWorkspaces.supported, 'limited');
    assert.equal(manifest.capabilities.virtualWorkspaces.supported, 'limited');
    assert.ok(manifest.capabilities.untrustedWorkspaces.description.length > 40);
    assert.ok(manifest.capabilities.virtualWorkspaces.description.length > 40);
  });

  it('has every file that it names', () => {
    const files = [manifest.icon, ...contributes.viewsContainers.activitybar.map((c) => c.icon), ...contributes.walkthroughs.flatMap((w) => w.steps.map((s) => s.media.markdown))];
    for (const file of files) assert.ok(existsSync(path.join(root, file)), file);
    assert.ok(statSync(path.join(root, manifest.icon)).size < 100_000);
  });

  it('activates after start-up, not before', () => {
    assert.deepEqual(manifest.activationEvents, ['onStartupFinished']);
  });

  it('has the types of the oldest editor that it runs in, and no dependency at run time', () => {
    const minor = (range: string) => /\d+\.(\d+)/.exec(range)?.[1];
    assert.equal(minor(manifest.devDependencies['@types/vscode'] ?? ''), minor(manifest.engines.vscode));
    assert.deepEqual(manifest.dependencies ?? {}, {});
  });

  it('has walkthrough steps that something completes', () => {
    for (const walkthrough of contributes.walkthroughs) {
      for (const step of walkthrough.steps) {
        for (const event of step.completionEvents) {
          const [kind, name = ''] = event.split(':');
          if (kind === 'onCommand') assert.ok(name in COMMANDS, event);
          if (kind === 'onSettingChanged') assert.ok(name in properties, event);
        }
        assert.ok(step.completionEvents.length > 0, step.id);
      }
    }
  });
});

describe('docs/configuration.md', () => {
  const page = readFileSync(path.join(root, 'docs/configuration.md'), 'utf8');

  it('names every command, setting and view', () => {
    for (const { title } of Object.values(COMMANDS)) assert.ok(page.includes(title), title);
    for (const name of Object.keys(properties)) assert.ok(page.includes(`\`${name}\``), name);
    for (const view of VIEWS) assert.ok(page.includes(`\`${view}\``), view);
  });

  it('gives the defaults that hold', () => {
    for (const [name, { default: value }] of Object.entries(properties)) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\``));
      assert.ok(row?.split('|')[2]?.includes(`\`${JSON.stringify(value)}\``), `${name}: ${JSON.stringify(value)}`);
    }
  });
});
