import { grantHandler } from '../peers/grant-app.ts';

export const handler = grantHandler('https://payer.example.org', 'table');
