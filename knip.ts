import type { KnipConfig } from 'knip';
import { stageNames } from './config/checks/load.ts';
import manifest from './package.json' with { type: 'json' };

/** Knip does not look behind `exec`. */
const commands = Object.values(manifest.scripts).flatMap(
  (script) => script.match(/\b[\w/-]+(?<!config)\.(?:ts|cjs)\b/g) ?? [],
);

const config: KnipConfig = {
  entry: [
    ...commands,
    'bin/*.ts',
    'functions/*/index.ts',
    // Takes a package's place in the bundles (lib/bundle-options.ts).
    'functions/shared/aws/role-credentials.ts',
    // Whatever stages an operator has written.
    ...stageNames().map((stage) => `config/${stage}.ts`),
    'sandbox/partner/main.ts',
    // Its package.json requires it.
    'sandbox/partner/check-node.cjs',
    // Pages name them.
    'sandbox/partner/static/*.js',
    'sandbox/aws/runtime.ts',
    // Pages load them.
    'sandbox/live/static/live.js',
    'sandbox/api-docs/static/page.js',
    // The gate's last step.
    '.ci/sum-results.cjs',
    'test/budgets/count-parsing.ts',
    'test/docs/write-registry-permissions.ts',
    'test/docs/write-service-authorization.ts',
    'test/budgets/count-work.ts',
    'test/faults/child.ts',
    'test/leaks/identity-crash.ts',
    'test/functions/export-job/request-ahead.ts',
    'test/mutation/{jest.config,all.test,sample}.ts',
    'test/planted/{run.ts,coverage-reporter.cjs}',
    'test/support/app-server.ts',
    'test/support/synth-server.ts',
  ],
  project: ['**/*.{ts,cjs,js}', '!bench/**', '!docs/site/**'],
  // The partner app serves their files, by path.
  ignoreDependencies: ['fhirclient', 'uplot', '@redocly/cli', 'swagger-ui-dist'],
  // Stryker resolves it against the root, knip against the file that names it.
  ignoreUnresolved: ['./test/mutation/sample.ts'],
  stryker: { config: ['test/mutation/stryker.json'] },
};

export default config;
