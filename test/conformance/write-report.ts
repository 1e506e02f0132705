/** Writes docs/reports/conformance.md. Run: `npm run conformance:docs` */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { groups } from './groups.ts';
import { reportOf } from './report.ts';

await writeFile(join(import.meta.dirname, '../../docs/reports/conformance.md'), reportOf(groups));
