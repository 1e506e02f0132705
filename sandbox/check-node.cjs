// Runs on whichever Node starts it, so it stays plain CommonJS with no new syntax.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    'This project needs Node 24 (found ' +
      process.versions.node +
      '). On Linux `npm ci` brings one; elsewhere install it (see .nvmrc) and run again.',
  );
  process.exit(1);
}
