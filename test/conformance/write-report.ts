/** Writes docs/reports/conformance.md. Run: `npm run conformance:docs` */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readOrExit } from '../../bin/shared/command-line.ts';
import { spec } from './flags.ts';
import { groups } from './groups.ts';
import { reportOf } from './report.ts';

await readOrExit(spec);
await writeFile(join(import.meta.dirname, '../../docs/reports/conformance.md'), reportOf(groups));
