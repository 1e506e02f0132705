import { addressOf, pages, titleOf } from './pages.ts';

/** What each reader reads, in order: paths from docs/, without `.md`. */
const readers: Readonly<Record<string, string>> = {
  'Partner developers': `partners/README partners/quick-start partners/sign-in partners/tokens partners/reading
    partners/whole-record payer-exchange partners/events partners/errors partners/live-view partners/mobile partners/moving
    partners/going-live reports/payer-faults`,
  'Platform engineers': `deploy bring-your-own deploy-without-cdk payers add-a-partner registry operate alarms
    reported-errors incidents restore members objectives cost upgrade reports/catalog`,
  Auditors: `../SECURITY security storage audit dependencies reports/threats reports/rights reports/attributes
    reports/conformance reports/faults reports/export-faults`,
  Contributors: `architecture ../CONTRIBUTING testing performance reports/testing reports/performance
    reports/newcomer-changes ../CHANGELOG`,
  Records: `reports/bring-your-own reports/bulk-data-client reports/cost reports/dependencies reports/going-back
    reports/pages reports/restore-drill`,
};

const pathOf = (name: string): string => (name.startsWith('../') ? `${name.slice(3)}.md` : `docs/${name}.md`);

/** The site's sidebar. @throws Error for a page that no reader is told of, and for a name without a page */
export const sidebarOf = () => {
  const groups = Object.entries(readers).map(([text, names]) => [text, names.split(/\s+/).map(pathOf)] as const);
  const listed = new Set(['README.md', 'docs/README.md', ...groups.flatMap(([, paths]) => paths)]);
  const unlisted = Object.keys(pages).filter((path) => !listed.has(path));
  if (unlisted.length > 0)
    throw new Error(`No reader is told of ${unlisted.join(', ')}: see docs/site/.vitepress/sidebar.ts`);
  return groups.map(([text, paths]) => ({
    text,
    items: paths.map((path) => {
      const link = addressOf(path);
      if (link === undefined) throw new Error(`There is no ${path} for the sidebar`);
      return { text: titleOf(path), link };
    }),
  }));
};
