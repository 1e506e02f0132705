import { sectionOf, sectionsOf, unreleased, writeSections, type Section } from '../changelog/sections.ts';
import { Refusal } from '../shared/errors.ts';

/** The order of Keep a Changelog's headings in our notes. Others come before them. */
const order = ['Security', 'Added', 'Changed', 'Deprecated', 'Removed', 'Fixed'];

const partsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .split(/^(?=### )/m)
      .filter((part) => part.trim() !== '')
      .map((part): [string, string] => {
        const [, title = '', body = part] = /^### (.+)\n([^]*)$/.exec(part) ?? [];
        return [title, body.trim()];
      }),
  );

/** A heading may say whom it is for: "Added: for members". */
const place = (title: string): number => order.indexOf(title.replace(/:.*/, ''));

/** Two texts of sections as one: entries under the same heading come together, the older ones first. */
const joined = (older: string, newer: string): string => {
  const all = new Map(partsOf(older));
  for (const [title, body] of partsOf(newer)) {
    const before = all.get(title);
    all.set(title, before === undefined ? body : `${before}\n${body}`);
  }
  return [...all]
    .toSorted(([a], [b]) => place(a) - place(b))
    .map(([title, body]) => (title === '' ? body : `### ${title}\n\n${body}`))
    .join('\n\n');
};

/**
 * Moves what is under Unreleased to a version. If the version is there already, its entries are added to it.
 * @throws Refusal if nothing is under Unreleased
 */
export const cutRelease = (changelog: string, version: string, date: string): string => {
  const { head, sections } = sectionsOf(changelog);
  const waiting = sectionOf(sections, unreleased)?.text ?? '';
  if (waiting === '') throw new Refusal('Nothing is under Unreleased in CHANGELOG.md, so there is nothing to release.');
  const text = joined(sectionOf(sections, version)?.text ?? '', waiting);
  const others = sections.filter((section) => section.version !== unreleased && section.version !== version);
  const empty: Section = { version: unreleased, date: undefined, text: '' };
  return writeSections(head, [empty, { version, date, text }, ...others]);
};
