import { compareTexts } from '../../functions/shared/compare-texts.ts';
import type { Licensed } from './licenses.ts';

const line = '='.repeat(80);

const nameOf = ({ name, version }: Licensed): string => `${name} ${version}`;

/** The notices that go with the bundles: each license's text once, under the packages that have it. */
export const noticesOf = (product: string, packages: readonly Licensed[]): string => {
  const sorted = packages.toSorted((a, b) => compareTexts(nameOf(a), nameOf(b)));
  const parts = [...Map.groupBy(sorted, ({ license, text }) => `${license}\n${text}`).values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [`${group.map(nameOf).join('\n')}\n\nLicense: ${first.license}\n\n${first.text}`];
  });
  const head = `Third-party notices of ${product}\n\nThe bundles of its functions contain code of these ${packages.length} packages.`;
  return `${[head, ...parts].join(`\n\n${line}\n\n`)}\n`;
};
