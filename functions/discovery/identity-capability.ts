/** Says that a member's identity token makes a grant. SMART defines no capability for it, so it is a URI of the gateway's. */
export const identityCapability = (origin: string): string => `${origin}/capabilities/identity-sign-in`;
