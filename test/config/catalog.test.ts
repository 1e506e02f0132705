import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalog } from '../../config/catalog/catalog.ts';
import { checkStage } from '../../config/checks/check-stage.ts';
import { stageSchema } from '../../config/checks/schema.ts';
import { fieldsAt } from '../../config/checks/unknown-fields.ts';
import { isExampleHost } from '../../config/examples.ts';
import { clear, idMeSandbox } from '../../config/product-presets.ts';
import { catalogDocument, decisiveFields, isComplete, profileOf } from './catalog-document.ts';

const root = join(import.meta.dirname, '../..');
const everyFact = catalog.flatMap(({ facts, remarks }) => [...facts, ...remarks]);
const urlsIn = (value: unknown): string[] => JSON.stringify(value).match(/https?:\/\/[^"\\]+/g) ?? [];
const isDate = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);

describe('the catalog', () => {
  it('is about seventeen payers, one of them twice, each published and not tried', () => {
    expect([catalog.length, new Set(catalog.map(({ id }) => id)).size]).toEqual([18, 18]);
    expect(new Set(catalog.map(({ status }) => status))).toEqual(new Set(['published, not tried']));
  });

  it('has a source with an https URL and a date for every fact', () => {
    const bad = everyFact.filter(
      ({ source: { url, date } }) => !(URL.parse(url)?.protocol === 'https:' && isDate(date) && date <= '2026-12-01'),
    );

    expect(everyFact.length).toBeGreaterThan(100);
    expect(bad).toEqual([]);
  });

  it('names fields of the profile, each once, and either with a fact or as missing', () => {
    const payerFields = fieldsAt(stageSchema, ['payers', 0]);
    const quirks = fieldsAt(stageSchema, ['payers', 0, 'quirks']).map((name) => `quirks.${name}`);

    for (const { id, facts, missing } of catalog) {
      const fields: string[] = [...facts, ...missing].map(({ field }) => field);
      expect([id, fields.filter((field) => ![...payerFields, ...quirks].includes(field))]).toEqual([id, []]);
      expect([id, fields.length]).toEqual([id, new Set(fields).size]);
      expect([id, decisiveFields.filter((field) => !fields.includes(field))]).toEqual([id, []]);
    }
  });

  it('has https URLs of real hosts only', () => {
    const urls = everyFact.flatMap((fact) => ('value' in fact ? urlsIn(fact.value) : []));

    expect(urls.length).toBeGreaterThan(25);
    expect(urls.filter((url) => URL.parse(url)?.protocol !== 'https:' || isExampleHost(new URL(url).hostname))).toEqual(
      [],
    );
  });

  it.each(catalog)('makes of $displayName a profile that passes the check', (payer) => {
    const stage = {
      stage: 'x',
      production: false,
      identityProviders: [clear, idMeSandbox],
      payers: [profileOf(payer)],
      partners: [],
    };

    expect(() => checkStage(stage, 'x')).not.toThrow();
  });

  it('says of the incomplete ones what is missing and why', () => {
    const incomplete = catalog.filter((payer) => !isComplete(payer));

    expect(incomplete.length).toBeGreaterThan(0);
    for (const { id, missing } of incomplete) expect([id, missing.length > 0]).toEqual([id, true]);
    for (const { why } of catalog.flatMap(({ missing }) => missing)) expect(why.length).toBeGreaterThan(20);
  });

  it('is configuration of nothing: no stage, function, stack, tool or sandbox imports it', () => {
    const files = globSync('{config,functions,lib,bin,sandbox,bench}/**/*.ts', {
      cwd: root,
      exclude: ['**/node_modules/**', 'config/catalog/**'],
    });
    const importing = files.filter((file) =>
      /(?:from|import)\s*\(?\s*['"][^'"]*catalog/.test(readFileSync(join(root, file), 'utf8')),
    );

    expect(files.length).toBeGreaterThan(200);
    expect(importing).toEqual([]);
  });

  it('is what docs/reports/catalog.md says', async () => {
    const page = join(root, 'docs/reports/catalog.md');
    const text = await catalogDocument(catalog);
    if (process.env['CATALOG_DOC'] === 'write') writeFileSync(page, text);

    expect(readFileSync(page, 'utf8')).toBe(text);
  });
});
