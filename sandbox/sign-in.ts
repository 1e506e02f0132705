import { help, readFlags, UsageError } from './sign-in/flags.ts';
import { reasonOf, signIn } from './sign-in/sign-in.ts';

/** `npm run sign-in -- AUTHORIZE_URL`: signs a test member in at a running local stack, for a partner's own tests. */
const run = async (): Promise<number> => {
  const request = readFlags(process.argv.slice(2));
  if (request === undefined) {
    console.log(help);
    return 0;
  }
  try {
    const { redirect, codeVerifier, tokens } = await signIn(request);
    console.log(tokens === undefined ? redirect : JSON.stringify(tokens, undefined, 2));
    if (tokens === undefined && codeVerifier !== undefined) console.error(`code_verifier: ${codeVerifier}`);
    return 0;
  } catch (error) {
    console.error(`No sign-in: ${reasonOf(error, request)}`);
    return 1;
  }
};

try {
  process.exitCode = await run();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
