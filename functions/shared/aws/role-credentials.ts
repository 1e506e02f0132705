/**
 * Takes the place of `@aws-sdk/credential-provider-node` in each bundle (lib/bundle-options.ts). Lambda gives a function
 * the keys of its role as environment variables, so the SDK's chain of other sources (profiles, SSO, instance
 * metadata, the clients for those) would be a fifth of a bundle that no request ever reads.
 *
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';
