/** What to do about an entry of the registry that is damaged. */
export const damagedEntry = (id: string): string =>
  `The registry's entry of ${id} is damaged; write it again first: npm run registry -- apply`;
