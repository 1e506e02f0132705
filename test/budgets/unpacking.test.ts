import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';

const functions = join(import.meta.dirname, '../../functions');
/** Nobody waits for the job, and each execution needs the types that are a patient's. */
const handlers = readdirSync(functions).filter(
  (name) => name !== 'export-job' && existsSync(join(functions, name, 'handler.ts')),
);

it('no function that somebody waits for unpacks a table while it is loaded: each does when a request needs it', async () => {
  // Before the functions' own modules are loaded, which then get this one.
  const unpacking = jest.spyOn(process.getBuiltinModule('node:zlib'), 'brotliDecompressSync');
  for (const name of handlers) await import(join(functions, name, 'handler.ts'));
  expect(unpacking).not.toHaveBeenCalled();

  const { isSearchParameter } = (await import(join(functions, 'shared/fhir/search-targets.ts'))) as {
    isSearchParameter: (type: string, code: string) => boolean;
  };
  expect(isSearchParameter('Patient', 'birthdate')).toBe(true);
  expect(unpacking).toHaveBeenCalledTimes(1);
});
