import { openauthHandler } from '../peers/openauth-app.ts';

export const handler = openauthHandler({
  table: 'table',
  endpoint: 'https://dynamodb.example.org',
  authorizationEndpoint: 'https://payer.example.org/authorize',
  tokenEndpoint: 'https://payer.example.org/token',
});
