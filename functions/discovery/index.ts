import { realDeps } from '../shared/deps.ts';
import { readPageSettings } from '../shared/pages/settings.ts';
import { discovery } from './discovery.ts';
import { streamAnswers } from './stream-answer.ts';

const { client: _, ...deps } = realDeps();

export const handler = streamAnswers(discovery({ ...deps, pages: readPageSettings() }));
