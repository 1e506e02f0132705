import type { Page } from 'playwright-core';
import type { Language } from '../../functions/shared/pages/language.ts';
import type { LocalStack } from '../../sandbox/stack.ts';

/** One page of the product, in one of its states. */
export interface PageUnderTest {
  /** In test titles and as the screenshots' name, such as `gateway-consent`. */
  readonly name: string;
  /** Brings the browser to the page. The context's locale is the language, and pages of one language share cookies. */
  readonly open: (page: Page, stack: LocalStack, language: Language) => Promise<void>;
  /** @default each that the product has */
  readonly languages?: readonly Language[];
  /** How much the page may weigh with all that it loads, in KB. @default 30 */
  readonly mostKilobytes?: number;
  /** Whether it has a script. If not, the suite makes sure of that. @default false */
  readonly hasScript?: boolean;
}
