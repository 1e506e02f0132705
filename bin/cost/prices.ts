/** AWS's list prices, from the newest dated file beside this one. */
import list from './prices-2025-12.json' with { type: 'json' };

/** What AWS charges for a number of units. */
export interface Price {
  readonly usd: number;
  readonly per: number;
  readonly unit: string;
  /** The name of AWS's pricing page, and of its section where it has several. */
  readonly page: string;
  /** The URL of that page. */
  readonly source: string;
  /** The month in which the page showed this price, such as `2025-12`. */
  readonly published: string;
}

export type PriceName = keyof typeof list.prices;

/** By the name that quantities use. */
export const prices: Readonly<Record<PriceName, Price>> = list.prices;

const monthName = (month: string): string =>
  new Date(`${month}-01T00:00:00Z`).toLocaleString('en-US', { month: 'long', year: 'numeric', timeZone: 'UTC' });

/** When these prices were published, such as `December 2025`. They change: check them before you budget. */
export const pricesKnownFor = [...new Set(Object.values(prices).map(({ published }) => published))]
  .sort()
  .map(monthName)
  .join(', ');

/** Numbers of units, by the name of their price. */
export type Quantities = Readonly<Partial<Record<PriceName, number>>>;

/** What a quantity costs, in dollars. */
export const dollars = (name: PriceName, quantity: number): number => (quantity * prices[name].usd) / prices[name].per;

/** Adds up quantities, each multiplied by its factor. */
export const addUp = (...parts: readonly (readonly [times: number, of: Quantities])[]): Quantities => {
  const sum: Partial<Record<PriceName, number>> = {};
  for (const [times, of] of parts) {
    for (const [name, quantity] of Object.entries(of) as [PriceName, number][]) {
      sum[name] = (sum[name] ?? 0) + times * quantity;
    }
  }
  return sum;
};
