import { join } from 'node:path';

/**
 * How esbuild makes a function's bundle. CommonJS with the SDK bundled and the `module` builds of dependencies starts
 * fastest. The same sources and packages give the same bytes.
 */
export const bundleOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  mainFields: ['module', 'main'] as string[],
  minify: true,
  alias: {
    '@aws-sdk/credential-provider-node': join(import.meta.dirname, '../functions/shared/aws/role-credentials.ts'),
  } as Record<string, string>,
} as const;
