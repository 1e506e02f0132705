import { aetna } from './aetna.ts';
import { bcbsAlabama } from './bcbs-alabama.ts';
import { bcbsMinnesota } from './bcbs-minnesota.ts';
import { bcbsNorthCarolina } from './bcbs-north-carolina.ts';
import { bcbsSouthCarolina } from './bcbs-south-carolina.ts';
import { blueShieldCalifornia } from './blue-shield-california.ts';
import { centene } from './centene.ts';
import { cigna } from './cigna.ts';
import { elevance } from './elevance.ts';
import type { CatalogedPayer } from './fact.ts';
import { healthPartners } from './health-partners.ts';
import { highmark } from './highmark.ts';
import { humana } from './humana.ts';
import { kaiser } from './kaiser.ts';
import { medicare, medicareV3 } from './medicare.ts';
import { oneUp } from './one-up.ts';
import { unitedHealthcare } from './united-healthcare.ts';
import { va } from './va.ts';

/** Seventeen real payers, Medicare in both versions of its API. */
export const catalog: readonly CatalogedPayer[] = [
  aetna,
  bcbsAlabama,
  bcbsMinnesota,
  bcbsNorthCarolina,
  bcbsSouthCarolina,
  blueShieldCalifornia,
  centene,
  cigna,
  elevance,
  healthPartners,
  highmark,
  humana,
  kaiser,
  medicare,
  medicareV3,
  oneUp,
  unitedHealthcare,
  va,
];
