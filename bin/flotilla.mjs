#!/usr/bin/env node
// The flotilla command, on the project's own Node: everything after the name is handed on.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.argv.splice(2, 0, 'cli/main.ts');
await import(join(dirname(fileURLToPath(import.meta.url)), 'with-node.mjs'));
