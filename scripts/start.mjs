// One process from build to shutdown, so that a signal sent to `npm start` reaches the launcher itself.
import { build } from './build.mjs';

process.stdout.write('Building ...\n');
build();
process.argv.splice(2, 0, 'start');
await import('../dist/apps/cli/main.js');
