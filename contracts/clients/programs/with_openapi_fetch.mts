// Creates, pages, changes and explores connections with openapi-fetch and types generated from openapi.yaml,
// against a base URL or otherwise Adobe's hosts.
import createClient from 'openapi-fetch';
import type { components, paths } from './flow-service.js';

declare const process: { argv: string[] };
const baseUrl = process.argv[2];
const form = new URLSearchParams({
  grant_type: 'client_credentials', client_id: 'client', client_secret: 'a-secret', scope: 'openid',
});
const issued = await fetch(`${baseUrl ?? 'https://ims-na1.adobelogin.com'}/ims/token/v3`, { method: 'POST', body: form });
const { access_token: token } = await issued.json() as { access_token: string };

const service = createClient<paths>({
  baseUrl: `${baseUrl ?? 'https://platform.adobe.io'}/data/foundation/flowservice`,
  headers: {
    Authorization: `Bearer ${token}`,
    'x-api-key': 'client', 'x-gw-ims-org-id': '5C1328435BF324E90A49402A@AdobeOrg', 'x-sandbox-name': 'prod',
  },
});

/** Return the body of a successful response; throw the service's error otherwise. */
function given<T>({ data, error, response }: { data?: T; error?: unknown; response: Response }): T {
  if (error !== undefined || data === undefined) {
    throw new Error(`${response.status} ${JSON.stringify(error)}`);
  }
  return data;
}

const made: string[] = [];
for (const name of ['Shop database', 'Archive', 'Warehouse']) {
  const body: components['schemas']['CreateConnectionRequest'] = {
    name,
    auth: {
      specName: 'Basic Authentication',
      params: {
        server: 'db.example.com', port: '5432', database: 'shop', username: 'reader', password: 'a-password',
        sslMode: 'Verify Full',
      },
    },
    connectionSpec: { id: '74a1c565-4e59-48d7-9d67-7c03b8a13137', version: '1.0' },
  };
  made.push(given(await service.POST('/connections', { body })).id);
}
const names: (string | undefined)[] = [];
for (let token: string | undefined, more = true; more; more = token !== undefined) {
  const query = { limit: 2, ...token && { continuationToken: token } };
  const page = given(await service.GET('/connections', { params: { query } }));
  names.push(...page.items?.map((row) => row.name) ?? []);
  token = page._links?.next?.href.match(/continuationToken=([^&]*)/)?.[1];
}
console.log(names.sort());

const path = { BASE_CONNECTION_ID: made[0]! };
const found = given(await service.GET('/connections/{BASE_CONNECTION_ID}', { params: { path } }));
given(await service.PATCH('/connections/{BASE_CONNECTION_ID}', {
  params: { header: { 'If-Match': found.items[0]!.etag }, path },
  body: [{ op: 'replace', path: '/name', value: 'Database of the shop' }],
}));
given(await service.GET('/connections/{BASE_CONNECTION_ID}/explore', {
  params: { path, query: { objectType: 'root' } },
}));
for (const id of made) {
  const { response } = await service.DELETE('/connections/{BASE_CONNECTION_ID}', {
    params: { path: { BASE_CONNECTION_ID: id } },
  });
  if (response.status !== 204) throw new Error(`DELETE answered ${response.status}`);
}
