import { words } from '../../support/words.ts';

/** Answers of a gateway that has a defect, so nothing can bring them; each with the test that shows it. */
const defects: readonly { readonly test: string; readonly operations: readonly string[] }[] = [
  {
    test: 'test/functions/shared/pages/pages.test.ts',
    operations: ['authorize', 'authorizeByForm', 'connect', 'connections', 'connectionsByForm'],
  },
  {
    test: 'test/functions/token/requests.test.ts',
    operations: ['token', 'revoke', 'introspect'],
  },
  {
    test: 'test/functions/discovery/documents.test.ts',
    operations: words(`
      jwks smartConfiguration authorizationServerMetadata authorizationServerMetadataBelowBase metadata brands index
      findPayers
    `),
  },
  {
    test: 'test/functions/fetch/answers.test.ts',
    operations: words(`
      searchAll search searchByForm typeHistory read resourceHistory readVersion searchCompartment everything
      startExport startExportByBody deleteExport
      startMatch startGroupExport startGroupExportByBody searchGroups searchGroupsByForm readGroup
    `),
  },
];

/** Documented answers that no driver can bring, and the test that shows each. */
export const undriven: ReadonlyMap<string, string> = new Map([
  ...['authorize 302 server_error', 'authorizeByForm 302 server_error'].map(
    (answer) => [answer, 'test/functions/shared/errors.test.ts'] as const,
  ),
  // The payers of that stack take no identity tokens.
  ...['token 400 invalid_target', 'token 502', 'token 502 server_error'].map(
    (answer) => [answer, 'test/functions/token/identity.test.ts'] as const,
  ),
  ...defects.flatMap(({ test, operations }) =>
    operations.flatMap((id) => [`${id} 500`, `${id} 500 server_error`].map((answer) => [answer, test] as const)),
  ),
]);
