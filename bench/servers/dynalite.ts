/** DynamoDB in its own process, so that its CPU time does not count as the gateway's. */
import dynalite from 'dynalite';
import { listen } from '../../sandbox/aws/listen.ts';

const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
const port = await listen(server, 0, '127.0.0.1');
process.on('disconnect', () => process.exit());
process.send?.({ port });
