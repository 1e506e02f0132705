/** What OpenSSL's verdicts on a certificate mean, and what to do; any other verdict is reported by name. */
const verdicts: Readonly<Record<string, readonly [string, string]>> = {
  CERT_HAS_EXPIRED: ['has expired', 'ask the payer to renew it'],
  CERT_NOT_YET_VALID: ['is not valid yet', "check this machine's clock, then ask the payer"],
  ERR_TLS_CERT_ALTNAME_INVALID: ['is for another host', 'check the host, or ask the payer for the right certificate'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['is self-signed', 'ask the payer for one from a public certificate authority'],
  SELF_SIGNED_CERT_IN_CHAIN: [
    'is from a private certificate authority',
    'ask the payer for one from a public certificate authority',
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'comes without its chain, or from an unknown authority',
    'ask the payer to send the intermediate certificates too',
  ],
};

/** What is wrong with a certificate, and what to do, if a verdict, or an error that names one, is a known one. */
export const certificateFault = (verdict: string): readonly [what: string, todo: string] | undefined => {
  const known = verdict.split(/\W+/).find((word) => Object.hasOwn(verdicts, word));
  return known === undefined ? undefined : verdicts[known];
};
