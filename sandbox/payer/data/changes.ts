import type { MemberRecord } from './record.ts';

export interface ChangedRecord {
  readonly record: MemberRecord;
  /** References of the resources that changed. */
  readonly changed: readonly string[];
}

/** How many observations are amended. */
const amended = 2;

/**
 * Changes a few resources of a record as a payer would: the member has a new phone number, and the last observations
 * are amended. Each gets a new version and `now` (epoch milliseconds) as its time, so that `_since` finds it.
 */
export const changeRecord = (record: MemberRecord, now: number): ChangedRecord => {
  const observations = new Set(record.resources.filter((text) => startsAs('Observation', text)).slice(-amended));
  const changed: string[] = [];
  const resources = record.resources.map((text) => {
    const isPatient = startsAs('Patient', text);
    if (!isPatient && !observations.has(text)) return text;
    changed.push(referenceOf(text));
    return isPatient ? withPhone(withVersion(text, now)) : withVersion(text, now).replace(statusFinal, statusAmended);
  });
  return { record: { ...record, resources }, changed };
};

// Resources are edited as text, since parsing and printing would turn 1.00 into 1.
const versionAndTime = /"versionId":"(\d+)","lastUpdated":"[^"]*"/;
const statusFinal = '"status":"final"';
const statusAmended = '"status":"amended"';

const startsAs = (resourceType: string, text: string): boolean => text.startsWith(`{"resourceType":"${resourceType}",`);

const referenceOf = (text: string): string => {
  const [, resourceType, id] = /^{"resourceType":"(\w+)","id":"([^"]+)"/.exec(text) ?? [];
  return `${resourceType}/${id}`;
};

const withVersion = (text: string, now: number): string =>
  text.replace(versionAndTime, (_whole, version: string) => {
    return `"versionId":"${Number(version) + 1}","lastUpdated":"${new Date(now).toISOString()}"`;
  });

/** The next phone number. Numbers from 617-555-0100 to 617-555-0199 are reserved for fiction. */
const withPhone = (text: string): string =>
  text.replace(/617-555-01(\d\d)/, (_whole, digits: string) => {
    return `617-555-01${String((Number(digits) + 1) % 100).padStart(2, '0')}`;
  });
