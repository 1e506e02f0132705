/** A part of CHANGELOG.md: what one version changed. */
export interface Section {
  /** `Unreleased`, or a version. */
  readonly version: string;
  /** `YYYY-MM-DD`; undefined of what is not released. */
  readonly date: string | undefined;
  /** Without the heading. */
  readonly text: string;
}

export const unreleased = 'Unreleased';

const heading = /^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$/;

/** The text before the first version, and the versions in their order. */
export const sectionsOf = (changelog: string): { readonly head: string; readonly sections: readonly Section[] } => {
  const [head = '', ...parts] = changelog.split(/^(?=## \[)/m);
  const sections = parts.map((part) => {
    const [first = '', ...lines] = part.split('\n');
    const [, version = first, date] = heading.exec(first) ?? [];
    return { version, date, text: lines.join('\n').trim() };
  });
  return { head: head.trimEnd(), sections };
};

/** The whole file again. */
export const writeSections = (head: string, sections: readonly Section[]): string =>
  [
    head,
    ...sections.flatMap(({ version, date, text }) => [
      `## [${version}]${date === undefined ? '' : ` - ${date}`}`,
      ...(text === '' ? [] : [text]),
    ]),
  ].join('\n\n') + '\n';

export const sectionOf = (sections: readonly Section[], version: string): Section | undefined =>
  sections.find((section) => section.version === version);
