import { checkMethod, type ApiEvent } from '../shared/http/api.ts';
import { answerIfPreflight } from '../shared/http/cors.ts';
import { fhirRoute } from '../shared/partner/fhir-route.ts';
import { answerDelete } from './answer-delete.ts';
import { answerFile } from './answer-file.ts';
import { answerStatus } from './answer-status.ts';
import type { ExportDeps } from './deps.ts';
import { findExport } from './find-export.ts';
import { manifestReader } from './open-manifest.ts';

const isFile = ({ pathParameters }: ApiEvent): boolean => pathParameters?.['file'] !== undefined;

/** The methods that a URL allows: a file can be read, and an export polled and deleted. */
const methodsOf = (event: ApiEvent): readonly string[] => (isFile(event) ? ['GET'] : ['GET', 'DELETE']);

/** Answers requests for an export's status, its files and its deletion, as Bulk Data Access defines them. */
export const exportHandler = (given: ExportDeps) => {
  const deps = { ...given, readManifest: manifestReader(given.openObject) };
  return fhirRoute(deps, 'export').handler(async (event, context) => {
    const { record } = context;
    record.step = record.function;
    const methods = methodsOf(event);
    const preflight = answerIfPreflight(event, [...methods, 'OPTIONS'].join(', '));
    if (preflight !== undefined) return preflight;
    checkMethod(event, methods);
    const isDelete = event.httpMethod === 'DELETE';
    record.interaction = isDelete ? 'export delete' : isFile(event) ? 'export file' : 'export status';
    // A partner may delete its export even while the payer is paused, and with any live token of the grant, since deleting
    // reveals nothing. Status and files need a token with the export's types.
    const found = await findExport(deps, event, record, { evenIfPaused: isDelete });
    if (isDelete) return answerDelete(deps, found.item, context);
    return isFile(event) ? answerFile(deps, event, found, context) : answerStatus(deps, found, context);
  });
};
