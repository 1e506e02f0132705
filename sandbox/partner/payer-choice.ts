/** A payer, by its id at the gateway and the name that the app's pages show. */
export interface PayerChoice {
  readonly id: string;
  readonly displayName: string;
}
