/** Folders and files whose change somebody who runs, uses or deploys the gateway may notice. */
const shipped = /^(?:bin|config|docs|functions|lib|sandbox)\/|^(?:cdk\.json|README\.md|SECURITY\.md)$/;

/** What only those read who change the project. */
const forContributors = /^docs\/(?:reports\/|testing\.md$|performance\.md$|dependencies\.md$)/;

/**
 * Whether a change of the file needs an entry.
 * @param stages names of the stages in config/, whose files are an operator's own
 */
export const isShipped = (path: string, stages: readonly string[]): boolean =>
  shipped.test(path) && !forContributors.test(path) && !stages.some((stage) => path === `config/${stage}.ts`);
