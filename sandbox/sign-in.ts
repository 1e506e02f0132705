import { runTool } from '../bin/shared/command-line.ts';
import { output } from '../bin/shared/output.ts';
import { identify } from './identity/identify.ts';
import { refuseFlagsOfNpm } from './npm-flags.ts';
import { readFlags, spec } from './sign-in/flags.ts';
import { reasonOf, signIn } from './sign-in/sign-in.ts';

/** `npm run sign-in -- AUTHORIZE_URL`: signs a test member in at a running local stack, for a partner's own tests. */
await runTool(spec, async (args) => {
  refuseFlagsOfNpm(spec, process.env);
  const request = readFlags(args);
  try {
    if ('issuer' in request) {
      output.out(await identify({ ...request, redirectUri: 'http://localhost/identity/callback' }));
      return 0;
    }
    const { redirect, codeVerifier, tokens } = await signIn(request);
    output.out(tokens === undefined ? redirect : JSON.stringify(tokens, undefined, 2));
    if (tokens === undefined && codeVerifier !== undefined) output.note(`code_verifier: ${codeVerifier}`);
    return 0;
  } catch (error) {
    output.note(`No sign-in: ${reasonOf(error, request)}`);
    return 1;
  }
});
