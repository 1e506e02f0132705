import type { Page } from 'playwright-core';
import type { LocalStack } from '../../sandbox/stack.ts';

/** The languages of the product's pages. */
export type PageLanguage = 'en' | 'es';

/** One page of the product, in one of its states. */
export interface PageUnderTest {
  /** In test titles and as the screenshots' name, such as `gateway-consent`. */
  readonly name: string;
  /** Brings the browser to the page. The context's locale is the language, and pages of one language share cookies. */
  readonly open: (page: Page, stack: LocalStack, language: PageLanguage) => Promise<void>;
  /** @default both */
  readonly languages?: readonly PageLanguage[];
  /** How much the page may weigh with all that it loads, in KB. @default 30 */
  readonly mostKilobytes?: number;
  /** Whether it has a script. If not, the suite makes sure of that. @default false */
  readonly hasScript?: boolean;
}
