import { operationOutcome } from '../../../../functions/shared/fhir/operation-outcome.ts';

describe('operationOutcome', () => {
  it('says the message where clients look for it', () => {
    expect(operationOutcome('not-found', 'No.')).toEqual({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'not-found', details: { text: 'No.' }, diagnostics: 'No.' }],
    });
    expect(operationOutcome('informational', 'Yes.', 'information').issue[0].severity).toBe('information');
  });
});
