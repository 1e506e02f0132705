/** `npm run existing`: what the things that an account brings must allow, and whether they do. */
import { existing } from './existing/existing.ts';
import { spec } from './existing/flags.ts';
import { awsQuestions } from './existing/questions.ts';
import { runTool } from './shared/command-line.ts';
import { output } from './shared/output.ts';

await runTool(spec, (args) => existing(args, { environment: process.env, output, questionsFor: awsQuestions }));
