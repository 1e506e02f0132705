/** The gateway's origin, in every world. */
export const origin = 'https://gateway.example.org';
