// Runs on whichever Node starts it, so it stays plain CommonJS with no new syntax.
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(
    'This app needs Node 24 (found ' + process.versions.node + '), which runs TypeScript. Install it and run again.',
  );
  process.exit(1);
}
