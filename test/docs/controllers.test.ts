import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { controllers } from '../../actors/controllers/index.ts';
import { controllersPage } from './controllers-page.ts';

const path = join(import.meta.dirname, '..', '..', 'docs', 'controllers.md');

it('docs/controllers.md says what the controllers do now', () => {
  const page = controllersPage();
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, page);
  expect(readFileSync(path, 'utf8')).toBe(page);
});

it('says of every controller what it watches', () => {
  const page = controllersPage();
  for (const { name } of controllers) expect(page).toContain(`## ${name}\n`);
  expect(page).not.toContain('watches: nothing');
});
