import { aetna } from './aetna.ts';
import { bcbsAlabama } from './bcbs-alabama.ts';
import { cigna } from './cigna.ts';
import { elevance } from './elevance.ts';
import type { CatalogedPayer } from './fact.ts';
import { humana } from './humana.ts';
import { kaiser } from './kaiser.ts';
import { medicare } from './medicare.ts';
import { oneUp } from './one-up.ts';
import { unitedHealthcare } from './united-healthcare.ts';
import { va } from './va.ts';

/** Ten real payers. */
export const catalog: readonly CatalogedPayer[] = [
  aetna,
  bcbsAlabama,
  cigna,
  elevance,
  humana,
  kaiser,
  medicare,
  oneUp,
  unitedHealthcare,
  va,
];
