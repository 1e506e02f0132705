import { learnPayer } from '../../bin/payers/commands.ts';
import type { Draft } from '../../bin/payers/draft.ts';
import { smart } from '../../config/presets.ts';
import type { PayerHttp } from '../../functions/shared/payer/http.ts';
import type { Payer } from '../../functions/shared/registry/types.ts';

/** What the tool writes to stdout and to stderr, and the profile that its entry means where it is pasted. */
export interface Learned {
  readonly out: string;
  readonly notes: string;
}

/** Learns a payer as the tool does. */
export const learned = async (
  http: PayerHttp,
  url: string,
  {
    json = false,
    origin = 'https://gateway.test',
    further,
    draft,
  }: { json?: boolean; origin?: string; further?: string; draft?: Draft } = {},
): Promise<Learned> => {
  const out: string[] = [];
  const notes: string[] = [];
  const output = {
    out: (text: string) => void out.push(text),
    note: (text: string) => void notes.push(text),
    secret: () => {},
  };
  await learnPayer({ http }, output, { file: 'config/x.ts', origin, further, json, draft }, url);
  return { out: out.join('\n'), notes: notes.join('\n') };
};

/** The value of an entry that is pasted into a list. */
export const pasted = (entry: string): Payer =>
  // oxlint-disable-next-line typescript/no-implied-eval -- the point is what the text means where it is pasted
  (new Function('smart', `return [${entry}]`) as (preset: typeof smart) => [Payer])(smart)[0];

type Answer = () => Response;

/** A payer's HTTP from answers by URL; all other URLs answer 404. The URLs that were asked are kept. */
export const answering = (answers: Readonly<Record<string, Answer>>): { http: PayerHttp; asked: string[] } => {
  const asked: string[] = [];
  return {
    asked,
    http: async (input) => {
      const url = String(input);
      asked.push(url);
      return (answers[url] ?? (() => new Response('', { status: 404 })))();
    },
  };
};
