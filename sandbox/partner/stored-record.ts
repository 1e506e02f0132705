import { nameOf } from './fhir.ts';
import { recordPages } from './record.ts';
import type { Read } from './record.ts';
import { entriesOf, resourceOf } from './store/lists.ts';
import { openStore } from './store/store.ts';
import type { RecordStore } from './store/store.ts';

/** A member's record as the app has it. */
export interface StoredRecord {
  readonly store: RecordStore;
  readonly name: string;
  readonly birthDate: string;
  readonly total: number;
  /** How it came: page by page, or by export. */
  readonly by: 'pages' | 'export';
  readonly pages: number;
  /** False if only the beginning was read. */
  readonly isWhole: boolean;
  readonly readAtMs: number;
}

/** Enough for most members. Whoever has more imports the whole record. */
const mostPages = 20;

/** Ends a store's import, and says what is in it. */
export const storedRecord = (
  store: RecordStore,
  came: Pick<StoredRecord, 'by' | 'pages' | 'isWhole'>,
): StoredRecord => {
  store.finish();
  const [patient] = entriesOf(store.db, 'Patient', 1, 1).rows;
  const resource = patient === undefined ? { resourceType: 'Patient' } : resourceOf(store.db, patient);
  const { birthDate } = resource as { readonly birthDate?: string };
  const total = Number(store.db.prepare('SELECT count(*) AS count FROM entry').get()?.['count']);
  return { store, name: nameOf(resource), birthDate: birthDate ?? '', total, ...came, readAtMs: Date.now() };
};

/** Reads the record page by page into a store, at most its first twenty pages. */
export const readFirstPages = async (
  base: string,
  read: Read,
  patientId: string | undefined,
): Promise<StoredRecord> => {
  const store = openStore();
  try {
    let pages = -1;
    let isWhole = true;
    for await (const { texts } of recordPages(base, read, patientId)) {
      if (pages === mostPages) {
        isWhole = false;
        break;
      }
      for (const text of texts()) store.add(text);
      pages += 1;
    }
    return storedRecord(store, { by: 'pages', pages, isWhole });
  } catch (error) {
    store.close();
    throw error;
  }
};
