/** What the app is called, and its logo: the first thing to change in a copy. */
export interface Brand {
  readonly name: string;
  /** A path on this server. */
  readonly logo: string;
  /** Where the name in the header leads. */
  readonly home: string;
}

export const brand: Brand = { name: 'Demo Partner', logo: '/logo.svg', home: '/' };
