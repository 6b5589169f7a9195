import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { declaredFunctions } from '../../infra/template/declared.ts';
import { operations } from '../../src/contracts/api.ts';
import { openApiDocument } from '../../src/contracts/openapi.ts';
import { productVersion } from '../../src/runtime/version.ts';

describe('the API', () => {
  it('is routed as its operations say, each address to one function', () => {
    const routes = declaredFunctions().flatMap((declared) => declared.routes);
    const wanted = Object.values(operations).map(({ method, path }) => `${method} ${path}`);
    expect(routes.toSorted()).toEqual(wanted.toSorted());
  });

  it('is answered by the function that the gateway calls', async () => {
    for (const { name, routes } of declaredFunctions().filter((declared) => declared.routes.length > 0)) {
      const module = (await import(`../../functions/${name}.ts`)) as {
        routes: { operation: { method: string; path: string } }[];
      };
      const served = module.routes.map(({ operation }) => `${operation.method} ${operation.path}`);
      expect(served.toSorted(), name).toEqual(routes.toSorted());
    }
  });

  it('is described in docs/openapi.json as it is (node infra/write-openapi.ts writes it)', () => {
    const file = readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
    expect(JSON.parse(file)).toEqual(JSON.parse(JSON.stringify(openApiDocument(productVersion))));
  });

  it('stands address by address in docs/api.md', () => {
    const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
    for (const { method, path } of Object.values(operations)) {
      expect(page).toContain(`${method} ${path.replace('+}', '}')}`);
    }
  });
});
