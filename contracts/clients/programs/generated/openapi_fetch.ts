// openapi-fetch, typed by openapi-typescript: from a connection to a finished run, and typed refusals.
import createClient from 'openapi-fetch';
import type { components, paths } from './client';

declare const process: { argv: string[]; exitCode: number };
const [, , base, token] = process.argv;
const service = createClient<paths>({
  baseUrl: base,
  headers: {
    Authorization: `Bearer ${token}`,
    'x-api-key': 'client', 'x-gw-ims-org-id': '5C1328435BF324E90A49402A@AdobeOrg', 'x-sandbox-name': 'prod',
  },
});
type Schemas = components['schemas'];

function check(fact: boolean, what: string): asserts fact {
  if (!fact) throw new Error(what);
}
function given<T>({ data, error }: { data?: T; error?: Schemas['Refusal'] }): T {
  check(error === undefined && data !== undefined, JSON.stringify(error));
  return data;
}
function refused({ error }: { error?: Schemas['Refusal'] }): Schemas['ServiceError'] {
  check(error !== undefined && 'errorMessage' in error, 'a refusal by the service');
  return error;
}

const POSTGRESQL = '74a1c565-4e59-48d7-9d67-7c03b8a13137';
const params = {
  server: 'db.example.com', port: '5432', database: 'shop', username: 'reader', password: 'a-password', sslMode: 'Allow',
};

async function journey(): Promise<void> {
  const made: string[] = [];
  for (const name of ['Archive', 'Shop database', 'Warehouse']) {
    made.push(given(await service.POST('/connections', {
      body: {
        name, connectionSpec: { id: POSTGRESQL, version: '1.0' }, auth: { specName: 'Basic Authentication', params },
      },
    })).id);
  }
  const path = { BASE_CONNECTION_ID: made[0]! };
  const found = given(await service.GET('/connections/{BASE_CONNECTION_ID}', { params: { path } })).items[0]!;
  check(found.name === 'Archive' && found.createdAt > 1_700_000_000_000, 'look-up');
  const named = given(await service.GET('/connections', { params: { query: { property: ['name==Archive'] } } }));
  check(named.items?.length === 1, 'filter');
  check(given(await service.GET('/connections', { params: { query: { count: true } } })).count === 3, 'count');
  const names: (string | undefined)[] = [];
  for (let continuationToken: string | undefined, more = true; more; more = continuationToken !== undefined) {
    const page = given(await service.GET('/connections', { params: { query: { limit: 2, continuationToken } } }));
    names.push(...page.items?.map((row) => row.name) ?? []);
    continuationToken = page._links?.next?.href.match(/continuationToken=([^&]*)/)?.[1];
  }
  check(names.sort().join() === 'Archive,Shop database,Warehouse', 'pages');

  const body: Schemas['PatchRequest'] = [{ op: 'replace', path: '/name', value: 'Database of the shop' }];
  // @ts-expect-error: a number is not an instruction
  const wrong: Schemas['PatchInstruction'] = 42;
  void wrong;
  const change = { params: { path, header: { 'If-Match': found.etag } }, body };
  given(await service.PATCH('/connections/{BASE_CONNECTION_ID}', change));
  check(given(await service.GET('/connections/{BASE_CONNECTION_ID}/test', { params: { path } })).result, 'test');
  const query = { objectType: 'root' as const };
  const root = given(await service.GET('/connections/{BASE_CONNECTION_ID}/explore', { params: { path, query } }));
  const tableName = (root as Schemas['ExploreItems'])[0]!.path;

  check(refused(await service.PATCH('/connections/{BASE_CONNECTION_ID}', change)).title === 'Version not matching', '412');
  const incomplete = { name: 'x', connectionSpec: { id: POSTGRESQL }, auth: {} };
  const refusal = refused(await service.POST('/connections', { body: incomplete }));
  check(refusal.report?.pointer?.startsWith('/auth') === true, 'typed 400');

  const source = given(await service.POST('/sourceConnections', {
    body: {
      name: 'Customers', baseConnectionId: path.BASE_CONNECTION_ID, connectionSpec: { id: POSTGRESQL },
      data: { format: 'tabular' }, params: { tableName },
    },
  })).id;
  const target = given(await service.POST('/targetConnections', {
    body: {
      name: 'Data set', connectionSpec: { id: 'c604ff05-7f1a-43c0-8e18-33bf874cb11c' },
      params: { dataSetId: '5f3c3cedb2805c194ff0b69a' },
    },
  })).id;
  const flow = given(await service.POST('/flows', {
    body: {
      name: 'Customers once', flowSpec: { id: '14518937-270c-4525-bdec-c2ba7cce3860', version: '1.0' },
      sourceConnectionIds: [source], targetConnectionIds: [target],
      transformations: [{ name: 'Mapping', params: { mappingId: '0b09' } }],
      scheduleParams: { startTime: Math.floor(Date.now() / 1000), frequency: 'once' },
    },
  })).id;
  const shown = given(await service.GET('/flows/{FLOW_ID}', { params: { path: { FLOW_ID: flow } } })).items[0]!;
  check(Number(shown.scheduleParams?.startTime) > 1_700_000_000, 'start time');
  const runs = given(await service.GET('/runs', { params: { query: { property: [`flowId==${flow}`] } } }));
  check(runs.items !== undefined, 'runs');
  await service.DELETE('/flows/{FLOW_ID}', { params: { path: { FLOW_ID: flow } } });
  await service.DELETE('/targetConnections/{TARGET_CONNECTION_ID}', { params: { path: { TARGET_CONNECTION_ID: target } } });
  await service.DELETE('/sourceConnections/{SOURCE_CONNECTION_ID}', { params: { path: { SOURCE_CONNECTION_ID: source } } });
  for (const id of made) {
    await service.DELETE('/connections/{BASE_CONNECTION_ID}', { params: { path: { BASE_CONNECTION_ID: id } } });
  }
  const gone = await service.GET('/connections/{BASE_CONNECTION_ID}', { params: { path } });
  check(refused(gone).errorMessage !== '', 'typed 404');
}
journey().then(() => console.log('done'), (problem: unknown) => {
  console.error(problem);
  process.exitCode = 1;
});
