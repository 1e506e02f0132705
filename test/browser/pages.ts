import { gatewayPages } from './gateway-pages.ts';
import { livePages } from './live-pages.ts';
import type { PageUnderTest } from './page-under-test.ts';
import { partnerPages } from './partner-pages.ts';
import { payerPages } from './payer-pages.ts';

/** Every page of the product that a person sees. The live view is first, since it shows all that happened before. */
export const pages: readonly PageUnderTest[] = [...livePages, ...gatewayPages, ...partnerPages, ...payerPages];
