/** The gateway's, in every world. */
export const origin = 'https://gateway.example.org';
