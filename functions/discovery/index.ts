import { realDeps } from '../shared/deps.ts';
import { readPageSettings } from '../shared/pages/settings.ts';
import { discoveryHandler } from './handler.ts';
import { streamAnswers } from './stream-answer.ts';

const { client: _, ...deps } = realDeps();

export const handler = streamAnswers(discoveryHandler({ ...deps, pages: readPageSettings() }));
