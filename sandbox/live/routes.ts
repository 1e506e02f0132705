import { apiDocuments } from '../api-docs/route.ts';
import { documents } from '../documents/route.ts';
import type { LiveRoute } from './server.ts';

/** Further pages of the live server, in the order of the links to them. */
export const liveRoutes: readonly LiveRoute[] = [apiDocuments, documents];
