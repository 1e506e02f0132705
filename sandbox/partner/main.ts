import { startPartnerApp } from './server.ts';
import { readSettings, SettingsError } from './settings.ts';

/** Starts the app with the settings of the environment. README.md names them. */
try {
  const app = await startPartnerApp(readSettings(process.env));
  console.log(`The app is on ${app.url}. Its redirect URI is ${app.redirectUri}. Ctrl-C stops it.`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close());
} catch (error) {
  const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  if (!taken && !(error instanceof SettingsError)) throw error;
  console.error(taken ? 'The port is taken. Choose another one with PORT=…' : (error as Error).message);
  process.exitCode = 1;
}
