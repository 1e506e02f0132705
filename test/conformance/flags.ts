import { type Spec } from '../../bin/shared/spec.ts';

export const spec = {
  call: 'npm run conformance:docs --',
  about: 'Writes docs/reports/conformance.md from the list of requirements.',
  commands: { '': { usage: '', changes: 'files', flags: {} } },
  rows: [[[''], 'writes docs/reports/conformance.md']],
} as const satisfies Spec;
