import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { parseFhir } from '../fhir.ts';
import type { Resource } from '../fhir.ts';
import { happenedOn } from './date.ts';
import { detailOfResource, stateOf, titleOfResource } from './describe.ts';
import { costsOf } from './money.ts';
import { readingsOf, topicOf } from './readings.ts';

/**
 * One member's record from one payer. It is in a private temporary file that SQLite deletes when it is closed, so that
 * a record of any size takes a few megabytes of memory, and nothing outlives the process. An app of your own keeps
 * records in its database, encrypted at rest.
 */
export interface RecordStore {
  readonly db: DatabaseSync;
  /** Adds a resource, by its JSON as the payer wrote it. A later one with the same type and id replaces it. */
  readonly add: (json: string) => void;
  /** Adds an attachment's content, by the URL that resources have of it. */
  readonly addFile: (url: string, bytes: Uint8Array) => void;
  readonly file: (url: string) => Uint8Array | undefined;
  /** To be called after the last resource. */
  readonly finish: () => void;
  readonly close: () => void;
}

const schema = `
  PRAGMA cache_size = -4000;
  CREATE TABLE entry (
    n INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    detail TEXT NOT NULL,
    state TEXT NOT NULL,
    date TEXT NOT NULL,
    at INTEGER,
    day TEXT,
    topic TEXT,
    medication TEXT,
    json TEXT NOT NULL,
    UNIQUE (type, id)
  );
  CREATE TABLE reading (entry INTEGER NOT NULL, topic TEXT NOT NULL, part TEXT NOT NULL, unit TEXT NOT NULL,
    at INTEGER NOT NULL, value REAL NOT NULL);
  CREATE TABLE file (url TEXT PRIMARY KEY, bytes BLOB NOT NULL);
  CREATE TABLE claim (entry INTEGER NOT NULL, currency TEXT NOT NULL, billed INTEGER, paid INTEGER, owed INTEGER);
`;

/** Made after the import, which is faster than keeping them up to date during it. */
const indexes = `
  CREATE INDEX IF NOT EXISTS by_type ON entry (type, at DESC, n);
  CREATE INDEX IF NOT EXISTS by_day ON entry (day DESC, type, title) WHERE day IS NOT NULL;
  CREATE INDEX IF NOT EXISTS by_topic ON entry (topic, at DESC) WHERE topic IS NOT NULL;
  CREATE INDEX IF NOT EXISTS readings ON reading (topic, unit, at, part, value);
  CREATE INDEX IF NOT EXISTS readings_of ON reading (entry);
  CREATE INDEX IF NOT EXISTS claims ON claim (entry);
`;

/** A prescription may come before the Medication that names its medicine. */
const nameMedicines = `
  UPDATE entry SET title = (SELECT m.title FROM entry m WHERE m.type = 'Medication' AND m.id = entry.medication)
  WHERE medication IS NOT NULL
    AND EXISTS (SELECT 1 FROM entry m WHERE m.type = 'Medication' AND m.id = entry.medication)
`;

/** Types that say who, where or whence, but nothing that happened to the member. */
const noEvents = new Set([
  'Binary',
  'Location',
  'Medication',
  'Organization',
  'Patient',
  'Practitioner',
  'PractitionerRole',
  'Provenance',
  'RelatedPerson',
  'Specimen',
]);

/** Resources between two commits. */
const batch = 1000;

const medicationOf = (resource: Resource): string | null => {
  const reference = (resource['medicationReference'] as { readonly reference?: string } | undefined)?.reference;
  const [, id = null] = /(?:^|\/)Medication\/([^/]+)$/.exec(reference ?? '') ?? [];
  return id;
};

interface Statements {
  readonly entry: StatementSync;
  readonly reading: StatementSync;
  readonly claim: StatementSync;
}

const prepare = (db: DatabaseSync): Statements => ({
  entry: db.prepare(
    'INSERT INTO entry (type, id, title, detail, state, date, at, day, topic, medication, json) VALUES (?,?,?,?,?,?,?,?,?,?,?)',
  ),
  reading: db.prepare('INSERT INTO reading (entry, topic, part, unit, at, value) VALUES (?,?,?,?,?,?)'),
  claim: db.prepare('INSERT INTO claim (entry, currency, billed, paid, owed) VALUES (?,?,?,?,?)'),
});

const insert = (to: Statements, resource: Resource, json: string): void => {
  const { resourceType: type, id = '' } = resource;
  const date = happenedOn(resource);
  const ms = Date.parse(date);
  const at = Number.isNaN(ms) ? null : ms;
  const day = date === '' || noEvents.has(type) ? null : date.slice(0, 10);
  const topic = type === 'Observation' ? topicOf(resource) : null;
  const [title, detail] = [titleOfResource(resource), detailOfResource(resource)];
  const { lastInsertRowid: entry } = to.entry.run(
    type,
    id,
    title,
    detail,
    stateOf(resource),
    date,
    at,
    day,
    topic,
    medicationOf(resource),
    json,
  );
  if (topic !== null && at !== null)
    for (const { part, unit, value } of readingsOf(resource)) to.reading.run(entry, topic, part, unit, at, value);
  if (type !== 'ExplanationOfBenefit') return;
  const { currency, billed, paid, owed } = costsOf(resource);
  to.claim.run(entry, currency, billed ?? null, paid ?? null, owed ?? null);
};

const removeOf = (db: DatabaseSync): ((type: string, id: string) => void) => {
  const find = db.prepare('SELECT n FROM entry WHERE type = ? AND id = ?');
  const removals = ['DELETE FROM reading WHERE entry = ?', 'DELETE FROM claim WHERE entry = ?'];
  const removed = [...removals, 'DELETE FROM entry WHERE n = ?'].map((text) => db.prepare(text));
  return (type, id) => {
    const found = find.get(type, id);
    if (found !== undefined) for (const statement of removed) statement.run(found['n'] ?? null);
  };
};

/** Opens an empty store. */
export const openStore = (): RecordStore => {
  // SQLite makes a private temporary file for a database without a name.
  const db = new DatabaseSync('');
  db.exec(schema);
  const statements = prepare(db);
  const remove = removeOf(db);
  let open = 0;
  const commit = (): void => {
    if (open > 0) db.exec('COMMIT');
    open = 0;
  };
  return {
    db,
    add: (json) => {
      const resource = parseFhir(json);
      if (open === 0) db.exec('BEGIN');
      open += 1;
      remove(resource.resourceType, resource.id ?? '');
      insert(statements, resource, json);
      if (open >= batch) commit();
    },
    addFile: (url, bytes) => void db.prepare('INSERT OR REPLACE INTO file (url, bytes) VALUES (?, ?)').run(url, bytes),
    file: (url) => db.prepare('SELECT bytes FROM file WHERE url = ?').get(url)?.['bytes'] as Uint8Array | undefined,
    finish: () => {
      commit();
      db.exec(indexes);
      db.exec(nameMedicines);
    },
    close: () => {
      if (db.isOpen) db.close();
    },
  };
};
