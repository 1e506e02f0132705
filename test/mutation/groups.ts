import { words } from '../support/words.ts';

/** A part of the code that is mutated together, and the unit tests that must notice. */
export interface Group {
  /** Patterns without braces, since Stryker splits patterns at commas. */
  readonly mutate: readonly string[];
  /** Folders or patterns of files below `test/`; the first ones run first. */
  readonly tests: readonly string[];
  /** Files among them that take seconds, or that set the environment of a starting process. */
  readonly apart?: readonly string[];
  /** Titles of tests that take seconds; what only they would notice counts as survived. */
  readonly leftOut?: readonly string[];
}

/** Files that wire, or that a program wrote. */
const notMutated = [
  '!functions/*/index.ts',
  '!functions/shared/deps.ts',
  '!functions/shared/fhir/search-parameter-targets.ts',
];

const slow = ['streams one string of 2 MB, with and without escapes, and finds the link behind it'];

/** The parts that are mutated, by name. */
export const groups: Readonly<Record<string, Group>> = {
  store: {
    mutate: ['functions/shared/store/*.ts'],
    tests: words(`
      functions/shared/store functions/token functions/shared/payer functions/fetch/breaker functions/audit
    `),
  },
  parties: {
    mutate: ['functions/shared/payer/*.ts', 'functions/shared/partner/*.ts'],
    tests: words(`
      functions/shared/payer functions/shared/partner functions/token functions/callback functions/authorize
      functions/fetch
    `),
  },
  fhir: {
    mutate: ['functions/shared/fhir/**/*.ts', 'functions/shared/json/*.ts', ...notMutated],
    tests: ['functions/shared/fhir', 'functions/shared/json', 'functions/fetch'],
    leftOut: slow,
  },
  ...Object.fromEntries(
    ['authorize', 'callback', 'connections', 'token', 'fetch'].map((handler) => [
      handler,
      {
        mutate: [`functions/${handler}/**/*.ts`, ...notMutated],
        tests: [`functions/${handler}`, 'functions/*.test.ts'],
        apart: ['functions/fetch/index.test.ts'],
      },
    ]),
  ),
  audit: { mutate: ['functions/audit/*.ts', ...notMutated], tests: ['functions/audit'] },
  events: {
    mutate: [
      ...words(`
        functions/follow-up/*.ts functions/sweep/*.ts functions/deliver/*.ts functions/shared/events/*.ts
      `),
      ...notMutated,
    ],
    tests: ['functions/follow-up', 'functions/sweep', 'functions/deliver'],
    apart: ['functions/deliver/post.test.ts'],
  },
  exports: {
    mutate: ['functions/export/**/*.ts', 'functions/shared/exports/*.ts', ...notMutated],
    tests: ['functions/export', 'functions/shared/exports', 'functions/fetch/kick-off'],
  },
  exchanges: {
    mutate: ['functions/shared/exchanges/*.ts'],
    tests: ['functions/shared/exchanges', 'functions/fetch/exchange', 'functions/export-job/exchange*.test.ts'],
  },
  job: {
    mutate: ['functions/export-job/**/*.ts', ...notMutated],
    tests: ['functions/export-job'],
  },
  beside: {
    mutate: ['functions/canary/*.ts', 'functions/discovery/*.ts', 'functions/fill-registry/*.ts', ...notMutated],
    tests: ['functions/canary', 'functions/discovery', 'functions/fill-registry'],
    apart: ['functions/{canary,discovery,fill-registry}/index.test.ts'],
  },
  directory: {
    mutate: ['brands', 'connect', 'index-page'].map((folder) => `functions/discovery/${folder}/*.ts`),
    tests: ['functions/discovery'],
    apart: ['functions/discovery/index.test.ts'],
  },
  pages: {
    mutate: ['functions/shared/pages/*.ts', ...notMutated],
    tests: ['functions/shared/pages', 'functions/authorize', 'functions/callback', 'functions/discovery'],
    apart: ['functions/discovery/index.test.ts'],
  },
  shared: {
    mutate: ['', 'aws/', 'http/', 'limits/', 'metrics/', 'record/', 'registry/', 'scopes/']
      .map((folder) => `functions/shared/${folder}*.ts`)
      .concat(notMutated),
    tests: [
      ...['*.test.ts', 'http', 'limits', 'metrics', 'record', 'registry', 'scopes'].map(
        (folder) => `functions/shared/${folder}`,
      ),
      ...words(`
        functions/authorize functions/token functions/fetch functions/fill-registry bin/usage-queries*.test.ts
      `),
    ],
    apart: ['functions/shared/deps.test.ts', 'functions/{fetch,fill-registry}/index.test.ts'],
  },
  config: {
    mutate: [
      ...words('config/*.ts config/account/*.ts config/checks/*.ts'),
      ...['local', 'demo', 'production-example'].map((stage) => `!config/${stage}.ts`),
    ],
    tests: ['config'],
  },
};
