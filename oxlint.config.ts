import { defineConfig, type OxlintOverride } from 'oxlint';

/*
 * Each folder has rooms in an order that can be drawn in one line: a room imports from itself and from rooms after it.
 * What is in each room of functions/shared: see CONTRIBUTING.md.
 */
export const sharedRooms =
  'exchanges exports partner payer fhir pages record http registry limits store metrics scopes events json aws'.split(
    ' ',
  );
/** Rooms with a bar between them stand side by side: neither imports from the other. */
export const exportJobRooms = 'end record|exchange leg job state reading age'.split(' ');
export const sandboxRooms = 'drill demo sign-in identity payer live documents api-docs aws state partner'.split(' ');
/** Files of others that a tool uses. A tool that others use takes none of another tool. */
const filesOfOthers: Readonly<Record<string, readonly string[]>> = {
  audit: ['../functions/audit/audit-event.ts'],
  init: ['payers/**'],
  members: ['audit/**', 'payers/**'],
  registry: ['payers/**'],
  release: ['changelog/**', '../lib/bundle-options.ts'],
  restore: ['audit/**', '../functions/audit/audit-event.ts'],
  usage: ['cost/**'],
};

const layout = 'See "How the code is laid out" in CONTRIBUTING.md.';

/**
 * Files that import, beside their own folder, only what matches `allowed`.
 * @param up from the files to the folder that `allowed` begins in
 * @param allowed the last match counts; `!` takes something back
 * @param refused of their own folder
 */
const mayImport = (
  files: readonly string[],
  up: string,
  allowed: readonly string[],
  message: string,
  refused: readonly string[] = [],
): OxlintOverride => {
  const group = [
    `${up}**`,
    ...refused,
    ...allowed.map((path) => (path.startsWith('!') ? up + path.slice(1) : `!${up}${path}`)),
  ];
  return {
    files: [...files],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ group, message: `${message} ${layout}` }] }] },
  };
};

interface Rooms {
  readonly folder: string;
  /** How many folders deep the rooms are. */
  readonly depth: number;
  /** A bar is between rooms that stand side by side. */
  readonly order: readonly string[];
  /** What each room may import besides. */
  readonly besides: readonly string[];
  /** What one room may import besides. */
  readonly more?: Readonly<Record<string, readonly string[]>>;
}

/** Holds an order. A room without a place in it may import nothing, and no room may import it. */
const inOrder = ({ folder, depth, order, besides, more = {} }: Rooms): OxlintOverride[] =>
  Array.from({ length: depth }, (_, level) => {
    const [within, up] = [`${'*/'.repeat(level)}*.ts`, '../'.repeat(level + 1)];
    return [
      mayImport([`${folder}/*/${within}`], up, [], 'This room has no place in the order of oxlint.config.ts.'),
      ...order.flatMap((side, at) => {
        const after = order.slice(at + 1).flatMap((rooms) => rooms.split('|'));
        return side
          .split('|')
          .map((room) =>
            mayImport(
              [`${folder}/${room}/${within}`],
              up,
              [...after.map((other) => `${other}/**`), ...besides, ...(more[room] ?? [])],
              `${room} imports only from the rooms after it: ${after.join(', ')}.`,
            ),
          );
      }),
    ];
  }).flat();

const config =
  "config imports the registry's types, scopes, the searches of a profile, what an NPI and a private address are and what pages show only; its checks import no stage, and a stage imports neither the catalog nor what an account needs.";
const forConfig = [
  'functions/shared/{registry,scopes}/**',
  'functions/shared/{fhir/{npi,record-search},http/private-address,pages/settings}.ts',
];
/** What stages are made of. */
const besidesStages = '{examples,existing,stage}.ts';

const lambdas = "A Lambda's folder imports from itself and from functions/shared only.";
const sandbox =
  'The sandbox reaches functions through their handlers, and imports types of the registry, scopes, config and what tools share.';
const fromSandbox = [
  'config/**',
  'functions/shared/{registry,scopes}/**',
  'functions/*/index.ts',
  // How tools read their command line, write tables, make folders and exit.
  'bin/shared/{command-line,errors,exit,folders,markdown-table,output,policy-pattern,progress,running-stack,spec}.ts',
  'functions/shared/instant.ts',
  // What a log line has.
  'functions/shared/record/request-record.ts',
  // Which types of events there are.
  'functions/shared/events/event.ts',
];

export default defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'oxc', 'promise'],
  categories: { correctness: 'error', suspicious: 'warn', perf: 'warn' },
  rules: {
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'no-await-in-loop': 'off',
    'eslint/func-style': ['error', 'expression'],
    'typescript/consistent-type-definitions': ['error', 'interface'],
    'import/no-default-export': 'error',
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'typescript/no-unsafe-type-assertion': 'off',
    'import/no-unassigned-import': 'off',
    'unicorn/no-array-sort': 'off',
    'no-underscore-dangle': 'off',
    'import/no-named-as-default': 'off',
    'import/no-named-as-default-member': 'off',
    'typescript/consistent-return': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'eslint/preserve-caught-error': 'off',
  },
  overrides: [
    {
      files: ['*.config.*', 'config/*.ts', 'docs/site/.vitepress/**', 'test/support/jest/*.ts', 'knip.ts'],
      rules: { 'import/no-default-export': 'off' },
    },
    {
      files: ['lib/*.ts', 'bin/app.ts', 'test/lib/*.ts'],
      rules: { 'eslint/no-new': 'off' },
    },
    {
      // It posts to a BroadcastChannel, whose messages go to its own origin alone and take no target.
      files: ['docs/examples/sign-in.mjs'],
      rules: { 'unicorn/require-post-message-target-origin': 'off' },
    },

    mayImport(['functions/*/*.ts'], '../', ['shared/**'], lambdas),
    mayImport(['functions/*/*/*.ts'], '../../', ['shared/**'], lambdas),
    ...inOrder({ folder: 'functions/export-job', depth: 1, order: exportJobRooms, besides: ['../shared/**'] }),
    {
      files: ['functions/shared/*.ts'],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              { group: ['../**', './*/**'], message: `A file beside the rooms imports from no room. ${layout}` },
            ],
          },
        ],
      },
    },
    mayImport(['functions/shared/deps.ts'], '../', [], 'functions/shared imports from itself only.'),
    ...inOrder({ folder: 'functions/shared', depth: 1, order: sharedRooms, besides: ['*.ts', '!deps.ts'] }),

    mayImport(
      ['lib/*.ts'],
      '../',
      ['config/**', 'functions/shared/**'],
      'lib imports from config and functions/shared only.',
    ),
    mayImport(
      ['bin/*.ts'],
      '../',
      ['config/**', 'functions/shared/**'],
      'A command imports from bin, config and functions/shared only.',
    ),
    mayImport(['bin/app.ts'], '../', ['config/**', 'lib/**'], 'bin/app.ts imports from config and lib only.'),
    ...['*', ...Object.keys(filesOfOthers)].map((tool) => {
      const others = filesOfOthers[tool] ?? [];
      return mayImport(
        [`bin/${tool}/*.ts`],
        '../',
        ['shared/**', '../config/**', '../functions/shared/**', ...others],
        `A tool imports from its folder, bin/shared, config and functions/shared only${tool === '*' ? '' : `, and ${others.join(' and ')}`}.`,
      );
    }),

    mayImport(['config/*.ts'], '../', forConfig, config, ['./account/**', './catalog/**']),
    mayImport(['config/checks/*.ts'], '../', [besidesStages, ...forConfig.map((path) => `../${path}`)], config),
    mayImport(
      ['config/account/*.ts'],
      '../',
      [besidesStages, 'checks/**', ...forConfig.map((path) => `../${path}`)],
      config,
    ),
    mayImport(
      ['config/catalog/*.ts'],
      '../',
      ['../functions/shared/registry/**'],
      "The catalog imports the registry's types only.",
    ),

    mayImport(['sandbox/*.ts'], '../', fromSandbox, sandbox),
    ...inOrder({
      folder: 'sandbox',
      depth: 3,
      order: sandboxRooms,
      besides: [...fromSandbox.map((path) => `../${path}`), 'closers.ts', 'html.ts', 'local-stack-error.ts'],
      // A drill starts the stack.
      more: { drill: ['stack.ts'] },
    }),
    ...['../', '../../', '../../../'].map((up, level) =>
      mayImport(
        [`sandbox/partner/${'*/'.repeat(level)}*.ts`],
        up,
        [],
        'The sample app can be copied as one folder, so it imports from itself and from npm packages only.',
      ),
    ),

    {
      files: ['bench/**/*.ts'],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              {
                group: [
                  '**/{lib,bin,test}/**',
                  '!**/bin/shared/{command-line,errors,spec}.ts',
                  '!**/lib/bundle-options.ts',
                ],
                message: `bench imports from config, functions, sandbox, how tools read their command line and how functions are bundled only. ${layout}`,
              },
            ],
          },
        ],
      },
    },
  ],
  ignorePatterns: ['node_modules', 'cdk.out', 'coverage', '.local'],
});
